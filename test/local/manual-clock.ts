/**
 * A clock that stands until a test moves it. Sleepers wake in no time of their own: `advance` wakes those whose time has come.
 */
import type { Clock } from "../../shared/base/clock.ts";

type Sleeper = { readonly at: number; readonly wake: () => void };

export class ManualClock implements Clock {
  #ms: number;
  #sleepers: Sleeper[] = [];

  constructor(ms = Date.UTC(2030, 0, 1)) {
    this.#ms = ms;
  }

  now(): number {
    return this.#ms;
  }

  monotonic(): number {
    return this.#ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((wake, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { at: this.#ms + ms, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  advance(ms: number): void {
    this.#ms += ms;
    const due = this.#sleepers.filter(({ at }) => at <= this.#ms);
    this.#sleepers = this.#sleepers.filter(({ at }) => at > this.#ms);
    for (const { wake } of due) wake();
  }
}
