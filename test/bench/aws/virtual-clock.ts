/** Time that passes only when everybody waits: what would take a minute takes a moment, and the same each time. */
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../../shared/base/clock.ts";

type Sleeper = { readonly atMs: number; readonly order: number; readonly wake: () => void };

/** Any would do. */
const startMs = 1_790_000_000_000;

export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #sleepers: Sleeper[] = [];

  now = (): number => startMs + this.#nowMs;
  monotonic = (): number => this.#nowMs;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#order += 1;
      const sleeper = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order, wake: resolve };
      this.#sleepers.splice(this.#placeOf(sleeper), 0, sleeper);
    });
  }

  /** Lets time pass until `done` settles. */
  async passUntil<T>(done: Promise<T>): Promise<T> {
    let isDone = false;
    const settle = (): void => {
      isDone = true;
    };
    done.then(settle, settle);
    for (await turn(); !isDone; await turn()) {
      const next = this.#sleepers.pop();
      if (next === undefined) throw new Error("all wait for something else than time");
      this.#nowMs = next.atMs;
      next.wake();
    }
    return done;
  }

  /** The soonest stands last; of several, the one that came first. */
  #placeOf({ atMs, order }: Sleeper): number {
    let low = 0;
    let high = this.#sleepers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#sleepers[middle] as Sleeper;
      if (other.atMs > atMs || (other.atMs === atMs && other.order > order)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
