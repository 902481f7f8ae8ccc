/**
 * metadata.managedFields as they are stored after a write. After one that is no apply they come from what the object has and what the
 * client sent: it may edit the entries or take them back, and one that does not know of them loses none. Kubernetes' FieldManager.
 */
import { timestamp } from "../../base/clock.ts";
import type { JsonObject } from "../../base/json.ts";
import { type FieldError, tooLong } from "../../kinds/field-error.ts";
import type { ObjectInput, WindlassObject } from "../../kinds/object.ts";
import { invalid } from "../errors.ts";
import type { Write } from "../write.ts";
import { isEqual } from "./field-set.ts";
import { isReset, type ManagedEntry, readEntries, writeEntries } from "./managed-entry.ts";
import { checkManager } from "./manager-name.ts";
import { ownedView } from "./owned-view.ts";
import { isSameJson } from "./parts.ts";
import { trackUpdate } from "./track-update.ts";

/** Kubernetes: MaxSubresourceNameLength. */
const subresourceBytesMax = 256;

export type UpdateOf = {
  readonly object: ObjectInput;
  /** The body's managedFields; undefined: it says nothing of them. */
  readonly given: readonly JsonObject[] | undefined;
  readonly write: Write;
  readonly current: WindlassObject | undefined;
  readonly now: number;
};

/** The object's own list where nothing of it changes. @throws RefusedError: 422 where an entry is not as one may be. */
export function updatedFields({ object, given, write, current, now }: UpdateOf): readonly JsonObject[] | undefined {
  const { definition, subresource, options } = write;
  const live = current?.metadata.managedFields;
  const liveEntries = readEntries(live) ?? [];
  const before = subresource === undefined ? startingEntries(write, given, liveEntries) : liveEntries;
  const manager = { manager: options.fieldManager, operation: "Update", subresource } as const;
  const after = trackUpdate({ definition, before: current, after: object, entries: before, manager, time: timestamp(now) });
  return after === liveEntries ? live : after;
}

/**
 * What an apply found, or the object's own list where only times differ and nothing else of the object does: decoding may make nothing
 * of what was applied, as of an empty map.
 */
export function appliedFields(
  { object, current }: Pick<UpdateOf, "object" | "current">,
  entries: readonly ManagedEntry[],
): readonly JsonObject[] | undefined {
  const live = current?.metadata.managedFields;
  const isSame =
    current !== undefined &&
    isSameButTimes(entries, readEntries(live) ?? []) &&
    isSameJson(ownedView(object), ownedView(current));
  return isSame ? live : entries;
}

/** What the client sent, where it sent entries that are to be understood; times alone are no change. */
function startingEntries(
  { definition, name }: Write,
  given: readonly JsonObject[] | undefined,
  live: readonly ManagedEntry[],
): readonly ManagedEntry[] {
  if (isReset(given)) return [];
  const sent = readEntries(given);
  if (sent === undefined || sent.length === 0 || isSameButTimes(sent, live)) return live;
  const errors = sent.flatMap(entryErrors);
  if (errors.length > 0) throw invalid(definition.kind, name, errors);
  return writeEntries(sent);
}

function isSameButTimes(sent: readonly ManagedEntry[], live: readonly ManagedEntry[]): boolean {
  return (
    sent.length === live.length &&
    sent.every((entry, index) => {
      const other = live[index];
      return other !== undefined && isSameEntry(entry, other);
    })
  );
}

const isSameEntry = (one: ManagedEntry, other: ManagedEntry): boolean =>
  one.manager === other.manager &&
  one.operation === other.operation &&
  one.apiVersion === other.apiVersion &&
  one.subresource === other.subresource &&
  isEqual(one.fieldsV1, other.fieldsV1);

function entryErrors({ manager, subresource = "" }: ManagedEntry, index: number): FieldError[] {
  const field = `metadata.managedFields[${index}]`;
  const isLong = Buffer.byteLength(subresource) > subresourceBytesMax;
  const errors = checkManager(manager, `${field}.manager`);
  return isLong ? [...errors, tooLong(`${field}.subresource`, subresourceBytesMax, "bytes")] : errors;
}
