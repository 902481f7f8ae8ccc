/**
 * The indexes of one kind: those it names itself and those that every kind has (uid, name, namespace, label, owner, custom:<name>).
 * Pure functions from an object to the values it stands under; the tables keep what they say.
 */

import { customIndexes } from "../kinds/custom-indexes.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import type { WindlassObject } from "../kinds/object.ts";

type IndexFunction = (object: WindlassObject) => readonly string[];

const none: readonly string[] = [];
const common: Readonly<Record<string, IndexFunction>> = {
  uid: ({ metadata }) => [metadata.uid],
  name: ({ metadata }) => [metadata.name.toLowerCase()],
  namespace: ({ metadata }) => (metadata.namespace === undefined ? none : [metadata.namespace]),
  label: ({ metadata }) =>
    metadata.labels === undefined ? none : Object.entries(metadata.labels).map(([key, value]) => `${key}=${value}`),
  owner: ({ metadata }) =>
    metadata.ownerReferences === undefined ? none : [...new Set(metadata.ownerReferences.map(({ uid }) => uid))],
};
const customPrefix = "custom:";

export class ObjectIndexes {
  readonly plural: string;
  readonly #functions: ReadonlyMap<string, IndexFunction>;

  constructor(definition: Pick<KindDefinition, "plural" | "indexes">) {
    this.plural = definition.plural;
    this.#functions = new Map([...Object.entries(common), ...Object.entries(definition.indexes)]);
  }

  has(index: string): boolean {
    return this.#functions.has(index) || index.startsWith(customPrefix);
  }

  /** The values `object` stands under; empty when the kind has no such index. */
  values(index: string, object: WindlassObject): readonly string[] {
    const known = this.#functions.get(index);
    if (known !== undefined) return known(object);
    if (!index.startsWith(customPrefix)) return none;
    return customIndexes(object)[index.slice(customPrefix.length)] ?? none;
  }
}
