/** A token bucket by the injected clock: so many a second on average, and as many at once. */
import type { Clock } from "../../base/clock.ts";

export class Bucket {
  readonly #clock: Pick<Clock, "monotonic">;
  #rate = 0;
  #level = 0;
  #filledAtMs = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Takes one if there is one. `rate`: how many come back a second; the bucket is full when it changes. */
  take(rate: number): boolean {
    if (rate !== this.#rate) {
      this.#rate = rate;
      this.#level = rate;
      this.#filledAtMs = this.#clock.monotonic();
    }
    this.#fill();
    if (this.#level < 1) return false;
    this.#level -= 1;
    return true;
  }

  /** Somebody else used `count`. It never owes any: a process that was asleep must not pay for what it slept through. */
  drain(count: number): void {
    this.#fill();
    this.#level = Math.max(0, this.#level - count);
  }

  /** One that was taken was not used. */
  giveBack(): void {
    this.#level = Math.min(this.#rate, this.#level + 1);
  }

  #fill(): void {
    const now = this.#clock.monotonic();
    this.#level = Math.min(this.#rate, this.#level + ((now - this.#filledAtMs) * this.#rate) / 1_000);
    this.#filledAtMs = now;
  }
}
