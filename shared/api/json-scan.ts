/**
 * What JSON.parse does not tell of a text: how deep it nests, and whether an object names a key twice. It keeps the last of two,
 * other readers the first, so a text that has both is refused. For texts that JSON.parse took; linear. A text that writes as many keys as
 * its value has names none twice: only one that writes more is looked through for which.
 */
import type { Json, JsonObject } from "../base/json.ts";

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openObject = 0x7b;
const closeObject = 0x7d;
const openList = 0x5b;
const closeList = 0x5d;

/** A problem as text; undefined when there is none. `value`: what JSON.parse made of `text`. */
export function scanJson(text: string, value: Json, depthMax: number): string | undefined {
  const written = keysWritten(text, depthMax);
  if (written === undefined) return `nested deeper than ${depthMax} levels`;
  return written === keysIn(value) ? undefined : doubleKey(text);
}

/** How many keys all objects of a text write; undefined when it nests deeper than `depthMax`. */
function keysWritten(text: string, depthMax: number): number | undefined {
  let depth = 0;
  let keys = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = stringEnd(text, at);
        break;
      case colon:
        keys += 1;
        break;
      case openObject:
      case openList:
        if (depth === depthMax) return undefined;
        depth += 1;
        break;
      case closeObject:
      case closeList:
        depth -= 1;
        break;
      default:
    }
  }
  return keys;
}

/** How many keys all objects of a value have. It nests no deeper than its text may. */
function keysIn(value: Json | undefined): number {
  if (typeof value !== "object" || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) for (const item of value) keys += keysIn(item);
  else for (const key in value) keys += 1 + keysIn((value as JsonObject)[key]);
  return keys;
}

function doubleKey(text: string): string | undefined {
  /** Keys of the objects that are open, null for lists. */
  const open: (Set<string> | null)[] = [];
  let isKey = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = stringEnd(text, at);
        const keys = open.at(-1);
        if (isKey && keys) {
          const key = keyOf(text.slice(at, end + 1));
          if (keys.has(key)) return `duplicate field ${JSON.stringify(key)}`;
          keys.add(key);
        }
        isKey = false;
        at = end;
        break;
      }
      case openObject:
      case openList:
        isKey = text.charCodeAt(at) === openObject;
        open.push(isKey ? new Set() : null);
        break;
      case closeObject:
      case closeList:
        open.pop();
        isKey = false;
        break;
      case comma:
        isKey = open.at(-1) !== null;
        break;
      default:
    }
  }
  return undefined;
}

/** Where the string that begins at `start` has its closing quote. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

const keyOf = (literal: string): string => (literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1));
