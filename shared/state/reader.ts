/**
 * Reads of one coherent state: a replica with an overlay on top. Synchronous: what is not cached throws MissSignal, and whoever
 * called the reader's user loads it and calls again. So a callback sees one revision from its first line to its last.
 */
import type { KindDefinition } from "../kinds/definition.ts";
import { keyOf, prefixOf } from "../kinds/definition.ts";
import type { WindlassObject } from "../kinds/object.ts";
import type { Indexed } from "./built-indexes.ts";
import type { Overlay } from "./overlay.ts";
import type { Miss, Replica } from "./replica.ts";
import { checkSelector, matches, type Selector } from "./selector.ts";
import { objectOf, type Table } from "./table.ts";

/** Thrown through a callback when it reads what is not cached. Not an error: a callback must let it pass. */
export class MissSignal extends Error {
  override readonly name = "MissSignal";
  constructor(wanted: string) {
    super(`${wanted} is not cached: the store catches this, loads it and calls again`);
  }
}

export type ListOptions = {
  /** Only this namespace; all where absent. */
  readonly namespace?: string;
  /** Only keys above this one: the last key of the page before. */
  readonly after?: string;
  /** At most so many; all where absent. */
  readonly limit?: number;
};

const none: readonly string[] = [];

export class Reader {
  readonly #replica: Replica;
  readonly #overlay: Overlay;
  /** What is missed, made at the first miss: most readers miss nothing. */
  #missed: { readonly keys: Set<string>; readonly prefixes: Set<string> } | undefined;

  constructor(replica: Replica, overlay: Overlay) {
    this.#replica = replica;
    this.#overlay = overlay;
  }

  /** What was signalled as missing, also where the callback swallowed the signal; undefined when nothing was. */
  get missed(): Miss | undefined {
    return this.#missed;
  }

  value(key: string): WindlassObject | undefined {
    const value = this.valueOrMissed(key);
    if (value === undefined && this.#missed?.keys.has(key)) throw new MissSignal(key);
    return value;
  }

  /**
   * As `value`, but what is not cached is noted as missing and then taken to be absent: for who can go on without it, so that
   * one run of a callback learns all that it misses. What such a run comes to is thrown away.
   */
  valueOrMissed(key: string): WindlassObject | undefined {
    const over = this.#overlay.get(key);
    if (over !== undefined) return over === null ? undefined : (over as unknown as WindlassObject);
    const row = this.#replica.table(key).get(key);
    if (row === undefined) this.#noteMissed().keys.add(key);
    return row === undefined || row === null ? undefined : objectOf(row);
  }

  get(definition: KindDefinition, name: string, namespace?: string): WindlassObject | undefined {
    return this.value(keyOf(definition, name, namespace));
  }

  /** Objects that match, in the order of their keys. @throws InvalidSelectorError. */
  find(definition: KindDefinition, selector: Selector, { namespace, after = "", limit }: ListOptions = {}): WindlassObject[] {
    const range = { prefix: prefixOf(definition, namespace), above: after };
    checkSelector(selector, this.#replica.table(definition.plural).indexes);
    const table = this.#whole(definition, range);
    const found: WindlassObject[] = [];
    for (const key of this.#candidates(table, range, selector)) {
      if (found.length === limit) break;
      const object = this.#held(table, key);
      if (object !== undefined && (selector.by === "all" || matches(selector, object, table.indexes))) found.push(object);
    }
    return found;
  }

  /** Of a table that is cached as far as the key goes: nothing can be missed. */
  #held(table: Table, key: string): WindlassObject | undefined {
    const over = this.#overlay.get(key);
    if (over !== undefined) return over === null ? undefined : (over as unknown as WindlassObject);
    return table.object(key);
  }

  /** How many objects there are: of their keys only, so it costs nothing that there are many. */
  count(definition: KindDefinition, { namespace, after = "" }: Omit<ListOptions, "limit"> = {}): number {
    const range = { prefix: prefixOf(definition, namespace), above: after };
    const table = this.#whole(definition, range);
    let count = table.count(range.prefix, range.above);
    for (const key of this.#overlay.touched(table.indexes)?.keys ?? none) {
      if (!isIn(range, key)) continue;
      if (this.#overlay.get(key) !== null) count += 1;
      if (table.has(key)) count -= 1;
    }
    return count;
  }

  /** The kind's table, once all of `range` is cached. @throws MissSignal. */
  #whole(definition: KindDefinition, { prefix }: Range): Table {
    const table = this.#replica.table(definition.plural);
    if (table.covers(prefix)) return table;
    this.#noteMissed().prefixes.add(prefix);
    throw new MissSignal(prefix);
  }

  #noteMissed(): { readonly keys: Set<string>; readonly prefixes: Set<string> } {
    this.#missed ??= { keys: new Set(), prefixes: new Set() };
    return this.#missed;
  }

  /** A superset of the keys that match, in order: from the best index of the table and of what was touched, else all there are. */
  #candidates(table: Table, range: Range, selector: Selector): readonly string[] {
    const touched = this.#overlay.touched(table.indexes);
    const indexed = keysByIndex(table, selector);
    if (indexed === undefined) return withTouched(table, range, touched?.keys ?? none);
    const keys = new Set(indexed);
    for (const key of touched === undefined ? none : (keysByIndex(touched.indexes, selector) ?? none)) keys.add(key);
    const inRange: string[] = [];
    for (const key of keys) if (isIn(range, key)) inRange.push(key);
    return inRange.sort();
  }
}

/** Keys that begin with `prefix` and lie above `above`. */
type Range = { readonly prefix: string; readonly above: string };
const isIn = ({ prefix, above }: Range, key: string): boolean => key > above && key.startsWith(prefix);

/** The keys of the table, and those touched that have no row there, in order. */
function withTouched(table: Table, range: Range, touched: Iterable<string>): readonly string[] {
  const added: string[] = [];
  for (const key of touched) if (isIn(range, key) && !table.has(key)) added.push(key);
  const keys = table.keys(range.prefix, range.above);
  return added.length === 0 ? keys : keys.concat(added).sort();
}

/** Keys by an index that holds all that match; undefined where the selector needs the whole table. */
function keysByIndex(table: Indexed, selector: Selector): Iterable<string> | undefined {
  switch (selector.by) {
    case "index":
      return table.keysUnder(selector.index, selector.value);
    case "indexPrefix":
      return table.keysUnderPrefix(selector.index, selector.prefix);
    case "or": {
      const parts = selector.parts.map((part) => keysByIndex(table, part));
      return parts.every((part) => part !== undefined) ? new Set(parts.flatMap((part) => [...part])) : undefined;
    }
    case "and":
      for (const part of selector.parts) {
        const keys = keysByIndex(table, part);
        if (keys !== undefined) return keys;
      }
      return undefined;
    case "all":
    case "namespace":
    case "where":
      return undefined;
    default:
      return selector satisfies never;
  }
}
