/**
 * Small transactions of many agents in few entries: those that come while one commit is underway go into the next together. A step that
 * fails by itself fails for its caller only.
 */
import { TooLargeError } from "../../log/errors.ts";
import { BatchError } from "../../state/errors.ts";
import { MissSignal } from "../../state/reader.ts";
import type { Store } from "../../state/store.ts";
import type { Transaction } from "../../state/transaction.ts";

type Outcome = { readonly error: unknown } | { readonly value: unknown };

type Waiting = {
  readonly step: (transaction: Transaction) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  outcome?: Outcome;
};

/** Steps of one batch: a failure of the store is told to all of them. */
const stepsMax = 500;

export class Commits {
  readonly #store: Store;
  readonly #actor: string;
  /** As many as their callers wait for: a look each container, a job each task. */
  readonly #waiting: Waiting[] = [];
  #isDraining = false;

  constructor({ store, actor }: { readonly store: Store; readonly actor: string }) {
    this.#store = store;
    this.#actor = actor;
  }

  /**
   * What `step` gave in the run that was committed. It may run several times, as any transaction.
   * @throws what it threw, with nothing written; what the store throws.
   */
  run<T>(step: (transaction: Transaction) => T): Promise<T> {
    const given = new Promise<unknown>((resolve, reject) => this.#waiting.push({ step, resolve, reject }));
    if (!this.#isDraining) void this.#drain();
    return given as Promise<T>;
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    // Those of the same turn go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, stepsMax));
    this.#isDraining = false;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    let failure: { readonly error: unknown; readonly from: number } | undefined;
    try {
      await this.#store.batch(
        group.map((waiting) => (transaction: Transaction) => attempt(transaction, waiting)),
        { actor: this.#actor },
      );
    } catch (error) {
      failure = error instanceof BatchError ? { error: error.cause, from: error.committed } : { error, from: 0 };
    }
    for (const [index, { outcome, resolve, reject }] of group.entries()) {
      if (failure !== undefined && index >= failure.from) reject(failure.error);
      else if (outcome === undefined) reject(new Error("a batch ended without this step"));
      else if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.value);
    }
  }
}

/** What the store needs to hear goes on: what is not cached, and that an entry is full. */
function attempt(transaction: Transaction, waiting: Waiting): void {
  const mark = transaction.mark();
  try {
    waiting.outcome = { value: waiting.step(transaction) };
  } catch (error) {
    if (error instanceof MissSignal || (error instanceof TooLargeError && error.what !== "object")) throw error;
    transaction.rollback(mark);
    waiting.outcome = { error };
  }
}
