/**
 * JSON merge patch, RFC 7396: null removes, an object merges, all else replaces. Pure: what it is given may be frozen and is not
 * changed, and parts that the patch does not touch are shared. A `__proto__` key is a key as any other and never sets a prototype.
 */
import type { Json, JsonObject } from "../base/json.ts";
import { bodyDepthMax, isDeeperThan } from "./body.ts";

/** `target` absent (undefined) counts as an empty object. undefined when the patch is nested deeper than bodyDepthMax: refuse it. */
export function mergePatch(target: Json | undefined, patch: Json): Json | undefined {
  return isDeeperThan(patch, bodyDepthMax) ? undefined : merged(target, patch);
}

function merged(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  // Map and fromEntries define properties where an assignment would run the setter of __proto__.
  const result = new Map<string, Json | undefined>(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else if (value !== undefined) result.set(key, merged(result.get(key), value));
  }
  return Object.fromEntries(result);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
