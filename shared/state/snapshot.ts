/** All objects of one log as of one revision, and the steps that make a state equal to it. */
import { isDeepStrictEqual } from "node:util";
import type { KindDefinition } from "../kinds/definition.ts";
import { keyOf } from "../kinds/definition.ts";
import type { WindlassObject } from "../kinds/object.ts";
import type { Registry } from "../kinds/registry.ts";
import type { BatchStep } from "./batch.ts";
import { InvalidObjectError } from "./errors.ts";
import type { Transaction } from "./transaction.ts";

export type Snapshot = {
  readonly revision: number;
  /** In the order of their kinds, then of their keys. */
  readonly objects: readonly WindlassObject[];
};

export function takeSnapshot(transaction: Transaction, kinds: readonly KindDefinition[]): WindlassObject[] {
  return kinds.flatMap((definition) => transaction.of(definition).find());
}

/** One step an object that differs. @throws InvalidObjectError when the snapshot has a kind that the registry does not know. */
export function* restoreSteps(snapshot: Snapshot, current: readonly WindlassObject[], registry: Registry): Iterable<BatchStep> {
  const wanted = new Map<string, WindlassObject>();
  for (const object of snapshot.objects) wanted.set(keyFor(object, registry), object);
  for (const object of current) {
    const key = keyFor(object, registry);
    const goal = wanted.get(key);
    // An object of that name but another uid is another object.
    if (goal?.metadata.uid === object.metadata.uid) continue;
    yield (transaction) => void transaction.of(definitionFor(object, registry)).delete(object.metadata.name, place(object));
  }
  const there = new Map(current.map((object) => [keyFor(object, registry), object]));
  for (const [key, object] of wanted) {
    const before = there.get(key);
    if (before?.metadata.uid !== object.metadata.uid)
      yield (transaction) => void transaction.of(definitionFor(object, registry)).create(unversioned(object));
    else if (!isDeepStrictEqual(unversioned(before), unversioned(object))) {
      yield (transaction) => void transaction.of(definitionFor(object, registry)).update(unversioned(object));
    }
  }
}

function definitionFor(object: WindlassObject, registry: Registry): KindDefinition {
  const definition = registry.byKind(object.kind);
  if (definition === undefined) throw new InvalidObjectError("kind", `${object.kind} is not a kind of this installation`);
  return definition;
}

const keyFor = (object: WindlassObject, registry: Registry): string =>
  keyOf(definitionFor(object, registry), object.metadata.name, object.metadata.namespace);

const place = ({ metadata }: WindlassObject) => (metadata.namespace === undefined ? {} : { namespace: metadata.namespace });

function unversioned(
  object: WindlassObject,
): Omit<WindlassObject, "metadata"> & { metadata: Omit<WindlassObject["metadata"], "resourceVersion"> } {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
