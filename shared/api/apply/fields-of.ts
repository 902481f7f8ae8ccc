/**
 * The fields that a value names: what an applier owns by having applied it (structured merge-diff, ToFieldSet). And the same set with
 * the named fields above its members, where "owned" must count upwards (EnsureNamedFieldsAreMembers).
 */
import type { Json } from "../../base/json.ts";
import { childrenOf, type Fields, isMember, nodeOf, noFields } from "./field-set.ts";
import type { FieldType } from "./field-type.ts";
import {
  entryType,
  isList,
  isListType,
  isMapType,
  isObject,
  itemsByElement,
  itemType,
  type ListType,
  type MapType,
} from "./parts.ts";

export function fieldsOf(type: FieldType, value: Json | undefined): Fields {
  return value === undefined ? noFields : (contentOf(type, value, false) ?? noFields);
}

/** A map's or list's named field is no member by itself, its parts are; a user's key and a list's item are (`isSelf`). */
function contentOf(type: FieldType, value: Json, isSelf: boolean): Fields | undefined {
  if (isMapType(type) && isObject(value)) return mapContent(type, value, isSelf);
  if (isListType(type) && isList(value)) return nodeOf(filled(listContent(type, value)), isSelf);
  return nodeOf(undefined, true);
}

function mapContent(type: MapType, value: { readonly [key: string]: Json | undefined }, isSelf: boolean): Fields | undefined {
  const below: Record<string, Fields> = {};
  for (const [name, part] of Object.entries(value)) {
    const partType = entryType(type, name);
    if (partType === undefined || part === undefined) continue;
    const isEmptyMap = isObject(part) && Object.keys(part).length === 0;
    const node = contentOf(partType, part, type.owned === "entries" || isEmptyMap);
    if (node !== undefined) below[`f:${name}`] = node;
  }
  return nodeOf(filled(below), isSelf);
}

function listContent(type: ListType, value: readonly Json[]): Record<string, Fields> {
  const below: Record<string, Fields> = {};
  for (const [element, [item, ...doubles]] of itemsByElement(type, value)) {
    const isOne = item !== undefined && doubles.length === 0;
    const node = isOne ? contentOf(itemType(type), item, true) : nodeOf(undefined, true);
    if (node !== undefined) below[element] = node;
  }
  return below;
}

const filled = (below: Record<string, Fields>): Record<string, Fields> | undefined =>
  Object.keys(below).length === 0 ? undefined : below;

export function withNamedFields(type: FieldType, node: Fields): Fields {
  return namedUnder(type, node, false) ?? noFields;
}

function namedUnder(type: FieldType | undefined, node: Fields, isSelf: boolean): Fields | undefined {
  const below: Record<string, Fields> = {};
  for (const [element, child] of childrenOf(node)) {
    const isNamed = element.startsWith("f:") && type?.owned === "fields" && type.fields.has(element.slice(2));
    const named = namedUnder(partType(type, element), child, isNamed || isMember(child));
    if (named !== undefined) below[element] = named;
  }
  return nodeOf(filled(below), isSelf);
}

function partType(type: FieldType | undefined, element: string): FieldType | undefined {
  if (type === undefined) return undefined;
  if (isMapType(type)) return element.startsWith("f:") ? entryType(type, element.slice(2)) : undefined;
  return isListType(type) ? itemType(type) : undefined;
}
