/** The Objects port in memory. */
import type { MarkerName, Markers, Objects, PageRange, Row, RowWrite } from "../ports.ts";
import type { Life, Lives, StoredRow } from "./life.ts";
import { writeRows } from "./rows.ts";

export class MemoryObjects implements Objects {
  readonly #lives: Lives;

  constructor(lives: Lives) {
    this.#lives = lives;
  }

  async begin(uid: string, first: number): Promise<Markers> {
    const life = this.#lives.at(uid);
    life.base ??= first;
    life.markers ??= Object.freeze({ first, applied: first - 1, published: first - 1, stripped: first - 1 });
    return life.markers;
  }

  async markers(uid: string): Promise<Markers | undefined> {
    return this.#lives.get(uid)?.markers;
  }

  async move(uid: string, marker: MarkerName, { from, to }: { readonly from: number; readonly to: number }): Promise<boolean> {
    const life = this.#lives.get(uid);
    if (life?.markers?.[marker] !== from) return false;
    life.markers = Object.freeze({ ...life.markers, [marker]: to });
    return true;
  }

  async get(uid: string, key: string): Promise<Row | undefined> {
    const row = this.#lives.get(uid)?.rows.get(key);
    return row && rowOf(row);
  }

  async page(
    uid: string,
    { prefix, after, limit }: PageRange,
  ): Promise<{ readonly rows: readonly Row[]; readonly next?: string }> {
    const rows: Row[] = [];
    for (const stored of this.#lives.get(uid)?.rows.range(prefix, after) ?? []) {
      const row = rowOf(stored);
      const last = rows.at(-1);
      if (rows.length === limit && last !== undefined) return { rows, next: last.key };
      if (row !== undefined) rows.push(row);
    }
    return { rows };
  }

  async apply(uid: string, writes: readonly RowWrite[], now: number): Promise<void> {
    if (writes.length > 0) writeRows(this.#lives.at(uid), writes, now);
  }

  async remove(uid: string, limit: number): Promise<boolean> {
    const life = this.#lives.get(uid);
    if (life === undefined) return true;
    if (removeUpTo(life, limit) >= limit) return false;
    life.markers = undefined;
    return true;
  }
}

/** Removes rows, then cells; how many. */
function removeUpTo({ rows, cells, tombstones }: Life, limit: number): number {
  let removed = 0;
  for (const map of [rows, cells]) {
    for (const { key } of map.range("", undefined)) {
      if (removed === limit) return removed;
      map.delete(key);
      removed++;
    }
  }
  tombstones.length = 0;
  return removed;
}

function rowOf(row: StoredRow): Row | undefined {
  return row.action === "delete" ? undefined : { key: row.key, revision: row.revision, value: row.value };
}
