/**
 * metadata.managedFields: one entry for each who set fields, and how. Entries are the JSON that the object shows, checked once: what
 * stands in a stored object is known by the frozen list, so that it is not looked at again. Kubernetes' order, identity and bound.
 */
import type { Json, JsonObject } from "../../base/json.ts";
import { apiVersion } from "../../kinds/object.ts";
import { canonical, type Fields, isEmpty, noFields, union } from "./field-set.ts";

export type Operation = "Apply" | "Update";

export type ManagedEntry = {
  readonly manager: string;
  readonly operation: Operation;
  readonly apiVersion: string;
  /** When the entry was made, or its manager last changed what it holds. */
  readonly time?: string;
  readonly fieldsType: "FieldsV1";
  readonly fieldsV1: Fields;
  /** Absent: set through the object itself. */
  readonly subresource?: string;
};

/** Who writes, how, and through which subresource. */
export type Manager = Pick<ManagedEntry, "manager" | "operation"> & { readonly subresource: string | undefined };

/** Kubernetes: more updaters than these are folded into one, oldest first. Appliers are not counted. */
export const updateEntriesMax = 10;
const foldedManager = "ancient-changes";

const known = new WeakMap<object, readonly ManagedEntry[]>();
const none: readonly ManagedEntry[] = Object.freeze([]);

/** The entries of metadata.managedFields; undefined when one of them is not to be understood. */
export function readEntries(managedFields: readonly JsonObject[] | undefined): readonly ManagedEntry[] | undefined {
  if (managedFields === undefined) return none;
  const before = known.get(managedFields);
  if (before !== undefined) return before;
  const entries: ManagedEntry[] = [];
  for (const given of managedFields) {
    const entry = readEntry(given);
    if (entry === undefined) return undefined;
    const same = entries.findIndex((each) => isSameManager(each, entry));
    entries.splice(same === -1 ? entries.length : same, same === -1 ? 0 : 1, entry);
  }
  known.set(managedFields, entries);
  return entries;
}

/** A client takes back what is recorded of an object: by an empty list, or one empty entry. */
export function isReset(managedFields: readonly JsonObject[] | undefined): boolean {
  if (managedFields === undefined) return false;
  const [only = {}] = managedFields;
  return managedFields.length <= 1 && Object.keys(only).length === 0;
}

/** As they are stored: without empty ones, in Kubernetes' order. What is given is given back where that is so already. */
export function writeEntries(entries: readonly ManagedEntry[]): readonly ManagedEntry[] {
  const filled = entries.every(({ fieldsV1 }) => !isEmpty(fieldsV1))
    ? entries
    : entries.filter(({ fieldsV1 }) => !isEmpty(fieldsV1));
  const isOrdered = filled.every((entry, index) => index === 0 || order(filled[index - 1] ?? entry, entry) <= 0);
  const written = isOrdered ? filled : [...filled].sort(order);
  known.set(written, written);
  return written;
}

/** Appliers are the same in every version of the API, updaters are not. */
function isSameManager(one: ManagedEntry, other: ManagedEntry): boolean {
  const { manager, operation, subresource } = other;
  return isOf(one, { manager, operation, subresource }) && (operation === "Apply" || one.apiVersion === other.apiVersion);
}

/** Whether the entry is what `manager` writes to now. */
export const isOf = (entry: ManagedEntry, { manager, operation, subresource }: Manager): boolean =>
  entry.manager === manager && entry.operation === operation && entry.subresource === subresource;

export const newEntry = (
  { manager, operation, subresource }: Manager,
  fieldsV1: Fields,
  time: string | undefined,
): ManagedEntry => ({
  manager,
  operation,
  apiVersion,
  ...(time !== undefined && { time }),
  fieldsType: "FieldsV1",
  fieldsV1,
  ...(subresource !== undefined && { subresource }),
});

/** At most updateEntriesMax updaters: the oldest become one, with the time of the youngest of them. */
export function foldOldest(entries: readonly ManagedEntry[]): readonly ManagedEntry[] {
  const updates = entries.filter(({ operation }) => operation === "Update").sort(byAge);
  if (updates.length <= updateEntriesMax) return entries;
  const oldest = updates.slice(0, updates.length - updateEntriesMax + 1);
  const fields = oldest.reduce<Fields>((all, { fieldsV1 }) => union(all, fieldsV1), noFields);
  const folded = newEntry({ manager: foldedManager, operation: "Update", subresource: undefined }, fields, oldest.at(-1)?.time);
  return [...entries.filter((entry) => !oldest.includes(entry)), folded];
}

/** What was folded before is the oldest of all. */
const byAge = (one: ManagedEntry, other: ManagedEntry): number =>
  Number(other.manager === foldedManager) - Number(one.manager === foldedManager) ||
  secondsOf(one) - secondsOf(other) ||
  compareTexts(one.manager, other.manager);

function order(one: ManagedEntry, other: ManagedEntry): number {
  return (
    compareTexts(one.operation, other.operation) ||
    secondsOf(one) - secondsOf(other) ||
    compareTexts(one.manager, other.manager) ||
    compareTexts(one.apiVersion, other.apiVersion) ||
    compareTexts(one.subresource ?? "", other.subresource ?? "")
  );
}

const compareTexts = (one: string, other: string): number => (one === other ? 0 : one < other ? -1 : 1);
const secondsOf = ({ time }: ManagedEntry): number => (time === undefined ? 0 : Math.floor(Date.parse(time) / 1_000));

/** Kubernetes' conditions: an operation, a version and the format of the fields; a manager may be empty. */
function readEntry(given: JsonObject): ManagedEntry | undefined {
  const { operation, apiVersion: written, fieldsType } = given;
  if (operation !== "Apply" && operation !== "Update") return undefined;
  if (typeof written !== "string" || written === "" || fieldsType !== "FieldsV1") return undefined;
  const fieldsV1 = canonical(given["fieldsV1"] ?? {});
  if (fieldsV1 === undefined) return undefined;
  const [manager, time, subresource] = [textOf(given["manager"]), textOf(given["time"]), textOf(given["subresource"])];
  return {
    manager,
    operation,
    apiVersion: written,
    ...(time !== "" && { time }),
    fieldsType,
    fieldsV1,
    ...(subresource !== "" && { subresource }),
  };
}

const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "");
