/** One call that is due at a time, on a clock that comes in: setting another forgets the one before. */
import type { Clock } from "../../base/clock.ts";

/** A timer of Node's takes 2^31 ms at the most; to be called early does no harm. */
const sleepMaxMs = 3_600_000;

export class Alarm {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #pending: AbortController | undefined;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Calls `ring` at `at`, or an hour from now if that is sooner; milliseconds since 1970; undefined: only forgets. */
  set(at: number | undefined, ring: () => void): void {
    this.#pending?.abort();
    this.#pending = undefined;
    if (at === undefined) return;
    const pending = new AbortController();
    this.#pending = pending;
    const sleep = this.#clock.sleep(
      Math.min(sleepMaxMs, Math.max(0, at - this.#clock.now())),
      AbortSignal.any([this.#signal, pending.signal]),
    );
    // A sleep rejects only when it is not wanted any more.
    sleep.then(ring, () => undefined);
  }
}
