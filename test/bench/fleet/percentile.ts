/** What is told of many times of the same thing. */
import assert from "node:assert";

/** The value that `share` of them do not exceed: 0.5 is the middle, of an even number the lower. */
export function percentile(values: readonly number[], share: number): number {
  assert(values.length > 0, "nothing was measured");
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.ceil(share * sorted.length) - 1] as number;
}
