/**
 * The cached rows of one table (the keys of one kind): by key, in key order, and by index. What is cached is coherent at its
 * replica's revision; `covered` prefixes are known whole, so that absence and index look-ups inside them can be answered.
 * Order and indexes are built at their first use and kept from then on.
 */
import { jsonText } from "../base/json.ts";
import type { WindlassObject } from "../kinds/object.ts";
import type { Row } from "../log/ports.ts";
import { BuiltIndexes, type Indexed } from "./built-indexes.ts";
import type { ObjectIndexes } from "./object-indexes.ts";

/** Keys known to be absent outside covered prefixes; forgotten all at once when there are more. */
const absentKeysMax = 10_000;

/** Whoever reads may name any namespace. When there are more, all are forgotten; rows stay, one by one. */
const coveredPrefixesMax = 1_000;

export class Table implements Indexed {
  readonly indexes: ObjectIndexes;
  /** Counts uses; the replica evicts the table whose last use is oldest. */
  lastUse = 0;
  readonly #rows = new Map<string, Row>();
  readonly #covered = new Set<string>();
  readonly #absent = new Set<string>();
  readonly #built: BuiltIndexes;
  #bytes = 0;
  #ordered: string[] = [];
  #added: string[] = [];
  #removed: string[] = [];

  constructor(indexes: ObjectIndexes) {
    this.indexes = indexes;
    this.#built = new BuiltIndexes(indexes, () => this.#objects());
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Bytes of JSON held, about: UTF-16 units of the rows' texts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The row, null where it is known to be absent, undefined where nothing is known. */
  get(key: string): Row | null | undefined {
    return this.#rows.get(key) ?? (this.#absent.has(key) || this.covers(key) ? null : undefined);
  }

  /** What the row holds; undefined where there is none. */
  object(key: string): WindlassObject | undefined {
    const row = this.#rows.get(key);
    return row === undefined ? undefined : objectOf(row);
  }

  /** Whether there is a row. */
  has(key: string): boolean {
    return this.#rows.has(key);
  }

  /** Whether everything that starts with `prefixOrKey` is known. */
  covers(prefixOrKey: string): boolean {
    if (this.#covered.size === 0) return false;
    for (let slash = prefixOrKey.indexOf("/"); slash !== -1; slash = prefixOrKey.indexOf("/", slash + 1)) {
      if (this.#covered.has(prefixOrKey.slice(0, slash + 1))) return true;
    }
    return false;
  }

  /** `prefix` ends in a slash; its rows were set before. */
  cover(prefix: string): void {
    if (this.#covered.size >= coveredPrefixesMax) this.#covered.clear();
    this.#covered.add(prefix);
  }

  set(row: Row): void {
    const before = this.#rows.get(row.key);
    this.#rows.set(row.key, row);
    this.#bytes += jsonText(row.value).length;
    if (before !== undefined) this.#bytes -= jsonText(before.value).length;
    if (before === undefined) {
      this.#added.push(row.key);
      this.#absent.delete(row.key);
    }
    this.#built.move(row.key, before && objectOf(before), objectOf(row));
  }

  /** Forgets the row, and remembers that it is absent. */
  delete(key: string): void {
    const before = this.#rows.get(key);
    if (before !== undefined) {
      this.#rows.delete(key);
      this.#bytes -= jsonText(before.value).length;
      this.#removed.push(key);
      this.#built.move(key, objectOf(before), undefined);
    }
    if (this.covers(key)) return;
    if (this.#absent.size >= absentKeysMax) this.#absent.clear();
    this.#absent.add(key);
  }

  /** Keys with `prefix` and above `above`, in the order of their bytes. */
  keys(prefix: string, above = ""): string[] {
    const [start, end] = this.#range(prefix, above);
    return this.#ordered.slice(start, end);
  }

  /** How many keys `keys` would give. */
  count(prefix: string, above = ""): number {
    const [start, end] = this.#range(prefix, above);
    return end - start;
  }

  keysUnder(index: string, value: string): Iterable<string> {
    return this.#built.keysUnder(index, value);
  }

  keysUnderPrefix(index: string, prefix: string): Iterable<string> {
    return this.#built.keysUnderPrefix(index, prefix);
  }

  *#objects(): Iterable<readonly [string, WindlassObject]> {
    for (const row of this.#rows.values()) yield [row.key, objectOf(row)];
  }

  /** Where in the order they stand: the first one's place, and the place after the last one. */
  #range(prefix: string, above: string): readonly [number, number] {
    this.#order();
    const end = lowerBound(this.#ordered, after(prefix));
    // A key is followed by no other before the one with the least character more.
    const start = lowerBound(this.#ordered, above < prefix ? prefix : `${above}\0`);
    return [Math.min(start, end), end];
  }

  /** Brings the order up to what came and went since the last ordered read. */
  #order(): void {
    const [added, removed] = [this.#added, this.#removed];
    const count = added.length + removed.length;
    if (count === 0) return;
    [this.#added, this.#removed] = [[], []];
    if (count > splicesMax) this.#merge(added.sort());
    else this.#splice(added, removed);
  }

  #splice(added: readonly string[], removed: readonly string[]): void {
    const ordered = this.#ordered;
    for (const key of removed) {
      const place = lowerBound(ordered, key);
      if (ordered[place] === key && !this.#rows.has(key)) ordered.splice(place, 1);
    }
    for (const key of added) {
      const place = lowerBound(ordered, key);
      if (ordered[place] !== key && this.#rows.has(key)) ordered.splice(place, 0, key);
    }
  }

  /** Linear, for creates come in runs. */
  #merge(added: readonly string[]): void {
    const merged: string[] = [];
    let next = 0;
    const push = (key: string) => {
      if (this.#rows.has(key) && merged.at(-1) !== key) merged.push(key);
    };
    for (const key of this.#ordered) {
      for (let candidate = added[next]; candidate !== undefined && candidate < key; candidate = added[++next]) push(candidate);
      push(key);
    }
    for (; next < added.length; next += 1) push(added[next] as string);
    this.#ordered = merged;
  }
}

/** As many are put in and taken out one by one: each moves what follows it, and that is cheaper than to look at all. */
const splicesMax = 64;

/** A row's value as the object it was written as: only the store writes rows of kinds, and only after its checks. */
export const objectOf = (row: Row): WindlassObject => row.value as unknown as WindlassObject;

/** The first position whose key is not below `bound`. Keys are ASCII, so UTF-16 order is the order of their bytes. */
function lowerBound(keys: readonly string[], bound: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The least string above every string that starts with `prefix`. */
const after = (prefix: string): string =>
  `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
