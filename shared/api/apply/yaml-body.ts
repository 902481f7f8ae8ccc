/**
 * A YAML body as JSON, bounded in every way that YAML can grow: length, depth, what its aliases expand to, and the time that parsing
 * takes. JSON is YAML, and is what kubectl sends: that takes the same way as all other JSON. Custom tags, several documents and keys
 * that are there twice are refused.
 */
import { isScalar, parseDocument, visit } from "yaml";
import type { Json } from "../../base/json.ts";
import { bodyDepthMax } from "../../kinds/body.ts";
import { parseBody } from "../body.ts";
import { badRequest, RefusedError } from "../errors.ts";

/** The parser takes up to 2 us a byte: some 130 ms. JSON, which has no such bound, says the same. In UTF-16 units. */
export const yamlLengthMax = 64 * 1024;
/** Values, aliases expanded. An object of 128 KB has fewer. */
const valuesMax = 50_000;

/** @throws RefusedError: 400 where it can't be read, 413 where it is too long. */
export function parseYaml(text: string): Json {
  if (isJson(text)) return parseBody(text);
  if (text.length > yamlLengthMax) {
    const message = `the body is YAML of ${text.length} characters; at most ${yamlLengthMax}. As JSON it may be longer`;
    throw new RefusedError({ kind: "tooLarge", message });
  }
  return plainTree(parsed(text), { values: 0 }, 0);
}

function isJson(text: string): boolean {
  if (!text.trimStart().startsWith("{")) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    // A flow map is not JSON, but may be YAML.
    return false;
  }
}

function parsed(text: string): unknown {
  // Its own check for unique keys compares each with each.
  const document = parseDocument(text, {
    schema: "core",
    merge: true,
    resolveKnownTags: false,
    stringKeys: true,
    uniqueKeys: false,
    logLevel: "error",
    prettyErrors: false,
  });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw unreadable(problem.message);
  visit(document, { Map: (_, { items }) => checkKeys(items.map(({ key }) => key)) });
  try {
    return document.toJS();
  } catch (error) {
    // An alias without an anchor, or too many of them.
    if (error instanceof ReferenceError) throw unreadable(error.message);
    throw error;
  }
}

function checkKeys(keys: readonly unknown[]): void {
  const seen = new Set<unknown>();
  for (const key of keys) {
    const name = isScalar(key) ? key.value : key;
    if (seen.has(name)) throw unreadable(`key ${JSON.stringify(name)} already set in map`);
    seen.add(name);
  }
}

/** Aliases make a graph of it, even a circular one: as a tree it must stay within bounds. */
function plainTree(value: unknown, count: { values: number }, depth: number): Json {
  count.values += 1;
  if (count.values > valuesMax) throw unreadable(`it has more than ${valuesMax} values`);
  if (depth > bodyDepthMax) throw unreadable(`nested deeper than ${bodyDepthMax} levels`);
  if (Array.isArray(value)) return value.map((item) => plainTree(item, count, depth + 1));
  if (typeof value === "number" && !Number.isFinite(value)) throw unreadable(`${value} is no number of JSON`);
  if (typeof value !== "object" || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plainTree(part, count, depth + 1)]));
}

const unreadable = (problem: string): RefusedError => badRequest(`error decoding YAML: ${problem}`);
