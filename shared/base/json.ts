/**
 * JSON values that never change: what the log, the rows and the replica hold. A value is frozen once, when it is made,
 * and its text is computed at most once and kept as long as the value lives, so that a commit, its row, its watch
 * events and every answer that shows it share one text.
 */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };
export type JsonObject = { readonly [key: string]: Json | undefined };

/** Of JSON or of what may be none: no array, and not null. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Empty where it is none. */
export const objectOf = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});

const texts = new WeakMap<object, string>();

/** The JSON text of a frozen value; computed once. Its bytes are UTF-8. */
export function jsonText(value: object): string {
  let text = texts.get(value);
  if (text === undefined) {
    text = JSON.stringify(value);
    if (Object.isFrozen(value)) texts.set(value, text);
  }
  return text;
}

/** Parses `text` and freezes what it says, all the way down. @throws SyntaxError when it is not JSON. */
export const parseFrozen = (text: string): Json => deepFreeze(JSON.parse(text) as Json);

/** Freezes `value` all the way down and returns it. What is already frozen is taken to be frozen below, too. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
