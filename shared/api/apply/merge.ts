/**
 * A configuration laid over an object, and fields taken out of one (structured merge-diff, Merge and RemoveItems). Pure: values may be
 * frozen, and parts that nothing touches are shared. What does not fit its type is taken as it is: the decoder refuses it later.
 */
import type { Json } from "../../base/json.ts";
import { childrenOf, type Fields, isMember } from "./field-set.ts";
import type { FieldType } from "./field-type.ts";
import {
  entryType,
  isList,
  isListType,
  isMapType,
  isObject,
  itemElement,
  itemsByElement,
  itemType,
  type ListType,
  type MapType,
  partOf,
} from "./parts.ts";

type JsonMap = { readonly [key: string]: Json | undefined };

/** `config` wins where both say something. */
export function merge(type: FieldType, live: Json | undefined, config: Json | undefined): Json | undefined {
  if (config === undefined || live === undefined || live === config) return config ?? live;
  if (isMapType(type) && isObject(live) && isObject(config)) return mergeMaps(type, live, config);
  if (isListType(type) && isList(live) && isList(config)) return mergeLists(type, live, config);
  return config;
}

function mergeMaps(type: MapType, live: JsonMap, config: JsonMap): JsonMap {
  const merged = new Map(Object.entries(live));
  for (const [name, value] of Object.entries(config)) {
    merged.set(name, merge(entryType(type, name) ?? { owned: "whole" }, partOf(live, name), value));
  }
  return Object.fromEntries(merged);
}

/**
 * Items of both, merged where both have them, in the configuration's order; an item of the live list alone stays before the shared one
 * that follows it. Doubles of the live list stay unless the configuration has the item.
 */
function mergeLists(type: ListType, live: readonly Json[], config: readonly Json[]): readonly Json[] {
  const [mine, theirs] = [live.map((item) => elementOf(type, item)), config.map((item) => elementOf(type, item))];
  const [mineBy, wanted] = [itemsByElement(type, live), new Set(theirs)];
  const shared = theirs.filter((element) => mineBy.has(element));
  const merged: (Json | undefined)[] = [];
  const done = new Set<string>();
  let [at, next] = [0, 0];
  while (at < live.length || next < config.length) {
    const [here, there] = [mine[at], theirs[next]];
    if (here !== undefined && !wanted.has(here)) {
      merged.push(live[at]);
      at += 1;
      continue;
    }
    if (here !== undefined && here !== there) {
      const isPassed = there !== undefined && shared.length > 0 && shared[0] !== here;
      if (isPassed || done.has(here)) at += 1;
      if (isPassed) continue;
    }
    if (there === undefined) continue;
    if (here === there) at += 1;
    const [before, ...doubles] = mineBy.get(there) ?? [];
    merged.push(merge(itemType(type), doubles.length === 0 ? before : undefined, config[next]));
    done.add(there);
    if (shared[0] === there) shared.shift();
    next += 1;
  }
  return merged.filter((item) => item !== undefined);
}

/** What has no element of its own is none's. */
const elementOf = (type: ListType, item: Json): string => itemElement(type, item) ?? "";

/** `value` without the members of `fields` and all that stands below them; undefined when nothing is left of it. */
export function remove(type: FieldType, value: Json | undefined, fields: Fields): Json | undefined {
  if (childrenOf(fields).length === 0) return value;
  if (isMapType(type) && isObject(value)) return removeEntries(type, value, fields);
  if (isListType(type) && isList(value)) return removeItems(type, value, fields);
  return type.owned === "whole" && typeof value === "object" ? undefined : value;
}

function removeEntries(type: MapType, value: JsonMap, fields: Fields): JsonMap | undefined {
  const kept: [string, Json][] = [];
  for (const [name, part] of Object.entries(value)) {
    const rest = removePart(entryType(type, name), part, fields[`f:${name}`]);
    if (rest !== undefined) kept.push([name, rest]);
  }
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function removeItems(type: ListType, value: readonly Json[], fields: Fields): readonly Json[] | undefined {
  const kept = value.flatMap((item) => {
    const rest = removePart(itemType(type), item, fields[itemElement(type, item) ?? ""]);
    return rest === undefined ? [] : [rest];
  });
  return kept.length === 0 ? undefined : kept;
}

function removePart(type: FieldType | undefined, part: Json | undefined, fields: Fields | undefined): Json | undefined {
  if (fields === undefined || type === undefined) return part;
  return isMember(fields) ? undefined : remove(type, part, fields);
}
