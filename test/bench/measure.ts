/**
 * Times workloads in rounds, all of them in every round, so that what is compared meets the same load of the machine. Each is
 * run once before that counts. Ratios are taken within a round; what is told of several rounds is their median.
 */
import assert from "node:assert";
import { performance } from "node:perf_hooks";
import type { Progress } from "./report.ts";

export type Timed = {
  readonly name: string;
  /** What one round does; times are told for one of them. */
  readonly operations: number;
  /** Before each round, not timed. */
  readonly prepare?: () => void | Promise<void>;
  readonly run: () => void | Promise<void>;
};

/** Microseconds an operation, one figure a round. */
export type Timing = readonly number[];

export type MeasureOptions = { readonly rounds: number; readonly progress: Progress };

/** Timings in the order of `list`. */
export async function measure(list: readonly Timed[], { rounds, progress }: MeasureOptions): Promise<Timing[]> {
  const timings: number[][] = list.map(() => []);
  const indexes = list.map((_, index) => index);
  for (let round = 0; round <= rounds; round += 1) {
    // Back and forth: none always runs in the garbage of the same other.
    for (const index of round % 2 === 0 ? indexes : indexes.toReversed()) {
      const timed = list[index] as Timed;
      progress(timed.name, round === 0 ? "warming up" : `round ${round} of ${rounds}`);
      const us = await once(timed);
      if (round > 0) timings[index]?.push(us);
    }
  }
  return timings;
}

/** The middle of the sorted values; of an even number the mean of both middles. */
export function median(values: readonly number[]): number {
  assert(values.length > 0, "nothing was measured");
  const sorted = values.toSorted((left, right) => left - right);
  const at = (index: number) => sorted[index] as number;
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
}

/** The median of the rounds' own ratios. */
export const medianRatio = (over: Timing, under: Timing): number =>
  median(over.map((us, round) => us / (under[round] as number)));

async function once({ operations, prepare, run }: Timed): Promise<number> {
  await prepare?.();
  const begun = performance.now();
  await run();
  return ((performance.now() - begun) * 1000) / operations;
}
