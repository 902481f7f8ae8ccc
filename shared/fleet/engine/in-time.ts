/**
 * Waits for work that takes no signal itself, as long as there is time for it. What is left behind goes on where it is; its outcome is
 * nobody's any more.
 */
import type { Clock } from "../../base/clock.ts";
import { Watchdog } from "./watchdog.ts";

export type InTime = {
  readonly clock: Clock;
  readonly ms: number;
  readonly signal?: AbortSignal | undefined;
  /** Who waits is told this when the time is over. */
  readonly late: () => Error;
};

/** Rejects as the work does, with `late` when the time is over, or with the signal's reason. */
export async function inTime<T>(work: Promise<T>, { clock, ms, signal, late }: InTime): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const leave = () => reject(signal?.reason);
  if (signal?.aborted) leave();
  signal?.addEventListener("abort", leave, { once: true });
  using _watchdog = new Watchdog(clock, ms, () => reject(late()));
  try {
    return await Promise.race([work, over]);
  } finally {
    signal?.removeEventListener("abort", leave);
  }
}
