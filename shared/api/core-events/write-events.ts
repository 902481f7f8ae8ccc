/**
 * POST, PUT, PATCH and DELETE of events, for editors: what client-go's recorders and kubectl send. A strategic merge patch is taken as a merge
 * patch, which it is for events: they have no lists that it merges. An event does not outlive its hour, so finalizers and owners mean nothing.
 */
import type { Json } from "../../base/json.ts";
import type { ApiResponse } from "../../http/exchange.ts";
import { type CoreEvent, type CoreEventContent, coreEventKind, decodeCoreEvent } from "../../kinds/core-event.ts";
import { checkNamed } from "../../kinds/metadata.ts";
import { generateName } from "../../kinds/names.ts";
import { applyPatchType, contentType, jsonPatchType, jsonTypes, lazyBody, mergePatchType, requiredBody } from "../body.ts";
import { deleteOptions } from "../delete-options.ts";
import { badRequest, invalid, RefusedError } from "../errors.ts";
import { checkShape } from "../negotiate.ts";
import { patchedBy } from "../patch.ts";
import { type WriteOptions, writeOptions } from "../write-options.ts";
import {
  checkCurrent,
  checkEventNamespace,
  type EventItemCall,
  eventNotFound,
  inEvents,
  type PlacedCall,
  placeOf,
} from "./event-call.ts";
import { presentDeleted, presentEvent } from "./present-event.ts";

const { kind, plural } = coreEventKind;
const strategicPatchType = "application/strategic-merge-patch+json";
/** A body without a type counts as the first. */
const patchTypes = [mergePatchType, strategicPatchType, jsonPatchType] as const;
/** An event would be twice as large with them, for the hour that it lives. */
const noApply =
  "events have no managedFields, so server-side apply can't tell whose their fields are; use kubectl apply without --server-side";
/** Kubernetes tries so many generated names. */
const generatedNamesMax = 8;

type Decoded = { readonly content: CoreEventContent; readonly warnings: readonly string[] };

export function createEvent(call: PlacedCall): Promise<ApiResponse> {
  const body = lazyBody(call.request, jsonTypes);
  return inEvents(call, "create", async (uid) => {
    checkEventNamespace(call);
    checkShape(call.format, { isList: false });
    const options = writeOptions(call, "CreateOptions");
    const decoded = decode(call, await requiredBody(body), options);
    const { metadata } = decoded.content;
    const errors = checkNamed(metadata);
    if (errors.length > 0) throw invalid(kind, "", errors);
    if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== "0")
      throw badRequest("resourceVersion should not be set on objects to be created");
    const event = await create(call, uid, decoded.content, options);
    return presentEvent(call, event, { isNew: true, warnings: decoded.warnings });
  });
}

async function create(
  { api, namespace }: PlacedCall,
  uid: string,
  content: CoreEventContent,
  { dryRun }: WriteOptions,
): Promise<CoreEvent> {
  const { uid: _, ...metadata } = content.metadata;
  for (let tries = 1; ; tries += 1) {
    const name = metadata.name ?? generateName(metadata.generateName ?? "", api.ids.random);
    const place = { namespace, name };
    try {
      const decide = (current: CoreEvent | undefined): CoreEventContent => {
        if (current !== undefined) throw taken(name);
        return { ...content, metadata };
      };
      return (await api.events.change(uid, place, decide, { dryRun })).event;
    } catch (error) {
      const isTaken = error instanceof RefusedError && error.refusal.kind === "alreadyExists";
      if (!isTaken || metadata.name !== undefined || tries === generatedNamesMax) throw error;
    }
  }
}

const taken = (name: string): RefusedError => new RefusedError({ kind: "alreadyExists", resource: plural, name, group: "" });

