/** One after the other: what is asked for the same key waits for what was asked before it, in this process. */
import { BusyError } from "../errors.ts";

/** That wait for one key. */
export const waitingMax = 1_000;

type Line = { waiting: number; last: Promise<unknown> };

export class Turns {
  readonly #lines = new Map<string, Line>();

  /** @throws BusyError when too many wait; `run` was not called. */
  async take<T>(key: string, run: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(key) ?? { waiting: 0, last: Promise.resolve() };
    if (line.waiting >= waitingMax) throw new BusyError(`${line.waiting} writes wait for ${key}; at most ${waitingMax}`);
    this.#lines.set(key, line);
    line.waiting += 1;
    const turn = line.last.then(run, run);
    line.last = turn;
    try {
      return await turn;
    } finally {
      line.waiting -= 1;
      if (line.waiting === 0) this.#lines.delete(key);
    }
  }
}
