/** The Cells port in memory. */
import { deepFreeze } from "../../base/json.ts";
import { holds } from "../cell-condition.ts";
import type { Cell, CellPut, Cells } from "../ports.ts";
import type { Lives } from "./life.ts";

export class MemoryCells implements Cells {
  readonly #lives: Lives;

  constructor(lives: Lives) {
    this.#lives = lives;
  }

  async get(uid: string, key: string): Promise<Cell | undefined> {
    return this.#lives.get(uid)?.cells.get(key);
  }

  async put(uid: string, { when, ...rest }: CellPut): ReturnType<Cells["put"]> {
    const { cells } = this.#lives.at(uid);
    const there = cells.get(rest.key);
    if (!holds(when, there)) return { kind: "lost", cell: there };
    const cell = deepFreeze({ ...rest, version: (there?.version ?? 0) + 1 });
    cells.set(cell.key, cell);
    return { kind: "put", cell };
  }

  async delete(uid: string, key: string, version: number): Promise<boolean> {
    const cells = this.#lives.get(uid)?.cells;
    return cells?.get(key)?.version === version && cells.delete(key);
  }

  async list(uid: string, prefix: string, limit: number): Promise<readonly Cell[]> {
    const cells: Cell[] = [];
    for (const cell of this.#lives.get(uid)?.cells.range(prefix, undefined) ?? []) if (cells.push(cell) === limit) break;
    return cells;
  }
}
