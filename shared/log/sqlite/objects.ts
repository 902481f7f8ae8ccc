/** The Objects port on SQLite. Markers stand in the life's own row, from `begin` to `remove`. */
import type { StatementSync } from "node:sqlite";
import { compareKeys } from "../key-order.ts";
import type { MarkerName, Markers, Objects, PageRange, Row, RowWrite } from "../ports.ts";
import { integer, object, text } from "./columns.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Life, Lives } from "./lives.ts";
import type { SqliteParts } from "./parts.ts";
import type { PendingRows } from "./pending-rows.ts";
import type { Rows } from "./rows.ts";

/** Characters of JSON in one page, at least one row: as DynamoDB's page of 1 MB. */
const pageLengthMax = 1024 * 1024;

export class SqliteObjects implements Objects {
  readonly #commits: GroupCommit;
  readonly #lives: Lives;
  readonly #rows: Rows;
  readonly #pending: PendingRows;
  readonly #markers: StatementSync;
  readonly #move: Readonly<Record<MarkerName, StatementSync>>;
  readonly #get: StatementSync;
  readonly #pageFrom: StatementSync;
  readonly #pageAbove: StatementSync;
  readonly #removals: readonly StatementSync[];
  readonly #removeMarkers: StatementSync;

  constructor({ database, commits, lives, rows, pending }: SqliteParts) {
    this.#commits = commits;
    this.#lives = lives;
    this.#rows = rows;
    this.#pending = pending;
    this.#markers = database.prepare("SELECT first, applied, published, stripped FROM lives WHERE uid = ? AND first IS NOT NULL");
    const move = (marker: MarkerName) =>
      database.prepare(`UPDATE lives SET ${marker} = :to WHERE uid = :uid AND ${marker} = :from AND first IS NOT NULL`);
    this.#move = { applied: move("applied"), published: move("published"), stripped: move("stripped") };
    const row = "SELECT key, revision, value FROM objects WHERE value IS NOT NULL AND life = ?";
    this.#get = database.prepare(`${row} AND key = ?`);
    this.#pageFrom = database.prepare(`${row} AND key >= ? ORDER BY key LIMIT ?`);
    this.#pageAbove = database.prepare(`${row} AND key > ? ORDER BY key LIMIT ?`);
    this.#removals = ["objects", "cells"].map((table) =>
      database.prepare(`DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE life = ? LIMIT ?)`),
    );
    this.#removeMarkers = database.prepare(
      "UPDATE lives SET first = NULL, applied = NULL, published = NULL, stripped = NULL WHERE number = ?",
    );
  }

  async begin(uid: string, first: number): Promise<Markers> {
    return (await this.markers(uid)) ?? this.#commits.write(() => this.#begin(uid, first));
  }

  async markers(uid: string): Promise<Markers | undefined> {
    await this.#catchUp(uid);
    return this.#readMarkers(uid);
  }

  async move(uid: string, marker: MarkerName, { from, to }: { readonly from: number; readonly to: number }): Promise<boolean> {
    await this.#catchUp(uid);
    return this.#commits.write(() => this.#move[marker].run({ uid, from, to }).changes === 1);
  }

  async get(uid: string, key: string): Promise<Row | undefined> {
    const life = await this.#catchUp(uid);
    const columns = life && this.#get.get(life.number, key);
    return columns && { key, revision: integer(columns, "revision"), value: object(columns, "value") };
  }

  async page(
    uid: string,
    { prefix, after, limit }: PageRange,
  ): Promise<{ readonly rows: readonly Row[]; readonly next?: string }> {
    const life = await this.#catchUp(uid);
    if (life === undefined) return { rows: [] };
    const above = after !== undefined && compareKeys(after, prefix) >= 0;
    // One more than asked for tells whether there is a next page.
    const found = (above ? this.#pageAbove : this.#pageFrom).iterate(life.number, above ? after : prefix, limit + 1);
    const rows: Row[] = [];
    let length = 0;
    for (const columns of found) {
      const key = text(columns, "key");
      if (!key.startsWith(prefix)) break;
      const last = rows.at(-1);
      if (last !== undefined && (rows.length === limit || length >= pageLengthMax)) return { rows, next: last.key };
      rows.push({ key, revision: integer(columns, "revision"), value: object(columns, "value") });
      length += text(columns, "value").length;
    }
    return { rows };
  }

  async apply(uid: string, writes: readonly RowWrite[], now: number): Promise<void> {
    if (writes.length === 0) return;
    await this.#catchUp(uid);
    await this.#commits.write(() => this.#rows.write(this.#lives.at(uid).number, writes, now));
  }

  async remove(uid: string, limit: number): Promise<boolean> {
    const life = await this.#catchUp(uid);
    return life === undefined || this.#commits.write(() => this.#remove(life.number, limit));
  }

  /** Rows and markers as they follow from all entries there are; the life, if there is one. */
  async #catchUp(uid: string): Promise<Life | undefined> {
    const life = this.#lives.find(uid);
    if (life !== undefined && this.#pending.has(life.number))
      await this.#commits.write(() => this.#pending.write(life.number), { needsDisk: false });
    return life;
  }

  #begin(uid: string, first: number): Markers {
    this.#lives.begin(uid, first);
    const markers = this.#readMarkers(uid);
    if (markers === undefined) throw new Error(`life ${uid} has not begun after it began`);
    return markers;
  }

  #readMarkers(uid: string): Markers | undefined {
    const columns = this.#markers.get(uid);
    return (
      columns && {
        first: integer(columns, "first"),
        applied: integer(columns, "applied"),
        published: integer(columns, "published"),
        stripped: integer(columns, "stripped"),
      }
    );
  }

  #remove(life: number, limit: number): boolean {
    let left = limit;
    for (const removal of this.#removals) left -= Number(removal.run(life, left).changes);
    if (left === 0) return false;
    this.#removeMarkers.run(life);
    return true;
  }
}