/** As Kubernetes does for events: a put of what is not there makes it. */
export function replaceEvent(call: EventItemCall): Promise<ApiResponse> {
  const body = lazyBody(call.request, jsonTypes);
  return inEvents(call, "update", async (uid) => {
    checkShape(call.format, { isList: false });
    const place = placeOf(call);
    const options = writeOptions(call, "UpdateOptions");
    const { content, warnings } = decode(call, await requiredBody(body), options);
    checkName(call, content);
    const decide = (current: CoreEvent | undefined): CoreEventContent => {
      const { resourceVersion } = content.metadata;
      if (current === undefined && resourceVersion !== undefined) throw eventNotFound(call.name);
      if (current !== undefined) checkCurrent(current, content.metadata);
      return content;
    };
    const { event, isNew } = await call.api.events.change(uid, place, decide, options);
    return presentEvent(call, event, { isNew, warnings });
  });
}

export function patchEvent(call: EventItemCall): Promise<ApiResponse> {
  const type = contentType(call.request.header("content-type"));
  const body = lazyBody(call.request, patchTypes);
  return inEvents(call, "patch", async (uid) => {
    checkShape(call.format, { isList: false });
    const place = placeOf(call);
    if (type === applyPatchType) throw new RefusedError({ kind: "unsupportedMediaType", supported: patchTypes, why: noApply });
    const options = writeOptions(call, "PatchOptions");
    const patch = await requiredBody(body);
    if (type === strategicPatchType) checkPlainPatch(patch);
    let warnings: readonly string[] = [];
    const decide = (current: CoreEvent | undefined): CoreEventContent => {
      if (current === undefined) throw eventNotFound(call.name);
      const named = { definition: coreEventKind, name: call.name };
      const decoded = decode(call, patchedBy(type, named, { current: current as unknown as Json, patch }), options);
      checkName(call, decoded.content);
      checkCurrent(current, decoded.content.metadata);
      warnings = decoded.warnings;
      return decoded.content;
    };
    const { event } = await call.api.events.change(uid, place, decide, options);
    return presentEvent(call, event, { warnings });
  });
}

export function removeEvent(call: EventItemCall): Promise<ApiResponse> {
  const body = lazyBody(call.request, jsonTypes);
  return inEvents(call, "delete", async (uid) => {
    checkShape(call.format, { isList: false });
    const place = placeOf(call);
    const { dryRun, preconditions } = deleteOptions(call.query, await body());
    const decide = (current: CoreEvent | undefined): undefined => {
      if (current === undefined) throw eventNotFound(call.name);
      checkCurrent(current, preconditions);
    };
    const { event } = await call.api.events.change(uid, place, decide, { dryRun });
    return presentDeleted(event);
  });
}

/** @throws RefusedError: invalid, or with unknown fields under Strict. */
function decode({ namespace, ...call }: PlacedCall, body: Json, { fieldValidation }: WriteOptions): Decoded {
  const decoded = decodeCoreEvent(body, namespace);
  if (!decoded.ok) throw invalid(kind, "name" in call ? String(call.name) : "", decoded.errors);
  const { content, unknownFields } = decoded;
  const given = content.metadata.namespace;
  if (given !== undefined && given !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  const texts = unknownFields.map((field) => `unknown field ${JSON.stringify(field)}`);
  if (texts.length === 0 || fieldValidation === "Ignore") return { content, warnings: [] };
  if (fieldValidation === "Warn") return { content, warnings: texts };
  throw badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: strict decoding error: ${texts.join(", ")}`);
}

/** @throws RefusedError: a body that is another event's. */
function checkName({ name }: EventItemCall, { metadata }: CoreEventContent): void {
  if (metadata.name === undefined || metadata.name === name) return;
  throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
}

/** A strategic merge patch without directives is a merge patch. @throws RefusedError where there is one. */
function checkPlainPatch(patch: Json): void {
  if (typeof patch !== "object" || patch === null) return;
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) throw badRequest(`${key}: directives of strategic merge patches are not understood for events`);
    if (value !== undefined) checkPlainPatch(value);
  }
}
