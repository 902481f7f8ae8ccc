/** Many small transactions in few entries: a step is atomic, an entry takes as many whole steps as fit its bounds. */
import { entryStoredBytesMax } from "../base/limits.ts";
import { TooLargeError } from "../log/errors.ts";
import type { Answer } from "./committer.ts";
import { BatchError } from "./errors.ts";
import { MissSignal } from "./reader.ts";
import type { Transaction } from "./transaction.ts";

export type BatchStep = (transaction: Transaction) => void;
export type BatchResult = {
  /** Steps that were run; all of them. */
  readonly steps: number;
  /** Entries that they made. */
  readonly commits: number;
  /** Of the last commit, or of the state if nothing changed. */
  readonly revision: number;
};

/** Steps that are tried in one entry at once, so that a step that writes nothing does not make an endless one. */
const stepsMax = 1_000;

/** @throws BatchError with the number of steps whose changes are committed. */
export async function runBatch(
  steps: Iterable<BatchStep>,
  commit: (call: (transaction: Transaction) => number) => Promise<Answer<number>>,
): Promise<BatchResult> {
  const source = steps[Symbol.iterator]();
  const waiting: BatchStep[] = [];
  let done = 0;
  let commits = 0;
  let revision = 0;
  do {
    fill(waiting, source);
    try {
      const answer = await commit((transaction) => runSome(transaction, waiting));
      waiting.splice(0, answer.value);
      done += answer.value;
      revision = answer.revision;
      if (answer.changed) commits += 1;
    } catch (error) {
      throw new BatchError(done, error);
    }
    fill(waiting, source);
  } while (waiting.length > 0);
  return { steps: done, commits, revision };
}

function fill(waiting: BatchStep[], source: Iterator<BatchStep>): void {
  while (waiting.length < stepsMax) {
    const { value, done } = source.next();
    if (done === true) return;
    waiting.push(value);
  }
}

/**
 * Runs steps until the next one does not fit; how many did. A first step that does not fit alone fails as it would in update. When a
 * step reads what is not cached, those after it are run, too, to learn at once what all of them miss; the whole runs again then.
 */
function runSome(transaction: Transaction, steps: readonly BatchStep[]): number {
  let missed: MissSignal | undefined;
  for (const [index, step] of steps.entries()) {
    const mark = transaction.mark();
    try {
      step(transaction);
    } catch (error) {
      transaction.rollback(mark);
      if (error instanceof MissSignal) {
        missed = error;
        continue;
      }
      if (missed !== undefined) continue;
      if (index === 0 || !(error instanceof TooLargeError)) throw error;
      return index;
    }
    if (transaction.bytes > entryStoredBytesMax && index > 0 && missed === undefined) {
      transaction.rollback(mark);
      return index;
    }
  }
  if (missed !== undefined) throw missed;
  return steps.length;
}
