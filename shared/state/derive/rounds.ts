/**
 * Which clusters a healer looks at when. Small installations are looked at whole each minute; of large ones a part, so that the price of
 * a minute is bounded and each cluster's turn comes more than once a day. The daily sweep goes through all, from where it was left.
 */
import type { Cell, Cells } from "../../log/ports.ts";
import { installationUid } from "../cluster-lives.ts";

export type RoundState = {
  /** The last uid that was looked at. */
  readonly looked: string;
  /** When the last sweep began, in milliseconds since 1970; 0: there was none. */
  readonly sweepBegan: number;
  /** The last uid that it came to; undefined: it is done. */
  readonly swept: string | undefined;
};

const cellKey = "healer";
/** Looked at each minute, where there are as many: two small reads each. */
const looksMin = 20;
/** Minutes in which all are looked at: less than a day's 1,440, for some of them may be missed. */
const minutesOfAll = 1_000;
const sweepEveryMs = 24 * 3600 * 1_000;
const never: RoundState = { looked: "", sweepBegan: 0, swept: undefined };

/** The part of `uids` (in their order) whose turn it is, and where the next one begins. */
export function partOf(uids: readonly string[], looked: string): { readonly part: readonly string[]; readonly looked: string } {
  const count = Math.max(looksMin, Math.ceil(uids.length / minutesOfAll));
  // Nothing is to be remembered where all fit.
  if (uids.length <= count) return { part: uids, looked: "" };
  const next = uids.findIndex((uid) => uid > looked);
  const start = next === -1 ? 0 : next;
  const part = [...uids.slice(start), ...uids.slice(0, start)].slice(0, count);
  return { part, looked: part.at(-1) ?? "" };
}

/** The state with a sweep begun where one is due. */
export function withSweep(state: RoundState, now: number): RoundState {
  const isDue = state.swept === undefined && now - state.sweepBegan >= sweepEveryMs;
  return isDue ? { ...state, sweepBegan: now, swept: "" } : state;
}

/** The state between two rounds, in a cell. */
export class RoundStates {
  readonly #cells: Cells;
  #cell: Cell | undefined;

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  async read(): Promise<RoundState> {
    this.#cell = await this.#cells.get(installationUid, cellKey);
    if (this.#cell === undefined) return never;
    const { looked, sweepBegan, swept } = this.#cell.value;
    return {
      looked: typeof looked === "string" ? looked : "",
      sweepBegan: typeof sweepBegan === "number" ? sweepBegan : 0,
      swept: typeof swept === "string" ? swept : undefined,
    };
  }

  /** False when another round has written it meanwhile: that one goes on. */
  async write({ looked, sweepBegan, swept }: RoundState): Promise<boolean> {
    const value = { looked, sweepBegan, ...(swept !== undefined && { swept }) };
    const when = this.#cell === undefined ? "absent" : { version: this.#cell.version };
    const put = await this.#cells.put(installationUid, { key: cellKey, value, when });
    if (put.kind === "put") this.#cell = put.cell;
    return put.kind === "put";
  }
}
