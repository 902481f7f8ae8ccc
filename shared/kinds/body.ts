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

/** A fresh, clean copy of what JSON.parse gave; undefined when it is nested deeper than bodyDepthMax. */
export function cleanBody(body: unknown): CleanBody | undefined {
  if (isDeeperThan(body, bodyDepthMax)) return undefined;
  const dropped: string[] = [];
  return { value: cleanValue(body, "", dropped), dropped };
}

/** Whether `value` nests objects and lists deeper than `max`. Itself it needs no stack. */
export function isDeeperThan(value: unknown, max: number): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const nested = level.filter((each) => typeof each === "object" && each !== null);
    if (depth >= max && nested.length > 0) return true;
    level = nested.flatMap((each) => Object.values(each as object));
  }
  return false;
}

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
