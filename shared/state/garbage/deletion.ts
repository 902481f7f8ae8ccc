/**
 * How an object's deletion begins and ends, whoever asks for it: the interface's DELETE, or the collector. An object goes with its last
 * finalizer; a deletion adds or takes away those that say what becomes of its dependents (Kubernetes' registry, store.go).
 */
import { timestamp } from "../../base/clock.ts";
import type { KindDefinition } from "../../kinds/definition.ts";
import type { ObjectInput, WindlassObject } from "../../kinds/object.ts";
import type { Transaction } from "../transaction.ts";
import { foregroundFinalizer, isPropagation, orphanFinalizer } from "./finalizers.ts";

/** What becomes of an object's dependents: they stay, they go after it, or they go before it. */
export const propagations = ["Orphan", "Background", "Foreground"] as const;
export type Propagation = (typeof propagations)[number];

/**
 * The object as its deletion leaves it: marked with the time of the first deletion, and with the finalizers that hold it. Without any it
 * is to be removed. `propagation` undefined: what its finalizers say already, else Background. It names no version and no uid.
 */
export function dying<O extends WindlassObject>(
  { finalizer }: Pick<KindDefinition, "finalizer">,
  current: O,
  { propagation, now }: { readonly propagation: Propagation | undefined; readonly now: number },
): ObjectInput<O> {
  const { resourceVersion: _, uid: __, finalizers: before = [], ...metadata } = current.metadata;
  const finalizers = [...before.filter((name) => !isPropagation(name) && name !== finalizer)];
  if (finalizer !== undefined) finalizers.push(finalizer);
  const held = heldBy(propagation, before);
  if (held !== undefined) finalizers.push(held);
  const isSame = finalizers.length === before.length && finalizers.every((name) => before.includes(name));
  return {
    ...current,
    metadata: {
      ...metadata,
      deletionTimestamp: metadata.deletionTimestamp ?? timestamp(now),
      deletionGracePeriodSeconds: 0,
      ...(finalizers.length > 0 && { finalizers: isSame ? before : finalizers }),
    },
  };
}

/** Writes an object whose finalizers changed, or removes it when its deletion was asked for and nothing holds it any more. */
export function writeOrRemove<O extends WindlassObject>(
  transaction: Transaction,
  definition: KindDefinition<O>,
  object: ObjectInput<O>,
): void {
  const { name, namespace, deletionTimestamp, finalizers = [] } = object.metadata;
  const table = transaction.of(definition);
  if (deletionTimestamp !== undefined && finalizers.length === 0) {
    table.delete(name, namespace === undefined ? {} : { namespace });
  } else {
    table.update(object);
  }
}

/** The object without one finalizer. */
export function withoutFinalizer<O extends WindlassObject>(object: O, finalizer: string): ObjectInput<O> {
  const { resourceVersion: _, finalizers = [], ...metadata } = object.metadata;
  const left = finalizers.filter((name) => name !== finalizer);
  return { ...object, metadata: { ...metadata, ...(left.length > 0 && { finalizers: left }) } };
}

function heldBy(propagation: Propagation | undefined, finalizers: readonly string[]): string | undefined {
  switch (propagation) {
    case "Orphan":
      return orphanFinalizer;
    case "Foreground":
      return foregroundFinalizer;
    case "Background":
      return undefined;
    case undefined:
      return finalizers.find(isPropagation);
    default:
      return propagation satisfies never;
  }
}
