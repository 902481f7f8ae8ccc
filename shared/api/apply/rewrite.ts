/**
 * Whether an update only writes anew what one set of fields holds already: what most updates do. Then nobody's fields change, and the sets
 * of what was added, modified and removed (compare.ts) need not be made to find that out.
 */
import type { Json } from "../../base/json.ts";
import { type Fields, isMember } from "./field-set.ts";
import type { FieldType } from "./field-type.ts";
import { entryType, isMapType, isObject, isSameJson, type MapType, partOf } from "./parts.ts";

/** other: something came, went, is not in the set, or is a list: what exactly, only a comparison tells. */
export type Rewrite = "nothing" | "owned" | "other";

/** `owned`: the node of the set that stands for the value; undefined: it has none. */
export function rewriteOf(
  type: FieldType,
  before: Json | undefined,
  after: Json | undefined,
  owned: Fields | undefined,
): Rewrite {
  if (before === after) return "nothing";
  if (isMapType(type) && isObject(before) && isObject(after)) return mapRewrite(type, before, after, owned);
  if (isSameJson(before, after)) return "nothing";
  const isPlain = type.owned === "whole" && before !== undefined && after !== undefined;
  return isPlain && owned !== undefined && isMember(owned) ? "owned" : "other";
}

type Parts = { readonly [name: string]: Json | undefined };

function mapRewrite(type: MapType, before: Parts, after: Parts, owned: Fields | undefined): Rewrite {
  let found: Rewrite = "nothing";
  for (const name in after) {
    const part = entryType(type, name);
    const [former, now] = [partOf(before, name), after[name]];
    if (part === undefined || former === now) continue;
    const rewrite = rewriteOf(part, former, now, owned?.[`f:${name}`]);
    if (rewrite === "other") return "other";
    if (rewrite === "owned") found = "owned";
  }
  for (const name in before) {
    if (partOf(after, name) === undefined && before[name] !== undefined && entryType(type, name) !== undefined) return "other";
  }
  return found;
}
