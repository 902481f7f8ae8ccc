/**
 * Wakes thousands by the clock with few timers: those who are due within the same grain of time share one, because a sleep of one's own
 * costs more memory than all else that an idle watch needs.
 */
import type { Clock } from "../base/clock.ts";

export interface Sleeper {
  /** Called once for each alarm, at its time or up to a grain later. */
  due(): void;
}

type Ring = { readonly sleepers: Set<Sleeper>; readonly stop: AbortController };

/** Nothing that a watch does by the clock is felt to be a tenth of a second late. */
const grainMs = 100;

export class Alarms {
  readonly #clock: Clock;
  /** By the time they ring at. */
  readonly #rings = new Map<number, Ring>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Wakes `sleeper` at `atMs` of the monotonic clock. Returns what `clear` takes: when it rings. */
  set(sleeper: Sleeper, atMs: number): number {
    const ringsMs = Math.ceil(atMs / grainMs) * grainMs;
    const ring = this.#rings.get(ringsMs) ?? this.#wind(ringsMs);
    ring.sleepers.add(sleeper);
    return ringsMs;
  }

  /** Too late where it rings already. */
  clear(sleeper: Sleeper, ringsMs: number): void {
    const ring = this.#rings.get(ringsMs);
    if (ring?.sleepers.delete(sleeper) !== true || ring.sleepers.size > 0) return;
    this.#rings.delete(ringsMs);
    ring.stop.abort();
  }

  #wind(ringsMs: number): Ring {
    const ring: Ring = { sleepers: new Set(), stop: new AbortController() };
    this.#rings.set(ringsMs, ring);
    const waitMs = Math.max(0, ringsMs - this.#clock.monotonic());
    // Rejects when it is stopped: then nobody waits for it.
    this.#clock.sleep(waitMs, ring.stop.signal).then(
      () => this.#ring(ringsMs, ring),
      () => undefined,
    );
    return ring;
  }

  #ring(ringsMs: number, ring: Ring): void {
    this.#rings.delete(ringsMs);
    for (const sleeper of ring.sleepers) sleeper.due();
  }
}
