/**
 * What JSON.parse does not tell of a text: how deep it nests, and whether an object names a key twice. It keeps the last of two,
 * other readers the first, so a text that has both is refused. For texts that JSON.parse took; linear, without recursion.
 */

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openObject = 0x7b;
const closeObject = 0x7d;
const openList = 0x5b;
const closeList = 0x5d;

/** A problem as text; undefined when there is none. */
export function scanJson(text: string, depthMax: number): string | undefined {
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
        if (open.length === depthMax) return `nested deeper than ${depthMax} levels`;
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
