/** A clock that runs as the real one and can be moved on: sleepers whose time has come by that wake at once. */
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../shared/base/clock.ts";

/** Node: a longer timer ends at once. No test lives to see the end of this one. */
const timerMsMax = 2 ** 31 - 1;

type Sleeper = { readonly at: number; readonly wake: () => void };

export class LeapClock implements Clock {
  readonly #sleepers = new Set<Sleeper>();
  #leptMs = 0;

  now(): number {
    return Date.now() + this.#leptMs;
  }

  monotonic(): number {
    return performance.now() + this.#leptMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const sleeper = { at: this.monotonic() + ms, wake: () => woken.abort() };
    this.#sleepers.add(sleeper);
    try {
      await delay(Math.min(ms, timerMsMax), undefined, {
        signal: signal ? AbortSignal.any([signal, woken.signal]) : woken.signal,
        ref: false,
      });
    } catch (error) {
      if (!woken.signal.aborted) throw error;
    } finally {
      this.#sleepers.delete(sleeper);
    }
  }

  leap(ms: number): void {
    this.#leptMs += ms;
    for (const sleeper of this.#sleepers) if (sleeper.at <= this.monotonic()) sleeper.wake();
  }
}
