/**
 * One process's way to store and engines: a link whose identifiers are as real ones look, whose sleeps leave nothing behind when they are
 * ended, and which neither takes time nor fails once the run is calm.
 */
import type { Clock } from "../../../shared/base/clock.ts";
import { Link, type LinkOptions } from "../link.ts";
import type { Scheduler } from "../scheduler.ts";

export type LineOptions = LinkOptions & { readonly isCalm: () => boolean };

/** Ways of one line at one moment, while nothing takes time. */
const atOnceMax = 1_000;

/** What never comes. */
export const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

export class Line extends Link {
  readonly #isCalm: () => boolean;
  #atMs = 0;
  #atOnce = 0;

  constructor(options: LineOptions) {
    super(options);
    this.#isCalm = options.isCalm;
  }

  get isCalm(): boolean {
    return this.#isCalm();
  }

  override travel(): Promise<void> {
    return this.isCalm ? this.#at() : super.travel();
  }

  override back(): Promise<void> {
    return this.isCalm ? this.#at() : super.back();
  }

  override happens(kind: string, rate: number): boolean {
    return !this.isCalm && super.happens(kind, rate);
  }

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await sleepOn(this.options.scheduler, ms, signal);
    if (this.isCut) await never();
  }

  override uuid(): string {
    const digits = Array.from({ length: 4 }, () =>
      Math.floor(this.random() * 2 ** 32)
        .toString(16)
        .padStart(8, "0"),
    ).join("");
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  /** At once; who asks again and again in one moment waits all the same, so that a loop without an end can be seen. */
  #at(): Promise<void> {
    if (this.isCut) return never();
    const { scheduler } = this.options;
    this.#atOnce = scheduler.nowMs === this.#atMs ? this.#atOnce + 1 : 0;
    this.#atMs = scheduler.nowMs;
    return this.#atOnce < atOnceMax ? Promise.resolve() : scheduler.wait(1);
  }
}

/** Of machines and people, who are never cut off. */
export const clockOf = (scheduler: Scheduler): Clock => ({
  now: () => Math.floor(scheduler.nowMs),
  monotonic: () => scheduler.nowMs,
  sleep: (ms, signal) => sleepOn(scheduler, ms, signal),
});

function sleepOn(scheduler: Scheduler, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = scheduler.after(ms, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}
