/**
 * Rows that follow from entries and are not written yet. A commit writes its entries and nothing else: one page instead of four. Their rows
 * are written many together, before anybody reads rows or markers, so nobody sees that they lag; and they need no disk of their own, for
 * whatever a crash loses of them follows from the log again.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { decodeEntry } from "../codec.ts";
import { fold } from "../fold.ts";
import type { Entry } from "../ports.ts";
import { blob, integer } from "./columns.ts";
import { idOf } from "./log-id.ts";
import type { Rows } from "./rows.ts";

/** Entries whose rows may wait, over all lives: some MB of memory, and a moment's work after a crash. */
export const pendingEntriesMax = 1_000;

export class PendingRows {
  readonly #rows: Rows;
  readonly #selectAfter: StatementSync;
  readonly #done: StatementSync;
  readonly #moveApplied: StatementSync;
  readonly #behind: StatementSync;
  /** By life. undefined: which entries wait is not known, but to the log. */
  readonly #waiting = new Map<number, Entry[] | undefined>();
  #count = 0;

  constructor(database: DatabaseSync, rows: Rows) {
    this.#rows = rows;
    this.#selectAfter = database.prepare("SELECT revision, entry FROM log WHERE id > ? AND id <= ? ORDER BY id");
    this.#done = database.prepare("SELECT coalesce(applied, head, 0) AS done FROM lives WHERE number = ?");
    this.#moveApplied = database.prepare(
      "UPDATE lives SET head = :head, applied = iif(applied IS :from, :to, applied) WHERE number = :number",
    );
    this.#behind = database.prepare(`
      SELECT number FROM lives WHERE coalesce(applied, head, 0) <
        (SELECT max(id) - (number << 43) FROM log WHERE id > number << 43 AND id < (number + 1) << 43)`);
  }

  /** After a crash: takes up what the log has above the rows. */
  takeUp(): void {
    for (const columns of this.#behind.iterate()) this.#waiting.set(integer(columns, "number"), undefined);
  }

  /** Whether rows of this life wait. */
  has(life: number): boolean {
    return this.#waiting.has(life);
  }

  /** Inside the write that puts the entries, before they are put. */
  add(life: number, entries: readonly Entry[]): void {
    const waiting = this.#waiting.has(life) ? this.#waiting.get(life) : [];
    this.#waiting.set(life, waiting);
    if (waiting === undefined) return;
    for (const entry of entries) waiting.push(entry);
    this.#count += entries.length;
  }

  get isFull(): boolean {
    return this.#count >= pendingEntriesMax;
  }

  /** The database went back: what was taken for put may not be there. */
  forget(): void {
    for (const life of this.#waiting.keys()) this.#waiting.set(life, undefined);
    this.#count = 0;
  }

  /** Writes the rows of all lives. Inside a write only. */
  writeAll(): void {
    for (const life of [...this.#waiting.keys()]) this.write(life);
  }

  /** Writes what waits of this life. Inside a write only. */
  write(life: number): void {
    if (!this.#waiting.has(life)) return;
    const kept = this.#waiting.get(life);
    const entries = kept ?? this.#readOn(life);
    const [first, last] = [entries[0], entries.at(-1)];
    if (first !== undefined && last !== undefined) {
      this.#rows.write(life, fold(entries), first.time);
      const [from, head] = [first.revision - 1, last.revision];
      // A seal is never applied, so that every cold reader meets it.
      this.#moveApplied.run({ number: life, from, head, to: last.seal === true ? head - 1 : head });
    }
    this.#waiting.delete(life);
    this.#count -= kept?.length ?? 0;
  }

  #readOn(life: number): Entry[] {
    const columns = this.#done.get(life);
    if (columns === undefined) return [];
    const after = idOf(life, integer(columns, "done"));
    const entries: Entry[] = [];
    for (const found of this.#selectAfter.iterate(after, idOf(life + 1, 0) - 1n))
      entries.push(decodeEntry(integer(found, "revision"), blob(found, "entry")).entry);
    return entries;
  }
}
