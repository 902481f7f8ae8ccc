/**
 * The subresource scale: how many of something an object asks for, as Kubernetes' autoscaling/v1 Scale, so that one client scales
 * every kind. Reading shows a part of the object, writing changes that part of its spec and nothing else.
 */

import * as z from "zod";
import { timestamp } from "../base/clock.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { ApiResponse } from "../http/exchange.ts";
import { invalid as invalidField } from "../kinds/field-error.ts";
import type { WindlassObject } from "../kinds/object.ts";
import { issueErrors } from "../kinds/schema-issue.ts";
import { applyOptions, applyTo } from "./apply/apply-object.ts";
import type { Manager } from "./apply/managed-entry.ts";
import { parseYaml } from "./apply/yaml-body.ts";
import { applyPatchType, contentType, jsonPatchType, jsonTypes, lazyBody, mergePatchType, requiredBody } from "./body.ts";
import { type ItemCall, inStore } from "./call.ts";
import { badRequest, invalid, notFound } from "./errors.ts";
import { checkPlace } from "./get.ts";
import { patchedBy } from "./patch.ts";
import { checkNamespaceFits, decodeUpdate, runWrite } from "./pipeline.ts";
import { presentJson } from "./present.ts";
import type { Propose, Write } from "./write.ts";
import { writeOptions } from "./write-options.ts";

const patchTypes = [mergePatchType, jsonPatchType, applyPatchType] as const;
const [apiVersion, kind] = ["autoscaling/v1", "Scale"] as const;

const identitySchema = z
  .object({
    name: z.string().optional(),
    namespace: z.string().optional(),
    uid: z.string().optional(),
    resourceVersion: z.string().optional(),
  })
  .prefault({});
type Identity = z.infer<typeof identitySchema>;
const scaleSchema = z.object({
  apiVersion: z.literal(apiVersion).optional(),
  kind: z.literal(kind).optional(),
  metadata: identitySchema,
  // Go's zero value: a client may leave it out for none.
  spec: z.object({ replicas: z.int().default(0) }).prefault({}),
});
/** Who applies says the number, or owns nothing. */
const appliedSchema = z.object({
  apiVersion: z.literal(apiVersion),
  kind: z.literal(kind),
  metadata: identitySchema,
  spec: z.object({ replicas: z.int() }),
});

export function getScale(call: ItemCall): Promise<ApiResponse> {
  return inStore(call, "get", async (store) => {
    const { definition, name, namespace } = call;
    checkPlace(call);
    const { value, revision } = await store.view((transaction) => transaction.of(definition).get(name, namespace));
    if (value === undefined) throw notFound(definition, name);
    return presentScale(call, value, revision);
  });
}

export function replaceScale(call: ItemCall): Promise<ApiResponse> {
  const body = lazyBody(call.request, jsonTypes);
  return inStore(call, "update", async (store) => {
    checkPlace(call);
    const write = writeOf(call, "UpdateOptions");
    const wanted = await requiredBody(body);
    const { object, revision } = await runWrite(
      store,
      write,
      scaled(write, () => wanted),
    );
    return presentScale(call, object, revision);
  });
}

export function patchScale(call: ItemCall): Promise<ApiResponse> {
  const type = contentType(call.request.header("content-type"));
  const isApply = type === applyPatchType;
  const body = isApply ? lazyBody(call.request, [applyPatchType], parseYaml) : lazyBody(call.request, patchTypes);
  return inStore(call, "patch", async (store) => {
    checkPlace(call);
    const write = writeOf(call, "PatchOptions");
    const { force, manager } = applyOptions(call, { isApply });
    const patch = await requiredBody(body);
    const propose = isApply
      ? applied(write, patch, { force, manager: { manager, operation: "Apply", subresource: "scale" } })
      : scaled(write, (current) => patchedBy(type, write, { current: scaleOf(write, current) as Json, patch }));
    const { object, revision } = await runWrite(store, write, propose);
    return presentScale(call, object, revision);
  });
}

function writeOf(call: ItemCall, options: "UpdateOptions" | "PatchOptions"): Write {
  const { definition, namespace, name, principal } = call;
  return {
    operation: "update",
    definition,
    namespace,
    name,
    subresource: "scale",
    options: writeOptions(call, options),
    principal,
  };
}

/** From the Scale that is wanted to the object that has it. */
function scaled(write: Write, wanted: (current: WindlassObject) => Json): Propose {
  return (current) => {
    const { definition, name } = write;
    if (current === undefined) throw notFound(definition, name);
    const { metadata, spec } = decodeScale(scaleSchema, name, wanted(current));
    checkIdentity(write, metadata);
    const body = { ...current, spec: definition.scaling?.spec(current, spec.replicas) };
    return decodeUpdate({ ...write, subresource: undefined }, named(body, metadata), current);
  };
}

/** Server-side apply of the one field that a Scale has: its manager owns it in the object, by this subresource, as in Kubernetes. */
function applied(write: Write, body: Json, how: { readonly force: boolean; readonly manager: Manager }): Propose {
  const { definition, name } = write;
  const { metadata, spec } = decodeScale(appliedSchema, name, body);
  checkIdentity(write, metadata);
  const config: JsonObject = { spec: definition.scaling?.part(spec.replicas) ?? {} };
  return (current, transaction) => {
    if (current === undefined) throw notFound(definition, name);
    const { object, entries } = applyTo(definition, current, { config, time: timestamp(transaction.context.now), ...how });
    const proposal = decodeUpdate(
      { ...write, subresource: undefined },
      named({ ...current, spec: object["spec"] }, metadata),
      current,
    );
    return { ...proposal, managedFields: entries };
  };
}

/** @throws RefusedError: the Scale of another object. */
function checkIdentity({ name, namespace }: Write, metadata: Identity): void {
  if ((metadata.name ?? name) !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  checkNamespaceFits(metadata.namespace || undefined, namespace);
}

/** With the preconditions that a Scale names. */
function named(
  { metadata, ...object }: Omit<WindlassObject, "spec"> & { readonly spec: unknown },
  { uid, resourceVersion }: Identity,
): Json {
  const { resourceVersion: _, uid: __, ...kept } = metadata;
  return { ...object, metadata: { ...kept, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) } } as Json;
}

/** @throws RefusedError: invalid. */
function decodeScale<S extends { readonly spec: { readonly replicas: number } }>(
  schema: z.ZodType<S>,
  name: string,
  body: Json,
): S {
  const parsed = schema.safeParse(body, { reportInput: true });
  if (!parsed.success) throw invalid(kind, name, issueErrors("", parsed.error.issues));
  const { replicas } = parsed.data.spec;
  if (replicas >= 0) return parsed.data;
  throw invalid(kind, name, [invalidField("spec.replicas", replicas, "must be greater than or equal to 0")]);
}

function scaleOf({ definition }: Pick<ItemCall, "definition">, object: WindlassObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const view = definition.scaling?.view(object);
  return {
    kind,
    apiVersion,
    metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: view?.wanted ?? 0 },
    status: { replicas: view?.there ?? 0, ...(view?.selector && { selector: view.selector }) },
  };
}

const presentScale = (call: ItemCall, object: WindlassObject, revision: number): ApiResponse =>
  presentJson(JSON.stringify(scaleOf(call, object)), { revision });
