/**
 * Server-side apply: an object, its owners and what one of them wants of it, to the object and the owners as they are then (Kubernetes'
 * Server-Side Apply; structured merge-diff, Updater.Apply). Pure. The applier owns exactly what it applied; what it applied before and
 * does not any more goes, unless another owns it; a value that another owns and has otherwise is a conflict, unless it is forced.
 */
import type { Json, JsonObject } from "../../base/json.ts";
import type { KindDefinition } from "../../kinds/definition.ts";
import type { WindlassObject } from "../../kinds/object.ts";
import { difference, type Fields, intersection, isEmpty, isEqual, noFields, pathsOf, union, without } from "./field-set.ts";
import { type FieldType, fieldTypeOf } from "./field-type.ts";
import { fieldsOf, withNamedFields } from "./fields-of.ts";
import { isOf, type ManagedEntry, type Manager, newEntry, writeEntries } from "./managed-entry.ts";
import { merge, remove } from "./merge.ts";
import { ownedView, untouchable } from "./owned-view.ts";
import { changesOf, trackUpdate, withoutFields } from "./track-update.ts";

/** Kubernetes: owns all of an object that was not tracked before its first apply. */
const beforeFirstApply = "before-first-apply";

export type Apply = {
  readonly definition: KindDefinition;
  /** undefined: it is made. */
  readonly live: WindlassObject | undefined;
  /** Of `live`. */
  readonly entries: readonly ManagedEntry[];
  /** What is applied: cleaned JSON of an object, checked by nobody yet. */
  readonly config: JsonObject;
  readonly manager: Manager;
  /** RFC 3339, of the write. */
  readonly time: string;
};

/** One field that another owns and has otherwise. `path`: its elements. */
export type Conflict = { readonly entry: ManagedEntry; readonly path: readonly string[] };

export type Applied = {
  /** Metadata that can be owned, spec and status: to be decoded. */
  readonly object: JsonObject;
  readonly entries: readonly ManagedEntry[];
  /** What was taken from others, or would have to be. */
  readonly conflicts: readonly Conflict[];
};

/** The outcome as if it were forced; whoever does not force looks at the conflicts. */
export function apply({ definition, live, entries: given, config, manager, time }: Apply): Applied {
  const type = fieldTypeOf(definition);
  const before = live === undefined ? {} : ownedView(live);
  const entries = live === undefined || given.length > 0 ? given : untracked(definition, live, manager, time);
  const own = entries.find((entry) => isOf(entry, manager));
  const others = entries.filter((entry) => entry !== own);

  const wanted = ownedView(config);
  const fields = without(fieldsOf(type, wanted), untouchable(manager.subresource));
  const merged = merge(type, before, wanted);
  const owned = others.reduce((all, { fieldsV1 }) => union(all, fieldsV1), fields);
  const after = (prune(type, merged, own?.fieldsV1 ?? noFields, owned) ?? {}) as JsonObject;

  const { taken, removed } = changesOf(definition, before, after, manager.subresource);
  const isNoop = own !== undefined && isEmpty(taken) && isEmpty(removed) && isEqual(own.fieldsV1, fields);
  const kept = others.map((entry) => withoutFields(entry, taken, removed));
  return {
    object: after,
    entries: isNoop ? entries : writeEntries([...kept, newEntry(manager, fields, time)]),
    conflicts: others.flatMap((entry) => [...pathsOf(intersection(entry.fieldsV1, taken))].map((path) => ({ entry, path }))),
  };
}

function untracked(
  definition: KindDefinition,
  live: WindlassObject,
  { subresource }: Manager,
  time: string,
): readonly ManagedEntry[] {
  const manager: Manager = { manager: beforeFirstApply, operation: "Update", subresource };
  return trackUpdate({ definition, before: undefined, after: live, entries: [], manager, time });
}

/**
 * `merged` without what the applier applied `last` and neither it nor another owns any more. In three steps, as Kubernetes does it, for
 * what stands below a field that goes may be another's: all of it out; back what is `owned`; back what was not the applier's.
 */
function prune(type: FieldType, merged: Json | undefined, last: Fields, owned: Fields): Json | undefined {
  if (isEmpty(last)) return merged;
  const mine = withNamedFields(type, last);
  const all = named(type, merged);
  const bare = named(type, remove(type, merged, mine));
  const backed = remove(type, merged, difference(all, union(bare, withNamedFields(type, owned))));
  return remove(type, merged, intersection(difference(all, named(type, backed)), mine));
}

const named = (type: FieldType, value: Json | undefined): Fields => withNamedFields(type, fieldsOf(type, value));
