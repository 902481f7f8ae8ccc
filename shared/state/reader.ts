/**
 * Reads of one coherent state: a replica with an overlay on top. Synchronous: what is not cached throws MissSignal, and whoever
 * called the reader's user loads it and calls again. So a callback sees one revision from its first line to its last.
 */
import type { KindDefinition } from "../kinds/definition.ts";
import { keyOf, prefixOf } from "../kinds/definition.ts";
import type { WindlassObject } from "../kinds/object.ts";
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
    const table = this.#replica.table(definition.plural);
    checkSelector(selector, table.indexes);
    const prefix = prefixOf(definition, namespace);
    if (!table.covers(prefix)) {
      this.#noteMissed().prefixes.add(prefix);
      throw new MissSignal(prefix);
    }
    const found: WindlassObject[] = [];
    for (const key of this.#candidates(table, prefix, selector)) {
      if (key <= after) continue;
      if (found.length === limit) break;
      const object = this.value(key);
      if (object !== undefined && (selector.by === "all" || matches(selector, object, table.indexes))) found.push(object);
    }
    return found;
  }

  #noteMissed(): { readonly keys: Set<string>; readonly prefixes: Set<string> } {
    this.#missed ??= { keys: new Set(), prefixes: new Set() };
    return this.#missed;
  }

  /** A superset of the keys that match, in order: from the best index, plus what the overlay touched. */
  #candidates(table: Table, prefix: string, selector: Selector): readonly string[] {
    const indexed = keysByIndex(table, selector);
    if (indexed === undefined && this.#overlay.empty) return table.keys(prefix);
    const keys = new Set(indexed ?? table.keys(prefix));
    for (const [key] of this.#overlay.entries()) keys.add(key);
    const inRange: string[] = [];
    for (const key of keys) if (key.startsWith(prefix)) inRange.push(key);
    return inRange.sort();
  }
}

/** Keys by an index that holds all that match; undefined where the selector needs the whole table. */
function keysByIndex(table: Table, selector: Selector): Iterable<string> | undefined {
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
