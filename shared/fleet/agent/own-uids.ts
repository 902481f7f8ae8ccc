/** Whose containers are this cluster's: its own, and those of clusters that it has adopted. Asked for again from time to time. */
import type { Clock } from "../../base/clock.ts";

export type OwnUidsOptions = {
  readonly uid: string;
  readonly clock: Clock;
  readonly adopted: () => Promise<readonly string[]>;
};

/** How late an adoption is noticed by agents that run meanwhile; thousands of them ask together. */
const keepMs = 5_000;

export class OwnUids {
  readonly #options: OwnUidsOptions;
  #kept: { readonly untilMs: number; readonly uids: Promise<ReadonlySet<string>> } | undefined;

  constructor(options: OwnUidsOptions) {
    this.#options = options;
  }

  /** Rejects as `adopted` does; a failure is not kept. */
  get(): Promise<ReadonlySet<string>> {
    const { uid, clock, adopted } = this.#options;
    if (this.#kept !== undefined && clock.monotonic() < this.#kept.untilMs) return this.#kept.uids;
    const uids = adopted().then((others) => new Set([uid, ...others]));
    const made = { untilMs: clock.monotonic() + keepMs, uids };
    this.#kept = made;
    uids.catch(() => {
      if (this.#kept === made) this.#kept = undefined;
    });
    return uids;
  }

  /** For who begins anew: an import adopts while nobody works on the cluster, and what it brings must be judged by that. */
  forget(): void {
    this.#kept = undefined;
  }
}
