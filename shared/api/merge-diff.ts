/**
 * The JSON merge patch (RFC 7396) that leads from one value to another. What such a patch can't say (null as a value, a change inside a
 * list) it says as the whole new value; objects of the log hold no null.
 */
import { isDeepStrictEqual } from "node:util";
import type { Json, JsonObject } from "../base/json.ts";

/** undefined: they are equal. */
export function mergeDiff(from: JsonObject, to: JsonObject): JsonObject | undefined {
  // Entries, not assignments: a key may be __proto__.
  const changed: [string, Json][] = [];
  for (const [key, value] of Object.entries(to)) {
    const difference = value === undefined ? undefined : valueDiff(own(from, key), value);
    if (difference !== undefined) changed.push([key, difference]);
  }
  for (const [key, value] of Object.entries(from)) {
    if (value !== undefined && own(to, key) === undefined) changed.push([key, null]);
  }
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}

function valueDiff(from: Json | undefined, to: Json): Json | undefined {
  if (isObject(from) && isObject(to)) return mergeDiff(from, to);
  return isDeepStrictEqual(from, to) ? undefined : to;
}

const own = (object: JsonObject, key: string): Json | undefined => (Object.hasOwn(object, key) ? object[key] : undefined);

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
