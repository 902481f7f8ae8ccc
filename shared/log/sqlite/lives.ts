/**
 * Lives by uid: the small number that stands for each in the other tables, and its head. Heads are kept in memory, which holds
 * because this process alone writes; after a rollback they are forgotten and read again.
 */
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { integer, integerOrNull } from "./columns.ts";
import { idOf, livesMax } from "./log-id.ts";

/** Lives kept in memory; above that all are forgotten and read again as they are needed. */
export const livesKeptMax = 10_000;

export type Life = {
  readonly number: number;
  /** The last revision of its log; undefined before the life has begun or has an entry. */
  readonly head: number | undefined;
};

export class Lives {
  readonly #kept = new Map<string, Life>();
  readonly #select: StatementSync;
  readonly #insert: StatementSync;
  readonly #lastEntry: StatementSync;
  readonly #begin: StatementSync;

  constructor(database: DatabaseSync) {
    this.#select = database.prepare("SELECT number, head FROM lives WHERE uid = ?");
    this.#insert = database.prepare("INSERT INTO lives (uid) VALUES (?) RETURNING number, head");
    this.#lastEntry = database.prepare("SELECT revision FROM log WHERE id > ? AND id < ? ORDER BY id DESC LIMIT 1");
    this.#begin = database.prepare(`
      UPDATE lives SET first = :first, applied = coalesce(applied, :first - 1), published = :first - 1, stripped = :first - 1,
        head = coalesce(head, :first - 1)
      WHERE number = :number AND first IS NULL
      RETURNING number, head`);
  }

  /** undefined: nothing was ever written for `uid`. */
  find(uid: string): Life | undefined {
    const kept = this.#kept.get(uid);
    if (kept !== undefined) return kept;
    const columns = this.#select.get(uid);
    return columns && this.#keep(uid, this.#lifeOf(columns));
  }

  /** The life of `uid`, made if nothing was written for it before. Inside a write only. */
  at(uid: string): Life {
    const found = this.find(uid);
    if (found !== undefined) return found;
    const columns = this.#insert.get(uid);
    if (columns === undefined) throw new Error("INSERT … RETURNING returned nothing");
    const life = this.#lifeOf(columns);
    if (life.number > livesMax) throw new Error(`there were ${livesMax} lives; this file takes no more`);
    return this.#keep(uid, life);
  }

  /** Does nothing where the life has begun. Inside a write only. */
  begin(uid: string, first: number): void {
    const columns = this.#begin.get({ number: this.at(uid).number, first });
    if (columns !== undefined) this.#keep(uid, this.#lifeOf(columns));
  }

  /** Inside the write that puts the entries. */
  moveHead(uid: string, { number }: Life, to: number): void {
    this.#keep(uid, { number, head: to });
  }

  /** For when the database went back, or changed behind this map. */
  forget(): void {
    this.#kept.clear();
  }

  /** Its head is the last entry there is, or where the last one stood that was stripped. */
  #lifeOf(columns: Readonly<Record<string, SQLOutputValue>>): Life {
    const number = integer(columns, "number");
    const head = integerOrNull(columns, "head");
    const last = this.#lastEntry.get(idOf(number, head ?? 0), idOf(number + 1, 0));
    return { number, head: last === undefined ? head : integer(last, "revision") };
  }

  #keep(uid: string, life: Life): Life {
    if (this.#kept.size >= livesKeptMax) this.#kept.clear();
    this.#kept.set(uid, life);
    return life;
  }
}
