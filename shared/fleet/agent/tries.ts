/** What became of jobs that were tried: those that failed wait, twice as long each time; those that were done and changed nothing count as failed. */
import type { Clock } from "../../base/clock.ts";
import type { AgentPolicy } from "./policy.ts";

type Tried = { readonly failures: number; readonly untilMs: number; readonly doneAt: string | undefined };

const never: Tried = { failures: 0, untilMs: 0, doneAt: undefined };
/** 2^20 seconds are past every last wait. */
const doublingsMax = 20;

export class Tries {
  readonly #clock: Clock;
  readonly #retryMs: AgentPolicy["retryMs"];
  /** One for each job that is to be done: `keep` drops the others. */
  readonly #tried = new Map<string, Tried>();

  constructor(clock: Clock, retryMs: AgentPolicy["retryMs"]) {
    this.#clock = clock;
    this.#retryMs = retryMs;
  }

  isDue(key: string): boolean {
    return this.#of(key).untilMs <= this.#clock.monotonic();
  }

  /** How long it waits, in milliseconds. */
  failed(key: string): number {
    const { failures } = this.#of(key);
    const waitMs = Math.min(this.#retryMs.last, this.#retryMs.first * 2 ** Math.min(failures, doublingsMax));
    this.#tried.set(key, { failures: failures + 1, untilMs: this.#clock.monotonic() + waitMs, doneAt: undefined });
    return waitMs;
  }

  /** `version`: of what it was done to. */
  done(key: string, version: string): void {
    this.#tried.set(key, { ...this.#of(key), untilMs: 0, doneAt: version });
  }

  /** It was done to just this, and is to be done again. */
  isVain(key: string, version: string): boolean {
    return this.#of(key).doneAt === version;
  }

  keep(isKept: (key: string) => boolean): void {
    for (const key of this.#tried.keys()) if (!isKept(key)) this.#tried.delete(key);
  }

  #of(key: string): Tried {
    return this.#tried.get(key) ?? never;
  }
}
