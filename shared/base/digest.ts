/** Whether two values say the same, without regard to the order of fields: a short digest, for programs and people to tell them apart. */
import { createHash } from "node:crypto";
import { jsonText } from "./json.ts";

/** Sixteen hex digits of SHA-256: enough to tell apart what one object ever was. */
const digestCharacters = 16;

export const digestOf = (value: object): string =>
  createHash("sha256")
    .update(jsonText(sorted(value)))
    .digest("hex")
    .slice(0, digestCharacters);

function sorted(value: object): object {
  if (Array.isArray(value)) return value.map((item: unknown) => (isObject(item) ? sorted(item) : item));
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]: [string, unknown]) => [key, isObject(item) ? sorted(item) : item]));
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
