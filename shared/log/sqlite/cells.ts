/** The Cells port on SQLite. */
import type { SQLOutputValue, StatementSync } from "node:sqlite";
import { deepFreeze, jsonText } from "../../base/json.ts";
import { holds } from "../cell-condition.ts";
import type { Cell, CellPut, Cells } from "../ports.ts";
import { integer, integerOrNull, object, text } from "./columns.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Lives } from "./lives.ts";
import type { SqliteParts } from "./parts.ts";

export class SqliteCells implements Cells {
  readonly #commits: GroupCommit;
  readonly #lives: Lives;
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #list: StatementSync;

  constructor({ database, commits, lives }: SqliteParts) {
    this.#commits = commits;
    this.#lives = lives;
    const cell = "SELECT key, version, value, expires FROM cells WHERE life = ?";
    this.#get = database.prepare(`${cell} AND key = ?`);
    this.#put = database.prepare(`
      INSERT INTO cells (life, key, version, value, expires) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (life, key) DO UPDATE SET version = excluded.version, value = excluded.value, expires = excluded.expires`);
    this.#delete = database.prepare("DELETE FROM cells WHERE life = ? AND key = ? AND version = ?");
    this.#list = database.prepare(`${cell} AND key >= ? ORDER BY key LIMIT ?`);
  }

  async get(uid: string, key: string): Promise<Cell | undefined> {
    const life = this.#lives.find(uid);
    return life && this.#read(life.number, key);
  }

  async put(uid: string, put: CellPut): ReturnType<Cells["put"]> {
    return this.#commits.write(() => this.#putNow(this.#lives.at(uid).number, put));
  }

  async delete(uid: string, key: string, version: number): Promise<boolean> {
    const life = this.#lives.find(uid);
    return life !== undefined && this.#commits.write(() => this.#delete.run(life.number, key, version).changes === 1);
  }

  async list(uid: string, prefix: string, limit: number): Promise<readonly Cell[]> {
    const cells: Cell[] = [];
    const life = this.#lives.find(uid);
    if (life === undefined) return cells;
    for (const columns of this.#list.iterate(life.number, prefix, limit)) {
      if (!text(columns, "key").startsWith(prefix)) break;
      cells.push(cellOf(columns));
    }
    return cells;
  }

  #putNow(life: number, { when, ...rest }: CellPut): Awaited<ReturnType<Cells["put"]>> {
    const there = this.#read(life, rest.key);
    if (!holds(when, there)) return { kind: "lost", cell: there };
    const cell: Cell = deepFreeze({ ...rest, version: (there?.version ?? 0) + 1 });
    this.#put.run(life, cell.key, cell.version, jsonText(cell.value), cell.expires ?? null);
    return { kind: "put", cell };
  }

  #read(life: number, key: string): Cell | undefined {
    const columns = this.#get.get(life, key);
    return columns && cellOf(columns);
  }
}

function cellOf(columns: Readonly<Record<string, SQLOutputValue>>): Cell {
  const expires = integerOrNull(columns, "expires");
  const cell = { key: text(columns, "key"), version: integer(columns, "version"), value: object(columns, "value") };
  return expires === undefined ? cell : { ...cell, expires };
}
