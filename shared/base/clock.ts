/** Time as an argument: the one place that reads the machine's clock. Simulations pass their own Clock. */
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";

export interface Clock {
  /** Wall time in milliseconds since 1970. May jump; no safety rule depends on it. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. For waits and time-outs. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds, however many, or rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node: a timer of more than 2^31 - 1 milliseconds, 24.8 days, ends at once. */
const timerMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    let leftMs = ms;
    for (; leftMs > timerMsMax; leftMs -= timerMsMax) await timer(timerMsMax, signal);
    await timer(leftMs, signal);
  },
};

const timer = (ms: number, signal: AbortSignal | undefined): Promise<void> => delay(ms, undefined, signal ? { signal } : {});

/** Resolves at `timeMs`, milliseconds since 1970, also when the wall time jumps back. Rejects with the signal's reason. */
export async function waitUntil(clock: Clock, timeMs: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = timeMs - clock.now(); leftMs > 0; leftMs = timeMs - clock.now()) await clock.sleep(leftMs, signal);
}

/** RFC 3339 in whole seconds, as Kubernetes' metav1.Time prints it. */
export function timestamp(ms: number): string {
  const second = Math.floor(ms / 1_000);
  if (second !== lastTimestamp.second) lastTimestamp = { second, text: `${new Date(ms).toISOString().slice(0, 19)}Z` };
  return lastTimestamp.text;
}

/** Every write of a second asks for the same. */
let lastTimestamp = { second: Number.NaN, text: "" };
