/** Calls out once when nobody has touched it for so long. A time-out is a watchdog that is never touched. */
import type { Clock } from "../../base/clock.ts";

/** Made once: each abort without a reason makes an exception with its stack, and every call of an engine ends a watchdog. */
const stopped = new Error("the watchdog was stopped");

export class Watchdog implements Disposable {
  readonly #clock: Clock;
  readonly #silenceMs: number;
  readonly #stopped = new AbortController();
  #last: number;
  #isPaused = false;

  /** `since`, by the monotonic clock: when the silence began. Absent: now. */
  constructor(clock: Clock, silenceMs: number, onSilent: () => void, since: number = clock.monotonic()) {
    this.#clock = clock;
    this.#silenceMs = silenceMs;
    this.#last = since;
    this.#watch().then(
      (isSilent) => isSilent && onSilent(),
      () => undefined, // the sleep was ended by `stop`
    );
  }

  /** The silence begins anew. */
  touch(): void {
    this.#last = this.#clock.monotonic();
  }

  /** While paused, nothing is expected. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.touch();
  }

  stop(): void {
    this.#stopped.abort(stopped);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  async #watch(): Promise<boolean> {
    while (!this.#stopped.signal.aborted) {
      if (this.#isPaused) this.touch();
      const leftMs = this.#last + this.#silenceMs - this.#clock.monotonic();
      if (leftMs <= 0) return true;
      await this.#clock.sleep(leftMs, this.#stopped.signal);
    }
    return false;
  }
}
