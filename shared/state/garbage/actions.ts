/** The collector's view of a store, and its actions there: each judged and carried out in one transaction, so that no state comes between. */
import { type KindDefinition, keyOf } from "../../kinds/definition.ts";
import type { OwnerReference, WindlassObject } from "../../kinds/object.ts";
import type { Registry } from "../../kinds/registry.ts";
import { byOwner } from "../selector.ts";
import type { Transaction } from "../transaction.ts";
import { dying, withoutFinalizer, writeOrRemove } from "./deletion.ts";
import { type Action, judge, type World } from "./rules.ts";

/** Where an object stands. */
export type Place = { readonly definition: KindDefinition; readonly name: string; readonly namespace: string | undefined };

export const keyAt = ({ definition, name, namespace }: Place): string => keyOf(definition, name, namespace);

export function placeOf(object: WindlassObject, registry: Registry): Place | undefined {
  const definition = registry.byKind(object.kind);
  const { name, namespace } = object.metadata;
  return definition && { definition, name, namespace };
}

/** Where the owner that a reference names would stand; undefined: no kind of this installation. */
export function ownerPlace(owner: OwnerReference, item: WindlassObject, registry: Registry): Place | undefined {
  const definition = registry.byKind(owner.kind);
  return definition && { definition, name: owner.name, namespace: definition.namespaced ? item.metadata.namespace : undefined };
}

export function worldOf(transaction: Transaction, registry: Registry, scope: KindDefinition["scope"]): World {
  const kinds = registry.definitions.filter((definition) => definition.scope === scope);
  return {
    kinds: registry,
    scope,
    get: (definition, name, namespace) => transaction.of(definition).get(name, namespace),
    dependents: (uid) => kinds.flatMap((definition) => transaction.of(definition).find(byOwner(uid))),
  };
}

/** What is to be done with the object at `place` now; nothing where none is. */
export function actionsAt(transaction: Transaction, { definition, name, namespace }: Place, world: World): readonly Action[] {
  const item = transaction.of(definition).get(name, namespace);
  return item === undefined ? [] : judge(item, world);
}

/** `action` must have been judged in this transaction. */
export function perform(transaction: Transaction, action: Action, registry: Registry): void {
  const definition = registry.byKind(action.item.kind);
  if (definition === undefined) return;
  writeOrRemove(transaction, definition, outcome(transaction, action, definition));
}

function outcome(transaction: Transaction, action: Action, definition: KindDefinition) {
  switch (action.do) {
    case "delete":
      return dying(definition, action.item, { propagation: action.propagation, now: transaction.context.now });
    case "disown":
      return withoutOwners(action.item, action.owners);
    case "finish":
      return withoutFinalizer(action.item, action.finalizer);
    default:
      return action satisfies never;
  }
}

function withoutOwners(object: WindlassObject, owners: ReadonlySet<string>) {
  const { resourceVersion: _, ownerReferences = [], ...metadata } = object.metadata;
  const left = ownerReferences.filter(({ uid }) => !owners.has(uid));
  return { ...object, metadata: { ...metadata, ...(left.length > 0 && { ownerReferences: left }) } };
}
