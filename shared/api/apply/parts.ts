/** A value taken apart as its type says: the parts that are owned one by one, each under the element that it has in a set of fields. */
import type { Json, JsonObject } from "../../base/json.ts";
import { keyElement } from "./field-set.ts";
import type { FieldType } from "./field-type.ts";

/** A map whose parts are owned one by one, and how its parts' types are found; undefined for one that the type does not know. */
export type MapType = Extract<FieldType, { readonly owned: "fields" | "entries" }>;
export type ListType = Extract<FieldType, { readonly owned: "values" | "items" }>;

export const isMapType = (type: FieldType): type is MapType => type.owned === "fields" || type.owned === "entries";
export const isListType = (type: FieldType): type is ListType => type.owned === "values" || type.owned === "items";

export const entryType = (type: MapType, name: string): FieldType | undefined =>
  type.owned === "fields" ? type.fields.get(name) : type.entry;

const plain: FieldType = { owned: "whole" };
export const itemType = (type: ListType): FieldType => (type.owned === "items" ? type.item : plain);

/** The own part of that name; a name like `constructor` is one as any other. */
export const partOf = (value: JsonObject | undefined, name: string): Json | undefined =>
  value !== undefined && Object.hasOwn(value, name) ? value[name] : undefined;

/** The element of a list's item; undefined when it has none: no plain value in a set, or without one of its keys. */
export function itemElement(type: ListType, item: Json): string | undefined {
  if (type.owned === "values") return typeof item === "object" ? undefined : `v:${JSON.stringify(item)}`;
  if (!isObject(item)) return undefined;
  const keys = type.keys.map((key) => [key, partOf(item, key)] as const);
  return keys.some(([, value]) => value === undefined) ? undefined : keyElement(Object.fromEntries(keys));
}

/** The items of a list by their elements, in order; those that have none are left out, and more than one stand under one element. */
export function itemsByElement(type: ListType, list: readonly Json[]): ReadonlyMap<string, readonly Json[]> {
  const items = new Map<string, Json[]>();
  for (const item of list) {
    const element = itemElement(type, item);
    if (element === undefined) continue;
    const same = items.get(element);
    if (same === undefined) items.set(element, [item]);
    else same.push(item);
  }
  return items;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Equal as JSON, whatever the order of keys. */
export function isSameJson(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (isList(one) && isList(other)) {
    return one.length === other.length && one.every((item, index) => isSameJson(item, other[index]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isSameJson(one[name], other[name]))
  );
}
