/**
 * Selectors: swarmkit's By, plus `and`, labels, namespaces and a plain predicate, as data. One selector serves lists (through the
 * replica's indexes), single objects (`matches`) and watches (`anchors`: the index values a matching object must stand under, so
 * that an event finds its watchers without asking all of them).
 */

import type { WindlassObject } from "../kinds/object.ts";
import { InvalidSelectorError } from "./errors.ts";
import type { ObjectIndexes } from "./object-indexes.ts";

export type Selector =
  | { readonly by: "all" }
  | { readonly by: "index"; readonly index: string; readonly value: string }
  | { readonly by: "indexPrefix"; readonly index: string; readonly prefix: string }
  | { readonly by: "namespace"; readonly namespace: string }
  | { readonly by: "where"; readonly predicate: (object: WindlassObject) => boolean }
  | { readonly by: "or"; readonly parts: readonly Selector[] }
  | { readonly by: "and"; readonly parts: readonly Selector[] };

const index = (name: string, value: string): Selector => ({ by: "index", index: name, value });
const indexPrefix = (name: string, prefix: string): Selector => ({ by: "indexPrefix", index: name, prefix });

export const all: Selector = { by: "all" };
/** Swarmkit's ID is metadata.uid. */
export const byId = (uid: string): Selector => index("uid", uid);
export const byIdPrefix = (prefix: string): Selector => indexPrefix("uid", prefix);
/** Without regard to case, as in swarmkit. */
export const byName = (name: string): Selector => index("name", name.toLowerCase());
export const byNamePrefix = (prefix: string): Selector => indexPrefix("name", prefix.toLowerCase());
export const byNamespace = (namespace: string): Selector => ({ by: "namespace", namespace });
export const byLabel = (key: string, value: string): Selector => index("label", `${key}=${value}`);
/** What names the object of this uid as an owner. */
export const byOwner = (uid: string): Selector => index("owner", uid);
/** Nodes. */
export const byRole = (role: "worker" | "manager"): Selector => index("role", role);
/** Nodes. */
export const byMembership = (membership: "accepted" | "pending"): Selector => index("membership", membership);
/** Tasks; `service` is `namespace/name`. */
export const byService = (service: string): Selector => index("service", service);
/** Tasks, by the name of their node. */
export const byNode = (node: string): Selector => index("node", node);
/** Tasks; `service` is `namespace/name`. */
export const bySlot = (service: string, slot: number): Selector => index("slot", `${service}/${slot}`);
/** Tasks. */
export const byDesiredState = (state: string): Selector => index("desiredState", state);
/** Tasks. */
export const byTaskState = (state: string): Selector => index("taskState", state);
/** Services and tasks by a network they are attached to, containers by one they are in. */
export const byReferencedNetwork = (network: string): Selector => index("network", network);
/** Containers that no task speaks for and that have not ended, by the name of their node: they take room there. */
export const byStanding = (node: string): Selector => index("standing", node);
/** The same, on any node. */
export const byAnyStanding: Selector = indexPrefix("standing", "");
/** An index that objects carry themselves, in the annotation `index.windlass.dev/<name>`. */
export const byCustom = (name: string, value: string): Selector => index(`custom:${name}`, value);
export const byCustomPrefix = (name: string, prefix: string): Selector => indexPrefix(`custom:${name}`, prefix);
/** A plain predicate: pure and quick. It is asked for every object that the rest of the selector leaves. */
export const where = (predicate: (object: WindlassObject) => boolean): Selector => ({ by: "where", predicate });
/** Of nothing: matches nothing. */
export const or = (...parts: readonly Selector[]): Selector => ({ by: "or", parts });
/** Of nothing: matches all. */
export const and = (...parts: readonly Selector[]): Selector => ({ by: "and", parts });

/** @throws InvalidSelectorError when the kind keeps no such index. */
export function checkSelector(selector: Selector, indexes: ObjectIndexes): void {
  switch (selector.by) {
    case "index":
    case "indexPrefix":
      if (!indexes.has(selector.index)) throw new InvalidSelectorError(`${indexes.plural} have no index ${selector.index}`);
      return;
    case "or":
    case "and":
      for (const part of selector.parts) checkSelector(part, indexes);
      return;
    case "all":
    case "namespace":
    case "where":
      return;
    default:
      selector satisfies never;
  }
}

export function matches(selector: Selector, object: WindlassObject, indexes: ObjectIndexes): boolean {
  switch (selector.by) {
    case "all":
      return true;
    case "index":
      return indexes.values(selector.index, object).includes(selector.value);
    case "indexPrefix":
      return indexes.values(selector.index, object).some((value) => value.startsWith(selector.prefix));
    case "namespace":
      return object.metadata.namespace === selector.namespace;
    case "where":
      return selector.predicate(object);
    case "or":
      return selector.parts.some((part) => matches(part, object, indexes));
    case "and":
      return selector.parts.every((part) => matches(part, object, indexes));
    default:
      return selector satisfies never;
  }
}

export type Anchor = { readonly index: string; readonly value: string };

/** Index values of which every matching object has at least one; undefined when only asking the selector itself can tell. */
export function anchors(selector: Selector): readonly Anchor[] | undefined {
  switch (selector.by) {
    case "index":
      return [{ index: selector.index, value: selector.value }];
    case "namespace":
      return [{ index: "namespace", value: selector.namespace }];
    case "or": {
      const parts = selector.parts.map(anchors);
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
    }
    case "and":
      return selector.parts.map(anchors).reduce(narrower, undefined);
    case "all":
    case "indexPrefix":
    case "where":
      return undefined;
    default:
      return selector satisfies never;
  }
}

/** A namespace holds many objects, so any other index says more. */
function narrower(left: readonly Anchor[] | undefined, right: readonly Anchor[] | undefined): readonly Anchor[] | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  const broad = (list: readonly Anchor[]) => list.some((anchor) => anchor.index === "namespace");
  if (broad(left) !== broad(right)) return broad(left) ? right : left;
  return right.length < left.length ? right : left;
}
