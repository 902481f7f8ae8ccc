/** How long an invocation may last: what Lambda leaves, less what is needed to end in order. */
import type { Clock } from "../../shared/base/clock.ts";

/** What of Lambda's context we use. */
export type LambdaContext = { getRemainingTimeInMillis(): number };

export type Time = {
  /** By the monotonic clock: nothing begins after it. */
  readonly endsMs: number;
  /** Aborts then. */
  readonly signal: AbortSignal;
};

export function timeOf(context: LambdaContext, clock: Pick<Clock, "monotonic">, reserveMs: number): Time {
  const ms = Math.max(0, Math.floor(context.getRemainingTimeInMillis() - reserveMs));
  return { endsMs: clock.monotonic() + ms, signal: AbortSignal.timeout(ms) };
}
