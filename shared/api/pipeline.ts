/**
 * The one way in which the interface changes objects, whatever the verb: propose, decode and default, then the steps in their order,
 * then commit. All of it runs in one transaction, so it may run several times and reads nothing but its arguments and the transaction.
 */
import { isDeepStrictEqual } from "node:util";
import { deepFreeze, type Json, type JsonObject } from "../base/json.ts";
import { keyOf } from "../kinds/definition.ts";
import type { Metadata, ObjectInput, WindlassObject } from "../kinds/object.ts";
import { decodeObject } from "../kinds/validate.ts";
import { TooLargeError } from "../log/errors.ts";
import { NotFoundError } from "../state/errors.ts";
import type { Meter } from "../state/quota/meter.ts";
import type { Store } from "../state/store.ts";
import type { Transaction } from "../state/transaction.ts";
import { badRequest, invalid } from "./errors.ts";
import { steps } from "./steps.ts";
import type { Proposal, Propose, StepContext, Write, Written } from "./write.ts";

/** @throws what the verb, a step or the store refuses with; then nothing was written. */
export async function runWrite(store: Store, write: Write, propose: Propose): Promise<Written> {
  const admission = await store.meter?.admit();
  let committed = false;
  try {
    const { value, revision, changed } = await store.update(
      (transaction) => changeObject(transaction, write, propose, store.meter),
      { actor: write.principal.name },
    );
    committed = changed;
    return { ...value, revision };
  } finally {
    admission?.done(committed);
  }
}

type Changed = Omit<Written, "revision">;

/** In a transaction of the caller's. `meter`: of the cluster, where clients are held to quotas. @throws as runWrite. */
export function changeObject(transaction: Transaction, asked: Write, propose: Propose, meter?: Meter): Changed {
  const current = asked.operation === "create" ? undefined : currentOf(transaction, asked);
  const write: Write = current === undefined ? { ...asked, operation: "create" } : asked;
  const { object, unknownFields, managedFields } = propose(current, transaction);
  const warnings = judgeUnknown(write, unknownFields);
  const context: StepContext = { write, current, transaction, managedFields };
  const wanted = steps.reduce((before, step) => step(before, context), object);
  const mark = transaction.mark();
  const changed = commitFitting(wanted, context);
  // Deletions are always let through: a mark is more bytes, too.
  if (write.operation !== "delete") meter?.check(transaction);
  if (!write.options.dryRun) return { ...changed, warnings };
  transaction.rollback(mark);
  return { ...changed, object: unversioned(changed.object, current), warnings };
}

function currentOf(
  transaction: Transaction,
  { definition, name, namespace, orCreate = false }: Write,
): WindlassObject | undefined {
  const current = transaction.of(definition).get(name, namespace);
  if (current === undefined && !orCreate) throw new NotFoundError(keyOf(definition, name, namespace));
  return current;
}

/**
 * The body of an update as an object of the write's kind, with defaults, under the write's name. The part that this write can't
 * change, the status or all but the status, is not looked at.
 * @throws RefusedError: invalid, or a name or namespace that is not the path's.
 */
export function decodeUpdate(
  { definition, name, namespace, subresource }: Write,
  body: Json,
  current: WindlassObject | undefined,
): Proposal {
  const decoded = decodeObject(definition, subresource === undefined ? withoutStatus(body) : withSpecOf(current, body));
  if (!decoded.ok) throw invalid(definition.kind, name, decoded.errors);
  const { object, unknownFields } = decoded;
  const { metadata } = object;
  const given = metadata.name ?? name;
  if (given !== name) throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  checkNamespaceFits(metadata.namespace, namespace);
  return { object: { ...object, metadata: { ...metadata, name, ...(namespace !== undefined && { namespace }) } }, unknownFields };
}

/** @throws RefusedError when a body names another namespace than its path. */
export function checkNamespaceFits(given: string | undefined, namespace: string | undefined): void {
  if (given === undefined || given === namespace) return;
  throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/** What is no object is left to the decoder to refuse. */
export function withoutStatus(body: Json): Json {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  if (!Object.hasOwn(body, "status")) return body;
  const { status: _, ...rest } = body as JsonObject;
  return rest;
}

function withSpecOf(current: WindlassObject | undefined, body: Json): Json {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  return { ...body, ...(current !== undefined && { spec: current.spec }) };
}

/** @throws RefusedError under Strict; else the warnings. */
function judgeUnknown({ options, definition }: Write, fields: readonly string[]): string[] {
  if (fields.length === 0 || options.fieldValidation === "Ignore") return [];
  const texts = fields.map((field) => `unknown field ${JSON.stringify(field)}`);
  if (options.fieldValidation === "Warn") return texts;
  throw badRequest(
    `${definition.kind} in version "v1" cannot be handled as a ${definition.kind}: strict decoding error: ${texts.join(", ")}`,
  );
}

/**
 * As Kubernetes (apiserver, handlers/create.go, update.go and patch.go): what is too large is written without its managedFields. An apply is
 * not: it lives by them.
 */
function commitFitting(object: ObjectInput, context: StepContext): Omit<Changed, "warnings"> {
  try {
    return commit(object, context);
  } catch (error) {
    const { managedFields, ...metadata } = object.metadata;
    const isSpared = managedFields !== undefined && context.managedFields === undefined;
    if (!isSpared || !(error instanceof TooLargeError) || error.what !== "object") throw error;
    return commit({ ...object, metadata }, context);
  }
}

/** An object whose deletion was asked for goes when nobody's finalizer holds it any more. What changes nothing is not written. */
function commit(object: ObjectInput, { write, current, transaction }: StepContext): Omit<Changed, "warnings"> {
  const table = transaction.of(write.definition);
  if (current === undefined) return { object: table.create(object), removed: false, created: true };
  const { deletionTimestamp, finalizers = [], resourceVersion, uid } = object.metadata;
  if (deletionTimestamp !== undefined && finalizers.length === 0) {
    const { name, namespace } = write;
    const wanted = {
      ...(namespace !== undefined && { namespace }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(uid !== undefined && { uid }),
    };
    // As Kubernetes answers: what it would have become.
    const { metadata, ...last } = table.delete(name, wanted);
    const { finalizers: _, ...rest } = metadata;
    return { object: deepFreeze({ ...last, metadata: { ...rest, deletionTimestamp } }), removed: true, created: false };
  }
  if (isSame(object, current)) return { object: current, removed: false, created: false };
  return { object: table.update(object), removed: false, created: false };
}

/** But for what a write names as its precondition. */
function isSame(object: ObjectInput, current: WindlassObject): boolean {
  return (
    isSameMetadata(object.metadata, current.metadata) &&
    isDeepStrictEqual(object.spec, current.spec) &&
    isDeepStrictEqual(object.status, current.status)
  );
}

function isSameMetadata(metadata: Readonly<Record<string, unknown>>, before: Readonly<Record<string, unknown>>): boolean {
  for (const name in metadata) {
    if (name !== "resourceVersion" && name !== "uid" && !isDeepStrictEqual(metadata[name], before[name])) return false;
  }
  for (const name in before) {
    if (name !== "resourceVersion" && name !== "uid" && !Object.hasOwn(metadata, name)) return false;
  }
  return true;
}

/** What a dry run answers has no version of its own. */
function unversioned(object: WindlassObject, current: WindlassObject | undefined): WindlassObject {
  const { resourceVersion: _, ...rest } = object.metadata;
  const metadata = (current === undefined ? rest : { ...rest, resourceVersion: current.metadata.resourceVersion }) as Metadata;
  return deepFreeze({ ...object, metadata });
}
