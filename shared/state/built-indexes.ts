/**
 * The indexes of some objects of one kind: the keys under each value. An index is built at its first look-up and kept from then on.
 * Tables keep theirs so (table.ts), and so does what stands on top of them, not committed yet (overlay.ts).
 */
import type { WindlassObject } from "../kinds/object.ts";
import type { ObjectIndexes } from "./object-indexes.ts";

type KeysByValue = Map<string, Set<string>>;

/** What look-ups by index are answered from: a table, or what lies over it. */
export interface Indexed {
  /** Keys under one value of an index, in no order. */
  keysUnder(index: string, value: string): Iterable<string>;
  /** Keys under all values of an index that start with `prefix`; a key may come twice. */
  keysUnderPrefix(index: string, prefix: string): Iterable<string>;
}

export class BuiltIndexes implements Indexed {
  readonly #indexes: ObjectIndexes;
  readonly #built = new Map<string, KeysByValue>();
  readonly #objects: () => Iterable<readonly [string, WindlassObject]>;

  /** `objects`: all there are, with their keys; asked when an index is built. */
  constructor(indexes: ObjectIndexes, objects: () => Iterable<readonly [string, WindlassObject]>) {
    this.#indexes = indexes;
    this.#objects = objects;
  }

  keysUnder(index: string, value: string): Iterable<string> {
    return this.#index(index).get(value) ?? [];
  }

  *keysUnderPrefix(index: string, prefix: string): Iterable<string> {
    for (const [value, keys] of this.#index(index)) if (value.startsWith(prefix)) yield* keys;
  }

  /** To be told of each change; undefined where the object is absent. */
  move(key: string, before: WindlassObject | undefined, now: WindlassObject | undefined): void {
    if (this.#built.size === 0) return;
    const change = { key, before, now };
    for (const [index, keysByValue] of this.#built) this.#reindex(index, keysByValue, change);
  }

  #index(index: string): KeysByValue {
    let keysByValue = this.#built.get(index);
    if (keysByValue === undefined) {
      keysByValue = new Map();
      for (const [key, now] of this.#objects()) this.#reindex(index, keysByValue, { key, before: undefined, now });
      this.#built.set(index, keysByValue);
    }
    return keysByValue;
  }

  #reindex(index: string, keysByValue: KeysByValue, { key, before, now }: Change): void {
    const old = before === undefined ? [] : this.#indexes.values(index, before);
    const values = now === undefined ? [] : this.#indexes.values(index, now);
    for (const value of old) {
      if (values.includes(value)) continue;
      const keys = keysByValue.get(value);
      keys?.delete(key);
      if (keys?.size === 0) keysByValue.delete(value);
    }
    for (const value of values) {
      if (old.includes(value)) continue;
      const keys = keysByValue.get(value);
      if (keys === undefined) keysByValue.set(value, new Set([key]));
      else keys.add(key);
    }
  }
}

type Change = { readonly key: string; readonly before: WindlassObject | undefined; readonly now: WindlassObject | undefined };
