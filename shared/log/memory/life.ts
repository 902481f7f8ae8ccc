/**
 * The state behind the three ports in memory: one Life a uid. Nothing in this folder waits in the middle of a call, so every
 * call is atomic.
 */
import type { Cell, EncodedEntry, Markers, RowWrite } from "../ports.ts";
import { SortedMap } from "./sorted-map.ts";

export type Life = {
  /** The revision of `entries[0]`; undefined until the life has begun or has an entry. */
  base: number | undefined;
  /** Dense up to the head. undefined: a stub; leading ones are cut off, and everything below `base` counts as one. */
  readonly entries: (EncodedEntry | undefined)[];
  markers: Markers | undefined;
  readonly rows: SortedMap<StoredRow>;
  /** In the order in which they expire, as clocks go. */
  readonly tombstones: Tombstone[];
  readonly cells: SortedMap<Cell>;
};

/** A row, or what is left of a deleted one: a tombstone. */
export type StoredRow = RowWrite;
type Tombstone = { readonly row: StoredRow; readonly expires: number };

export class Lives {
  readonly #lives = new Map<string, Life>();

  get(uid: string): Life | undefined {
    return this.#lives.get(uid);
  }

  /** The life `uid`, made if it is not there. */
  at(uid: string): Life {
    let life = this.#lives.get(uid);
    if (life === undefined) {
      life = { base: undefined, entries: [], markers: undefined, rows: new SortedMap(), tombstones: [], cells: new SortedMap() };
      this.#lives.set(uid, life);
    }
    return life;
  }
}

/** The last revision of the log; the one before the first where there is no entry yet; undefined: no such life. */
export const headOf = (life: Life | undefined): number | undefined =>
  life?.base === undefined ? undefined : life.base + life.entries.length - 1;
