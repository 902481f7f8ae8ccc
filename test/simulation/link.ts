/**
 * One process's way to the world: every call takes time, and may be refused, lose its request or its reply, arrive long after its
 * caller gave up, arrive twice, or read items at different times. A link that was cut never answers again, but what it sent may
 * still arrive. Each thing that goes wrong has a name, so that a failing run can be tried without it.
 */
import type { Clock } from "../../shared/base/clock.ts";
import type { Ids } from "../../shared/base/ids.ts";
import { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** How often things go wrong, each in [0, 1]. */
export type Faults = {
  /** A call takes much longer than usual; up to `pauseMs`. */
  readonly pause: number;
  readonly pauseMs: number;
  /** Certainly not done, and said so. */
  readonly refuse: number;
  /** Not done, or done, and nobody knows. */
  readonly lose: number;
  /** Done, but long after the caller gave up; up to `lateMs`. */
  readonly late: number;
  readonly lateMs: number;
  /** Delivered twice; the reply is the second one's. */
  readonly twice: number;
  /** Items are read at different times. */
  readonly torn: number;
  /** An eventually consistent read misses the newest. */
  readonly behind: number;
};
export const noFaults: Faults = { pause: 0, pauseMs: 0, refuse: 0, lose: 0, late: 0, lateMs: 0, twice: 0, torn: 0, behind: 0 };

/** What the simulated store throws. */
export class PortError extends Error {
  override readonly name = "PortError";
}

export type Fate = "done" | "refused" | "lost before" | "lost after" | "late" | "twice";

export type LinkOptions = {
  readonly name: string;
  readonly seed: number;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  /** Names of faults that are left out. */
  readonly masked: ReadonlySet<string>;
  /** Told of each fault that happens. */
  readonly happened: (name: string) => void;
  /** How far its wall clock is off. */
  readonly skewMs: number;
};

const usualMs = 8;

export class Link implements Clock, Ids {
  readonly options: LinkOptions;
  readonly #random: Random;
  #drawn = 0;
  #uuids = 0;
  #cut = false;

  constructor(options: LinkOptions) {
    this.options = options;
    this.#random = new Random(`${options.seed}/${options.name}`);
  }

  get isCut(): boolean {
    return this.#cut;
  }

  /** The process is gone: nothing that it waits for comes. */
  cut(): void {
    this.#cut = true;
  }

  /** The request is on its way. Resolves when it arrives, also after a cut; then perhaps never. */
  travel(): Promise<void> {
    return new Promise((resolve) => {
      this.options.scheduler.after(this.#ms(), () => {
        if (!this.#cut || this.#random.chance(0.5)) resolve();
      });
    });
  }

  /** The reply is on its way, or nobody answers for a while. */
  back(): Promise<void> {
    return this.#wait(this.#ms());
  }

  /** What becomes of a request that changes something. */
  fate(): Fate {
    const { refuse, lose, late, twice } = this.options.faults;
    if (this.happens("refused", refuse)) return "refused";
    if (this.happens("lost", lose)) return this.#random.chance(0.5) ? "lost before" : "lost after";
    if (this.happens("late", late)) return "late";
    return this.happens("twice", twice) ? "twice" : "done";
  }

  /** When a late request arrives, at most `mostMs` from now. */
  lateMs(mostMs: number): number {
    return this.#random.scaled(5, Math.max(10, Math.min(mostMs, this.options.faults.lateMs)));
  }

  /** Whether a fault happens now. Drawn also where it is masked, so that what follows stays the same. */
  happens(kind: string, rate: number): boolean {
    this.#drawn += 1;
    const drawn = this.#random.next() < rate;
    const name = `${this.options.name}#${this.#drawn}:${kind}`;
    if (!drawn || this.options.masked.has(name)) return false;
    this.options.happened(name);
    return true;
  }

  coin(): boolean {
    return this.#random.chance(0.5);
  }

  now(): number {
    return Math.floor(this.options.scheduler.nowMs + this.options.skewMs);
  }

  monotonic(): number {
    return this.options.scheduler.nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const abort = () => reject(signal?.reason);
      signal?.addEventListener("abort", abort, { once: true });
      this.options.scheduler.after(ms, () => {
        signal?.removeEventListener("abort", abort);
        if (!this.#cut) resolve();
      });
    });
  }

  uuid(): string {
    this.#uuids += 1;
    return `${this.options.name}-${this.#uuids}`;
  }

  random(): number {
    return this.#random.next();
  }

  #ms(): number {
    const { pause, pauseMs } = this.options.faults;
    const usual = this.#random.next() * usualMs;
    return this.happens("pause", pause) ? this.#random.scaled(usualMs, pauseMs) : usual;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.options.scheduler.after(ms, () => {
        if (!this.#cut) resolve();
      });
    });
  }
}
