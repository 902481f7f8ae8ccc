/**
 * JSON patch, RFC 6902: all operations or none. Pure: what it is given may be frozen and is not changed. Every key is data: the copy
 * that is worked on has no prototypes, so `__proto__`, `constructor` and what else objects inherit are absent until they are set.
 */
import type { Json } from "../base/json.ts";
import { bodyDepthMax } from "./body.ts";
import {
  copyOf,
  failed,
  type Mutable,
  type Operation,
  operationsOf,
  type Parent,
  PatchError,
  type Pointer,
} from "./json-patch-operation.ts";

export type JsonPatched =
  | { readonly ok: true; readonly value: Json }
  /** malformed: it is no such patch; tooLarge: it asks for too much; failed: it does not fit what it is applied to. */
  | { readonly ok: false; readonly why: "malformed" | "tooLarge" | "failed"; readonly message: string };

/** Characters of JSON that `copy` may add: Kubernetes' AccumulatedCopySizeLimit, its bodies' limit. */
const copiedCharactersMax = 3 * 1024 * 1024;
/** List items that inserts and removes may shift: what a patch of honest size comes to, many times over; a tenth of a second. */
const shiftedItemsMax = 50_000_000;
/** How deep operations may nest what they are given before the result is judged (by bodyDepthMax): recursion stays far from the stack's end. */
const nestingMax = 512;

type Work = { root: Mutable; copied: number; shifted: number; nesting: number };

/** `target` nests no deeper than bodyDepthMax. */
export function jsonPatch(target: Json, patch: Json): JsonPatched {
  try {
    const work: Work = { root: copyOf(target), copied: 0, shifted: 0, nesting: bodyDepthMax };
    for (const operation of operationsOf(patch)) apply(work, operation);
    return { ok: true, value: work.root };
  } catch (error) {
    if (error instanceof PatchError) return { ok: false, why: error.why, message: error.message };
    throw error;
  }
}

function apply(work: Work, { op, path, from, value }: Operation): void {
  switch (op) {
    case "add":
      put(work, path, givenValue(op, value));
      break;
    case "remove":
      take(work, path);
      break;
    case "replace":
      replace(work, path, givenValue(op, value));
      break;
    case "move":
      move(work, givenSource(op, from), path);
      break;
    case "copy":
      copy(work, givenSource(op, from), path);
      break;
    case "test":
      test(work, path, givenValue(op, value));
      break;
    default:
      throw failed(`unexpected kind: ${op}`);
  }
}

function givenValue(op: string, value: Mutable | undefined): Mutable {
  if (value === undefined) throw new PatchError("malformed", `${op} has no value`);
  return value;
}

function givenSource(op: string, from: Pointer | undefined): Pointer {
  if (from === undefined) throw new PatchError("malformed", `${op} has no from`);
  return from;
}

/** As for Kubernetes, what is absent equals null. */
function test(work: Work, path: Pointer, value: Mutable): void {
  if (!isSame(find(work, path) ?? null, value)) throw failed(`testing value ${path.text} failed: test failed`);
}

function replace(work: Work, path: Pointer, value: Mutable): void {
  if (path.tokens.length === 0) {
    work.root = value;
    return;
  }
  const { parent, token } = slotOf(work, path);
  if (Array.isArray(parent)) parent[indexOf(parent, token, path)] = value;
  else if (Object.hasOwn(parent, token)) parent[token] = value;
  else throw failed(`replace operation does not apply: doc is missing key: ${path.text}: missing value`);
}

function move(work: Work, from: Pointer, path: Pointer): void {
  const value = existing(work, from);
  if (path.text === from.text) return;
  if (path.text.startsWith(`${from.text}/`)) throw failed(`${from.text} can't be moved into itself: ${path.text}`);
  deepen(work, from, path);
  take(work, from);
  put(work, path, value);
}

function copy(work: Work, from: Pointer, path: Pointer): void {
  deepen(work, from, path);
  const value = existing(work, from);
  work.copied += JSON.stringify(value).length;
  if (work.copied > copiedCharactersMax)
    throw new PatchError("tooLarge", `the copies of a JSON patch have over ${copiedCharactersMax} characters`);
  put(work, path, copyOf(value));
}

function deepen(work: Work, from: Pointer, path: Pointer): void {
  work.nesting += Math.max(0, path.tokens.length - from.tokens.length);
  if (work.nesting > nestingMax) throw failed("the patch nests values too deep");
}

function put(work: Work, path: Pointer, value: Mutable): void {
  if (path.tokens.length === 0) {
    work.root = value;
    return;
  }
  const { parent, token } = slotOf(work, path);
  if (!Array.isArray(parent)) parent[token] = value;
  else if (token === "-" || token === String(parent.length)) parent.push(value);
  else shift(work, parent, () => parent.splice(indexOf(parent, token, path), 0, value));
}

function take(work: Work, path: Pointer): void {
  if (path.tokens.length === 0) throw failed("the whole object can't be removed");
  const { parent, token } = slotOf(work, path);
  existing(work, path);
  if (Array.isArray(parent)) shift(work, parent, () => parent.splice(indexOf(parent, token, path), 1));
  else delete parent[token];
}

function shift(work: Work, list: readonly Mutable[], change: () => void): void {
  work.shifted += list.length;
  if (work.shifted > shiftedItemsMax) throw new PatchError("tooLarge", `the patch shifts over ${shiftedItemsMax} items of lists`);
  change();
}

function existing(work: Work, path: Pointer): Mutable {
  const value = find(work, path);
  if (value === undefined) throw failed(`there is nothing at ${path.text}: missing value`);
  return value;
}

/** undefined: there is nothing. */
function find(work: Work, { tokens }: Pointer): Mutable | undefined {
  let value: Mutable | undefined = work.root;
  for (const token of tokens) {
    if (typeof value !== "object" || value === null) return undefined;
    if (Array.isArray(value)) value = isIndex(token) ? value[Number(token)] : undefined;
    else value = value[token];
  }
  return value;
}

/** Where the last token of a path that has one points to. */
function slotOf(work: Work, path: Pointer): { readonly parent: Parent; readonly token: string } {
  const parent = find(work, { ...path, tokens: path.tokens.slice(0, -1) });
  const token = path.tokens.at(-1);
  if (typeof parent !== "object" || parent === null || token === undefined)
    throw failed(`doc is missing path: ${path.text}: missing value`);
  return { parent, token };
}

function indexOf(list: readonly Mutable[], token: string, path: Pointer): number {
  if (!isIndex(token) || Number(token) >= list.length) throw failed(`Unable to access invalid index: ${path.text}`);
  return Number(token);
}

const isIndex = (token: string): boolean => /^(0|[1-9][0-9]{0,8})$/.test(token);

function isSame(left: Mutable, right: Mutable): boolean {
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return left === right;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, place) => isSame(item, right[place] ?? null));
  }
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isSame(left[key] ?? null, right[key] ?? null))
  );
}
