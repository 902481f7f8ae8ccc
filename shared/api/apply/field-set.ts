/**
 * Sets of fields, in the form in which managedFields show them (Kubernetes' FieldsV1): a set is its own JSON, so nothing is parsed to
 * work with it nor written to store it, and what two sets have in common is one frozen value. An element of a path is a key: `f:name` a
 * field, `k:{…}` an item of a keyed list, `v:…` a value of a set. A node that is empty, or has a `.`, is a member itself. What comes in
 * here stays as it is; results share it, and are the very same value where nothing changes.
 */
import type { Json, JsonObject } from "../../base/json.ts";

/** A node of a set. At the top, `{}` is the empty set; below, a member without further members under it. */
export type Fields = { readonly [element: string]: Fields };

const self = ".";
export const noFields: Fields = Object.freeze({});
const member: Fields = noFields;

export function isEmpty(node: Fields): boolean {
  for (const _ in node) return false;
  return true;
}

/** Everything that is in either. */
export function union(one: Fields, other: Fields): Fields {
  if (isEmpty(one)) return other;
  return isEmpty(other) ? one : unionOf(one, other);
}

/** What is in both. */
export function intersection(one: Fields, other: Fields): Fields {
  return isEmpty(one) || isEmpty(other) ? noFields : (intersectionOf(one, other) ?? noFields);
}

/** What is in `one` and not in `other`, path by path: what stands below a removed member stays. */
export function difference(one: Fields, other: Fields): Fields {
  return isEmpty(one) || isEmpty(other) ? one : (differenceOf(one, other, false) ?? noFields);
}

/** As difference, but what stands below a member of `other` goes with it. */
export function without(one: Fields, other: Fields): Fields {
  return isEmpty(one) || isEmpty(other) ? one : (differenceOf(one, other, true) ?? noFields);
}

/** Whether both have the same members. */
export function isEqual(one: Fields, other: Fields): boolean {
  if (one === other) return true;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => {
      const [mine, theirs] = [one[key], other[key]];
      return mine !== undefined && theirs !== undefined && isEqual(mine, theirs);
    })
  );
}

/** Whether the node is a member itself. Not for the top of a set. */
export const isMember = (node: Fields): boolean => node[self] !== undefined || isEmpty(node);

/** A node of what is below it, by element, and whether it is a member itself; undefined when it is nothing. */
export function nodeOf(below: Readonly<Record<string, Fields>> | undefined, isSelf: boolean): Fields | undefined {
  if (below === undefined) return isSelf ? member : undefined;
  return isSelf ? { [self]: member, ...ordered(below) } : ordered(below);
}

/** What is below a node, by element, in order. */
export const childrenOf = (node: Fields): readonly (readonly [element: string, child: Fields])[] =>
  Object.entries(node).filter(([element]) => element !== self);

/** The paths of all members, each as its elements. */
export function* pathsOf(node: Fields, above: readonly string[] = []): Generator<readonly string[]> {
  for (const [element, child] of childrenOf(node)) {
    const path = [...above, element];
    if (isMember(child)) yield path;
    yield* pathsOf(child, path);
  }
}

/** A path as Kubernetes writes it: `.metadata.labels.app`, `.status.conditions[type="Ready"].status`, `.metadata.finalizers[="a/b"]`. */
export const pathText = (path: readonly string[]): string => path.map(elementText).join("");

/**
 * A set that someone else wrote, in the order and the spelling of our own, so that equal sets have equal keys. Elements of a kind that
 * is not known are left out, as Kubernetes does. undefined: it is no set.
 */
export function canonical(foreign: Json | undefined): Fields | undefined {
  if (!isObject(foreign)) return undefined;
  const below: Record<string, Fields> = {};
  let isSelf = false;
  for (const [key, value] of Object.entries(foreign)) {
    if (key === self) {
      isSelf = true;
      continue;
    }
    const element = canonicalElement(key);
    const child = canonical(value);
    if (element === undefined || child === undefined) return undefined;
    if (element !== "") below[element] = child;
  }
  return isEmpty(below) ? member : (nodeOf(below, isSelf) ?? member);
}

/** A node with its own membership among its keys, to be looked at like all others. */
const opened = (node: Fields): Fields => (isEmpty(node) ? alone : node);
const alone: Fields = Object.freeze({ [self]: member });

function closed(parts: Readonly<Record<string, Fields>>): Fields | undefined {
  const keys = Object.keys(parts);
  if (keys.length === 0) return undefined;
  return keys.length === 1 && keys[0] === self ? member : parts;
}

function unionOf(one: Fields, other: Fields): Fields {
  if (one === other) return one;
  const mine = opened(one);
  let merged: Record<string, Fields> | undefined;
  for (const [element, child] of Object.entries(opened(other))) {
    const before = mine[element];
    const after = before === undefined ? child : unionOf(before, child);
    if (after === before) continue;
    merged ??= { ...mine };
    merged[element] = after;
  }
  return merged === undefined ? one : ordered(merged);
}

function intersectionOf(one: Fields, other: Fields): Fields | undefined {
  if (one === other) return one;
  const theirs = opened(other);
  const common: Record<string, Fields> = {};
  for (const [element, child] of Object.entries(opened(one))) {
    const match = theirs[element];
    const both = match === undefined ? undefined : intersectionOf(child, match);
    if (both !== undefined) common[element] = both;
  }
  return closed(common);
}

function differenceOf(one: Fields, other: Fields, recursive: boolean): Fields | undefined {
  const [mine, theirs] = [opened(one), opened(other)];
  let rest: Record<string, Fields> | undefined;
  for (const [element, child] of Object.entries(mine)) {
    const match = theirs[element];
    if (match === undefined) continue;
    const isGone = element === self || (recursive && isMember(match));
    const after = isGone ? undefined : differenceOf(child, match, recursive);
    if (after === child) continue;
    rest ??= { ...mine };
    if (after === undefined) delete rest[element];
    else rest[element] = after;
  }
  return rest === undefined ? one : closed(rest);
}

/** `.` sorts before all others. Mostly they come in order. */
function ordered(parts: Readonly<Record<string, Fields>>): Fields {
  const keys = Object.keys(parts);
  if (keys.every((key, index) => index === 0 || (keys[index - 1] ?? "") < key)) return parts;
  return Object.fromEntries(keys.sort().map((key) => [key, parts[key] ?? member]));
}

/** undefined: it is no element; empty: of a kind that a later version may know. */
function canonicalElement(key: string): string | undefined {
  const [kind, rest] = [key.slice(0, 2), key.slice(2)];
  if (key.length < 2 || key[1] !== ":") return undefined;
  if (kind === "f:") return key;
  if (kind === "i:") return /^\d{1,9}$/.test(rest) ? `i:${Number(rest)}` : undefined;
  if (kind !== "k:" && kind !== "v:") return "";
  const value = parsed(rest);
  if (kind === "v:") return value === undefined || typeof value === "object" ? undefined : `v:${JSON.stringify(value)}`;
  return isObject(value) ? keyElement(value) : undefined;
}

/** The element of a list's item that is told by `keys` of it. */
export const keyElement = (keys: JsonObject): string =>
  `k:${JSON.stringify(Object.fromEntries(Object.entries(keys).sort(([one], [other]) => (one < other ? -1 : 1))))}`;

function elementText(element: string): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case "f":
      return `.${rest}`;
    case "v":
      return `[=${rest}]`;
    case "k":
      return `[${Object.entries(JSON.parse(rest) as JsonObject)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(",")}]`;
    default:
      return `[${rest}]`;
  }
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
