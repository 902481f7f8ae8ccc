/**
 * Writes of events, one after the other: each passes the cluster's event clock (event-clock.ts), which holds it until it stands in the
 * events' own cells. Before the next one is planned the former has landed, whoever made it: so a write is there for all as soon as the clock has it.
 */
import type { JsonObject } from "../../base/json.ts";
import type { Cells } from "../../log/ports.ts";
import { BusyError } from "../errors.ts";
import { stored } from "./event-bounds.ts";
import { clockKey, clockOf, clockValue, type EventClock } from "./event-clock.ts";
import { Turns } from "./turns.ts";

/** Other processes may come first so often. */
const losesMax = 20;
/** A landing meets others that land the same. */
const landTriesMax = 5;
/** Cells that are asked for at the same time. */
const cellsAtOnce = 16;

/** `next` undefined: nothing is written. */
export type Planned<T> = { readonly next: EventClock | undefined; readonly result: T };

export class EventWrites {
  readonly #cells: Cells;
  readonly #turns = new Turns();

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  /**
   * Writes what `plan` makes of the clock; it may run several times, and what it throws refuses the write. When it rejects with anything else
   * the write may have happened. @throws BusyError: nothing was written.
   */
  run<T>(uid: string, plan: (clock: EventClock) => Promise<Planned<T>>): Promise<T> {
    return this.#turns.take(uid, async () => {
      let cell = await this.#cells.get(uid, clockKey);
      for (let loses = 0; loses < losesMax; loses += 1) {
        const clock = clockOf(cell);
        await this.#land(uid, clock);
        const { next, result } = await plan(clock);
        if (next === undefined) return result;
        const put = await this.#cells.put(uid, {
          key: clockKey,
          value: clockValue(next),
          when: cell === undefined ? "absent" : { version: cell.version },
        });
        if (put.kind === "put") {
          await this.#land(uid, next);
          return result;
        }
        cell = put.cell;
      }
      throw new BusyError(`others wrote events ${losesMax} times in between; try again`);
    });
  }

  /** Makes the clock's write what stands in the events' own cells. Safe to repeat, to race and to come late. */
  async #land(uid: string, { sequence, write }: EventClock): Promise<void> {
    const remove = async (key: string): Promise<void> => {
      const cell = await this.#cells.get(uid, key);
      // Lost to a newer write: that stays.
      if (cell !== undefined && stored(cell).sequence < sequence) await this.#cells.delete(uid, key, cell.version);
    };
    await someAtOnce(write.removed, remove);
    if (write.put === undefined) return;
    const { key, stored: wanted } = write.put;
    const { expires, ...value } = wanted;
    let cell = await this.#cells.get(uid, key);
    for (let tries = 0; tries < landTriesMax; tries += 1) {
      if (cell !== undefined && stored(cell).sequence >= sequence) return;
      const when = cell === undefined ? "absent" : { version: cell.version };
      const put = await this.#cells.put(uid, { key, value: value as unknown as JsonObject, expires, when });
      if (put.kind === "put") return;
      cell = put.cell;
    }
    throw new BusyError(`the cell ${key} changed ${landTriesMax} times while a write was landed; try again`);
  }
}

/** The answers in the order of what was asked about. */
export async function someAtOnce<T, R>(all: readonly T[], ask: (one: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let start = 0; start < all.length; start += cellsAtOnce)
    answers.push(...(await Promise.all(all.slice(start, start + cellsAtOnce).map(ask))));
  return answers;
}
