/**
 * What every write passes between its decoding and its commit, one concern a step, in the order of `steps`.
 */

import { keyOf } from "../kinds/definition.ts";
import { forbidden } from "../kinds/field-error.ts";
import type { Metadata, ObjectInput } from "../kinds/object.ts";
import { ConflictError } from "../state/errors.ts";
import { adoption } from "./adoption.ts";
import { appliedFields, updatedFields } from "./apply/updated-fields.ts";
import { invalid } from "./errors.ts";
import type { Step } from "./write.ts";

/** A version or uid that the write names must be the current one, also where nothing would change. The store checks it again. */
const preconditions: Step = (object, { write, current }) => {
  if (current === undefined) return object;
  const { resourceVersion, uid } = object.metadata;
  const isStale = resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion;
  const isOther = uid !== undefined && uid !== current.metadata.uid;
  if (!isStale && !isOther) return object;
  const key = keyOf(write.definition, write.name, write.namespace);
  throw new ConflictError(key, current, { ...(isStale && { resourceVersion }), ...(isOther && { uid }) });
};

/** What the server alone sets: a client's word on it is dropped. */
const systemFields: Step = (object, { write, current }) => {
  if (current !== undefined && !isEnding(object.metadata) && !isEnding(current.metadata)) {
    const { generation, creationTimestamp } = current.metadata;
    return withMetadata(object, { ...object.metadata, generation, creationTimestamp });
  }
  const { generation: _, creationTimestamp: __, deletionTimestamp, deletionGracePeriodSeconds, ...given } = object.metadata;
  if (current === undefined) {
    const { uid: ___, ...metadata } = given;
    return withMetadata(object, metadata);
  }
  const { generation, creationTimestamp } = current.metadata;
  // Only a deletion begins one.
  const ending = write.operation === "delete" ? { deletionTimestamp, deletionGracePeriodSeconds } : current.metadata;
  return withMetadata(object, {
    ...given,
    generation,
    creationTimestamp,
    ...(ending.deletionTimestamp !== undefined && { deletionTimestamp: ending.deletionTimestamp }),
    ...(ending.deletionGracePeriodSeconds !== undefined && { deletionGracePeriodSeconds: ending.deletionGracePeriodSeconds }),
  });
};

const isEnding = ({ deletionTimestamp, deletionGracePeriodSeconds }: Partial<Metadata>): boolean =>
  deletionTimestamp !== undefined || deletionGracePeriodSeconds !== undefined;

/** The object itself never changes its status, and its status nothing else. */
const subresources: Step = (object, { write, current }) => {
  if (write.subresource !== "status") {
    if (object.status === undefined && current?.status === undefined) return object;
    const { status: _, ...rest } = object;
    return current?.status === undefined ? rest : { ...rest, status: current.status };
  }
  if (current === undefined) return object;
  const { resourceVersion, uid } = object.metadata;
  const { resourceVersion: _, uid: __, ...metadata } = current.metadata;
  const named = { ...(resourceVersion !== undefined && { resourceVersion }), ...(uid !== undefined && { uid }) };
  const status = object.status ?? current.status;
  return { ...object, metadata: { ...metadata, ...named }, spec: current.spec, ...(status !== undefined && { status }) };
};

/** Empty maps and lists are absent, as Kubernetes writes them: then they make no difference, and no revision. */
const tidyMetadata: Step = (object) => {
  const { metadata } = object;
  if (!hasUntidy(metadata)) return object;
  const tidy = Object.entries(metadata).filter(([name, value]) => !isUntidy(name, value));
  return withMetadata(object, Object.fromEntries(tidy) as ObjectInput["metadata"]);
};

function hasUntidy(metadata: Readonly<Record<string, unknown>>): boolean {
  for (const name in metadata) if (isUntidy(name, metadata[name])) return true;
  return false;
}

/** An empty list of managedFields says something: the step after this one hears it. */
function isUntidy(name: string, value: unknown): boolean {
  if (typeof value !== "object" || value === null || name === "managedFields") return false;
  for (const _ in value) return false;
  return true;
}

/** Who set which field: as the verb worked it out, or as after any update. A deletion sets none. */
const managedFields: Step = (object, { write, current, transaction, managedFields: known }) => {
  if (write.operation === "delete") return object;
  const given = object.metadata.managedFields;
  const entries =
    known === undefined
      ? updatedFields({ object, given, write, current, now: transaction.context.now })
      : appliedFields({ object, current }, known);
  if (entries !== undefined && entries.length > 0) return withMetadata(object, { ...object.metadata, managedFields: entries });
  if (given === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return withMetadata(object, metadata);
};

/** A cluster belongs to nobody: it must not go because something else is not there. All other objects may name owners. */
const owners: Step = (object, { write }) => {
  if (write.definition.scope !== "root" || object.metadata.ownerReferences === undefined) return object;
  throw invalid(write.definition.kind, write.name, [forbidden("metadata.ownerReferences", "not allowed on this type")]);
};

/** Kubernetes: an object that is going can lose finalizers, but gets no new ones, save by the deletion itself. */
const finalizers: Step = (object, { write, current }) => {
  if (current?.metadata.deletionTimestamp === undefined || write.operation === "delete") return object;
  const before = current.metadata.finalizers ?? [];
  const added = (object.metadata.finalizers ?? []).filter((name) => !before.includes(name));
  if (added.length === 0) return object;
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(", ")}}`;
  throw invalid(write.definition.kind, write.name, [forbidden("metadata.finalizers", detail)]);
};

/** What the server does itself before an object goes can't be skipped: nobody else takes its finalizer away. */
const ownFinalizer: Step = (object, { write, current }) => {
  const { finalizer } = write.definition;
  const held = current?.metadata.deletionTimestamp === undefined ? [] : (current.metadata.finalizers ?? []);
  const left = object.metadata.finalizers ?? [];
  if (finalizer === undefined || !held.includes(finalizer) || left.includes(finalizer)) return object;
  return withMetadata(object, { ...object.metadata, finalizers: [...left, finalizer] });
};

export const steps: readonly Step[] = [
  preconditions,
  systemFields,
  subresources,
  tidyMetadata,
  managedFields,
  owners,
  finalizers,
  ownFinalizer,
  adoption,
];

function withMetadata(object: ObjectInput, metadata: Partial<Metadata> & { readonly name: string }): ObjectInput {
  return { ...object, metadata };
}
