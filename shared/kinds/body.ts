/**
 * Foreign JSON made harmless before anything looks at it: bounded in depth, without nulls and without `__proto__`. Null is
 * absent, as for Kubernetes. `constructor` and the like are keys as any other: objects are asked with Object.hasOwn only.
 */
import type { Json } from "../base/json.ts";
import { fieldPath } from "./field-error.ts";

/** Nested objects and lists in a body. The deepest builtin kind has 8; it keeps every recursion over an object off the stack's end. */
export const bodyDepthMax = 64;

export type CleanBody = {
  readonly value: Json;
  /** Paths of `__proto__` keys, which were left out. */
  readonly dropped: readonly string[];
};

/** What JSON.parse gave, itself or a clean copy; undefined when it is nested deeper than bodyDepthMax. */
export function cleanBody(body: unknown): CleanBody | undefined {
  if (isDeeperThan(body, bodyDepthMax)) return undefined;
  if (isClean(body)) return { value: body as Json, dropped: [] };
  const dropped: string[] = [];
  return { value: cleanValue(body, "", dropped), dropped };
}

type Foreign = { readonly [key: string]: unknown };

/** Whether `value` nests objects and lists deeper than `max`. It needs no more stack than that. */
export function isDeeperThan(value: unknown, max: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (max === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isDeeperThan(item, max - 1));
  for (const key in value) if (isDeeperThan((value as Foreign)[key], max - 1)) return true;
  return false;
}

/** Most bodies are: they need no copy. */
function isClean(value: unknown): boolean {
  if (typeof value !== "object") return true;
  if (value === null) return false;
  if (Array.isArray(value)) return value.every(isCleanItem);
  if (Object.hasOwn(value, "__proto__")) return false;
  for (const key in value) if (!isClean((value as Foreign)[key])) return false;
  return true;
}

/** A list's null stays: only a field can be absent. */
const isCleanItem = (item: unknown): boolean => item === null || isClean(item);

function cleanValue(value: unknown, path: string, dropped: string[]): Json {
  if (Array.isArray(value)) return value.map((item, index) => cleanValue(item, fieldPath(path, index), dropped));
  if (typeof value !== "object" || value === null) return value as Json;
  const copy: Record<string, Json> = {};
  for (const [key, part] of Object.entries(value)) {
    if (key === "__proto__") dropped.push(fieldPath(path, key));
    else if (part !== null) copy[key] = cleanValue(part, fieldPath(path, key), dropped);
  }
  return copy;
}
