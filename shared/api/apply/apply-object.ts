/**
 * PATCH by apply (server-side apply), of an object or of its status: makes the object where there is none. The body is YAML or JSON, and
 * says all that its manager wants of the object; apply.ts has the rules. It is one write of the pipeline as any other.
 */

import { timestamp } from "../../base/clock.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import type { ApiResponse } from "../../http/exchange.ts";
import { cleanBody } from "../../kinds/body.ts";
import type { KindDefinition } from "../../kinds/definition.ts";
import { forbidden, required, typeInvalid } from "../../kinds/field-error.ts";
import { apiVersion, group, type WindlassObject } from "../../kinds/object.ts";
import { applyPatchType, lazyBody, requiredBody } from "../body.ts";
import { type ItemCall, inStore } from "../call.ts";
import { badRequest, conflict, invalid } from "../errors.ts";
import { checkPlace } from "../get.ts";
import { decodeUpdate, runWrite } from "../pipeline.ts";
import { presentObject } from "../present.ts";
import { parseFlag } from "../query.ts";
import type { Propose, Write } from "../write.ts";
import { writeOptions } from "../write-options.ts";
import { type Applied, apply } from "./apply.ts";
import { listErrors } from "./config-check.ts";
import { conflictError } from "./conflict-text.ts";
import { fieldTypeOf } from "./field-type.ts";
import { kubectlManager, realConflicts, refreshLastApplied } from "./last-applied.ts";
import { type Manager, readEntries } from "./managed-entry.ts";
import { isObject } from "./parts.ts";
import { parseYaml } from "./yaml-body.ts";

export function applyObject(call: ItemCall): Promise<ApiResponse> {
  const body = lazyBody(call.request, [applyPatchType], parseYaml);
  return inStore(call, "patch", async (store) => {
    checkPlace(call);
    const { definition, namespace, name, subresource, principal } = call;
    const options = writeOptions(call, "PatchOptions");
    const { manager, force } = applyOptions(call, { isApply: true });
    const orCreate = subresource === undefined;
    const write: Write = { operation: "update", orCreate, definition, namespace, name, subresource, options, principal };
    const config = configuration(write, await requiredBody(body));
    const propose = applying(write, config, { manager: { manager, operation: "Apply", subresource }, force });
    const { object, created, warnings, revision } = await runWrite(store, write, propose);
    return presentObject(call, object, { revision, warnings, isNew: created });
  });
}

/** What the query says of an apply; of another patch that it says nothing of one. @throws RefusedError: 422. */
export function applyOptions(
  { query }: Pick<ItemCall, "query">,
  { isApply }: { readonly isApply: boolean },
): { readonly manager: string; readonly force: boolean } {
  const manager = query("fieldManager") ?? "";
  if (isApply && manager === "") throw invalid("PatchOptions", "", [required("fieldManager", "is required for apply patch")]);
  if (!isApply && query("force") !== undefined)
    throw invalid("PatchOptions", "", [forbidden("force", "may not be specified for non-apply patch")]);
  return { manager, force: parseFlag(query("force")) };
}

type Configuration = { readonly value: JsonObject; readonly metadata: JsonObject; readonly dropped: readonly string[] };

/** @throws RefusedError where it is no object of the write's kind, says who owns what, or has lists whose items can't be told apart. */
function configuration({ definition, name }: Write, body: Json): Configuration {
  const clean = cleanBody(body);
  if (clean === undefined) throw badRequest("the body is nested too deep");
  const { value, dropped } = clean;
  const [version, kind] = isObject(value) ? [value["apiVersion"] ?? "", value["kind"] ?? ""] : ["", ""];
  if (!isObject(value) || version !== apiVersion || kind !== definition.kind) {
    throw badRequest(`invalid object type: ${String(version)}, Kind=${String(kind)}`);
  }
  const metadata = value["metadata"] ?? {};
  if (!isObject(metadata)) throw invalid(definition.kind, name, [typeInvalid("metadata", metadata, "object")]);
  if (metadata["managedFields"] !== undefined) throw badRequest("metadata.managedFields must be nil");
  const errors = listErrors(fieldTypeOf(definition), value);
  if (errors.length > 0) throw invalid(definition.kind, name, errors);
  return { value, metadata, dropped };
}

type How = { readonly manager: Manager; readonly force: boolean };

function applying(write: Write, { value: config, metadata, dropped }: Configuration, how: How): Propose {
  const { definition } = write;
  return (current, transaction) => {
    if (current === undefined) checkNothingNamed(write, metadata);
    const time = timestamp(transaction.context.now);
    const applied = applyTo(definition, current, { config, time, ...how });
    const object = how.manager.manager === kubectlManager ? refreshLastApplied(applied.object, config) : applied.object;
    const proposal = decodeUpdate(write, { ...envelopeOf(config), ...withIdentity(object, metadata) }, current);
    return { ...proposal, unknownFields: [...dropped, ...proposal.unknownFields], managedFields: applied.entries };
  };
}

/** @throws RefusedError: 409 where it is not forced and others own what would change. */
export function applyTo(
  definition: KindDefinition,
  live: WindlassObject | undefined,
  { force, ...how }: How & { readonly config: JsonObject; readonly time: string },
): Applied {
  const entries = readEntries(live?.metadata.managedFields) ?? [];
  const applied = apply({ definition, live, entries, ...how });
  if (!force) checkConflicts(definition, live, applied, how.manager);
  return applied;
}

/** @throws RefusedError: 409 where others own what would change, and it is not kubectl's own from before. */
function checkConflicts(
  definition: KindDefinition,
  live: WindlassObject | undefined,
  { conflicts }: Applied,
  { manager }: Manager,
): void {
  const isKubectl = manager === kubectlManager && live !== undefined;
  const real = isKubectl ? realConflicts(definition, live, conflicts) : conflicts;
  if (real.length > 0) throw conflictError(real);
}

/** A uid or a version that is named must be there. */
function checkNothingNamed({ definition, name }: Write, { uid, resourceVersion }: JsonObject): void {
  const named = [
    uid !== undefined ? `uid ${String(uid)}` : "",
    resourceVersion !== undefined ? `version ${String(resourceVersion)}` : "",
  ];
  const text = named.filter((each) => each !== "").join(" and ");
  if (text === "") return;
  const what = `Operation cannot be fulfilled on ${definition.plural}.${group} ${JSON.stringify(name)}`;
  throw conflict(`${what}: the provided object specified ${text}, and no existing object was found`, []);
}

/** What stands beside the parts that can be owned: the decoder judges it. */
function envelopeOf({ metadata: _, spec: __, status: ___, ...envelope }: JsonObject): JsonObject {
  return envelope;
}

/** With what the configuration says of which object it is for; the pipeline checks that. */
function withIdentity(object: JsonObject, { name, namespace, uid, resourceVersion }: JsonObject): JsonObject {
  const identity = Object.entries({ name, namespace, uid, resourceVersion }).filter(([, value]) => value !== undefined);
  const { metadata } = object;
  // What is no map goes to the decoder as it is.
  if (metadata !== undefined && !isObject(metadata)) return object;
  return { ...object, metadata: { ...metadata, ...Object.fromEntries(identity) } };
}
