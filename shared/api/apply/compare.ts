/**
 * What differs between two states of an object, as sets of fields: Kubernetes' structured merge-diff, Compare. A map or list that
 * appears or goes is itself a member, beside its parts. Parts that are one value on both sides are not looked into.
 */
import type { Json } from "../../base/json.ts";
import { type Fields, nodeOf, noFields } from "./field-set.ts";
import type { FieldType } from "./field-type.ts";
import {
  entryType,
  isList,
  isListType,
  isMapType,
  isObject,
  isSameJson,
  itemsByElement,
  itemType,
  type ListType,
  type MapType,
  partOf,
} from "./parts.ts";

export type Comparison = { readonly added: Fields; readonly modified: Fields; readonly removed: Fields };

/** Objects of `type`; undefined: there is none. Fields that the type does not know are not compared. */
export function compare(type: FieldType, before: Json | undefined, after: Json | undefined): Comparison {
  const changes = changesOf(type, before, after);
  // Nobody owns the whole object: at the top there is no member.
  const top = (below: Below | undefined): Fields => (below === undefined ? noFields : (nodeOf(below, false) ?? noFields));
  return { added: top(changes?.added), modified: top(changes?.modified), removed: top(changes?.removed) };
}

type Below = Record<string, Fields>;
type Kind = keyof Comparison;
/** What is below a value, by kind of change, and whether the value itself is one of them. */
type Changes = { readonly [kind in Kind]?: Below } & { readonly self?: Kind };

const kinds: readonly Kind[] = ["added", "modified", "removed"];

/** undefined: nothing differs. */
function changesOf(type: FieldType, before: Json | undefined, after: Json | undefined): Changes | undefined {
  if (before === after) return undefined;
  const parts = partChanges(type, before, after);
  if (parts === undefined) return isSameJson(before, after) ? undefined : { self: selfChange(before, after) };
  if (before === undefined || after === undefined) return { ...parts, self: selfChange(before, after) };
  return kinds.some((kind) => parts[kind] !== undefined) ? parts : undefined;
}

function selfChange(before: Json | undefined, after: Json | undefined): Kind {
  if (before === undefined) return "added";
  return after === undefined ? "removed" : "modified";
}

/** undefined: the value is owned as one, or is not what its type says. */
function partChanges(type: FieldType, before: Json | undefined, after: Json | undefined): Changes | undefined {
  if (isMapType(type)) return fits(isObject, before, after) ? mapChanges(type, before, after) : undefined;
  if (isListType(type)) return fits(isList, before, after) ? listChanges(type, before, after) : undefined;
  return undefined;
}

function fits(is: (value: Json | undefined) => boolean, before: Json | undefined, after: Json | undefined): boolean {
  return (before === undefined || is(before)) && (after === undefined || is(after));
}

function mapChanges(type: MapType, before: Json | undefined, after: Json | undefined): Changes {
  const [mine, theirs] = [isObject(before) ? before : undefined, isObject(after) ? after : undefined];
  const found = new Found();
  for (const name in theirs) {
    const part = entryType(type, name);
    if (part !== undefined) found.add(`f:${name}`, changesOf(part, partOf(mine, name), theirs[name]));
  }
  for (const name in mine) {
    const part = partOf(theirs, name) === undefined ? entryType(type, name) : undefined;
    if (part !== undefined) found.add(`f:${name}`, changesOf(part, mine[name], undefined));
  }
  return found;
}

function listChanges(type: ListType, before: Json | undefined, after: Json | undefined): Changes {
  const mine = itemsByElement(type, isList(before) ? before : []);
  const theirs = itemsByElement(type, isList(after) ? after : []);
  const found = new Found();
  for (const element of new Set([...mine.keys(), ...theirs.keys()])) {
    for (const changes of itemChanges(itemType(type), mine.get(element) ?? [], theirs.get(element) ?? []))
      found.add(element, changes);
  }
  return found;
}

/** Items that share an element are one value together: a double that comes or goes takes the place of what its parts were. */
function itemChanges(type: FieldType, before: readonly Json[], after: readonly Json[]): (Changes | undefined)[] {
  if (before.length < 2 && after.length < 2) return [changesOf(type, before[0], after[0])];
  if (before.length >= 2 && after.length >= 2) return isSameJson(before, after) ? [] : [{ self: "modified" }];
  if (before.length >= 2) return [{ self: "removed" }, after.length === 0 ? undefined : changesOf(type, undefined, after[0])];
  return [before.length === 0 ? undefined : changesOf(type, before[0], undefined), { self: "added" }];
}

/** Collects the changes of a value's parts. */
class Found {
  added?: Below;
  modified?: Below;
  removed?: Below;

  add(element: string, changes: Changes | undefined): void {
    if (changes === undefined) return;
    for (const kind of kinds) {
      const node = nodeOf(changes[kind], changes.self === kind);
      if (node === undefined) continue;
      const below = this[kind] ?? {};
      below[element] = node;
      this[kind] = below;
    }
  }
}
