/** One look at one engine: does it answer, and what is it. It ends in time, whatever the engine does. */
import type { Clock } from "../../base/clock.ts";
import type { Node } from "../../kinds/node.ts";
import { Watchdog } from "../engine/watchdog.ts";
import { EngineTimeoutError } from "../engine-errors.ts";
import type { NodeEngines } from "./engines.ts";
import { type EngineFacts, factsOf } from "./facts.ts";

export type Probe =
  /** `facts`: given when it was asked for them. */
  { readonly kind: "answered"; readonly facts: EngineFacts | undefined } | { readonly kind: "failed"; readonly error: string };

export type ProbeOptions = {
  readonly engines: NodeEngines;
  readonly clock: Clock;
  /** For all of it. */
  readonly timeoutMs: number;
  /** For its first answer; no more than `timeoutMs`. */
  readonly pingMs: number;
  /** Whether it is asked what it is. */
  readonly wantsFacts: boolean;
  readonly signal: AbortSignal | undefined;
};

/** Rejects with the signal's reason only: then nothing is known of the engine. */
export async function probe(node: Node, options: ProbeOptions): Promise<Probe> {
  const { clock, timeoutMs, signal } = options;
  signal?.throwIfAborted();
  const late = new AbortController();
  const ended = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
  const { promise: end, reject } = Promise.withResolvers<never>();
  ended.addEventListener("abort", () => reject(ended.reason), { once: true });
  using _watchdog = new Watchdog(clock, timeoutMs, () =>
    late.abort(new EngineTimeoutError(node.spec.address, "ping", timeoutMs)),
  );
  try {
    // The end counts also where the time goes into a secret that can't be had, before the engine is asked at all.
    return { kind: "answered", facts: await Promise.race([ask(node, options, ended), end]) };
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    return { kind: "failed", error: error instanceof Error ? error.message : String(error) };
  }
}

async function ask(
  node: Node,
  { engines, timeoutMs, pingMs, wantsFacts }: ProbeOptions,
  signal: AbortSignal,
): Promise<EngineFacts | undefined> {
  const { system } = await engines.of(node);
  await system.ping({ signal, timeoutMs: pingMs });
  return wantsFacts ? factsOf(await system.info({ signal, timeoutMs })) : undefined;
}
