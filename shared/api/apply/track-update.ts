/**
 * Who owns what after an update, whatever its verb: the writer takes what it changed or added, and nobody owns what is gone. A write
 * that changes no field changes no entry, and no time. Pure.
 */
import type { Json } from "../../base/json.ts";
import type { KindDefinition } from "../../kinds/definition.ts";
import { type Comparison, compare } from "./compare.ts";
import { difference, type Fields, isEmpty, noFields, union, without } from "./field-set.ts";
import { fieldTypeOf } from "./field-type.ts";
import { foldOldest, isOf, type ManagedEntry, type Manager, newEntry, writeEntries } from "./managed-entry.ts";
import { untouchable } from "./owned-view.ts";
import { type Rewrite, rewriteOf } from "./rewrite.ts";

/** An object, or what of it can be owned. */
type ObjectParts = { readonly metadata?: unknown; readonly spec?: unknown; readonly status?: unknown };

export type Update = {
  readonly definition: KindDefinition;
  /** undefined: the object is made. */
  readonly before: ObjectParts | undefined;
  readonly after: ObjectParts;
  readonly entries: readonly ManagedEntry[];
  readonly manager: Manager;
  /** RFC 3339, of the write. */
  readonly time: string;
};

/**
 * The entries after the update; those that were given, themselves, where nothing changes. An object whose entries were taken back is
 * not tracked until it is applied: nobody knows who set what of it (Kubernetes' skipNonApplied).
 */
export function trackUpdate(update: Update): readonly ManagedEntry[] {
  const { definition, before: former, after, entries, manager, time } = update;
  if (former !== undefined && entries.length === 0) return entries;
  const sole = entries.length === 1 ? entries[0] : undefined;
  if (former !== undefined && sole !== undefined && isOf(sole, manager)) {
    const rewrite = rewriteBy(sole, update);
    if (rewrite === "nothing" || (rewrite === "owned" && sole.time === time)) return entries;
    if (rewrite === "owned") return writeEntries([newEntry(manager, sole.fieldsV1, time)]);
  }
  const { taken, removed } = changesOf(definition, former ?? {}, after, manager.subresource);
  if (isEmpty(taken) && isEmpty(removed)) return entries;
  const own = entries.findIndex((entry) => isOf(entry, manager));
  const left = entries.map((entry, index) =>
    index === own ? withoutFields(entry, removed) : withoutFields(entry, taken, removed),
  );
  if (isEmpty(taken)) return writeEntries(left);
  const entry = newEntry(manager, union(left[own]?.fieldsV1 ?? noFields, taken), time);
  return writeEntries(foldOldest(own === -1 ? [...left, entry] : left.with(own, entry)));
}

/** What an update does to an object that only its writer has set fields of. What this path leaves as it is can't be owned through it. */
function rewriteBy({ fieldsV1, subresource }: ManagedEntry, { definition, before, after }: Update): Rewrite {
  const owned = without(fieldsV1, untouchable(subresource));
  return rewriteOf(fieldTypeOf(definition), partsOf(before ?? {}), partsOf(after), owned);
}

/** `taken`: what a write changed or added, which is its writer's then. */
export type Changes = { readonly taken: Fields; readonly removed: Fields };

/** What a write through this path changed. An object always has metadata: that is nobody's doing. */
export function changesOf(
  definition: KindDefinition,
  before: ObjectParts,
  after: ObjectParts,
  subresource: string | undefined,
): Changes {
  const outside = untouchable(subresource);
  const { added, modified, removed }: Comparison = compare(fieldTypeOf(definition), partsOf(before), partsOf(after));
  return { taken: without(union(modified, added), outside), removed: without(removed, outside) };
}

/** The entry without some fields; the same one where it has none of them. */
export function withoutFields(entry: ManagedEntry, ...gone: readonly Fields[]): ManagedEntry {
  const fieldsV1 = gone.reduce(difference, entry.fieldsV1);
  return fieldsV1 === entry.fieldsV1 ? entry : { ...entry, fieldsV1 };
}

const noMetadata = {};

function partsOf({ metadata = noMetadata, spec, status }: ObjectParts): Json {
  return { metadata, spec, status } as Json;
}
