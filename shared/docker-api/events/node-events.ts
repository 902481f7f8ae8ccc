/**
 * The events of one node for one listener, for as long as both are there: a stream that breaks is opened again from its last event on, so
 * that none is missed, and events that come twice then are told once.
 */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { EngineEvent, EventOptions } from "../../fleet/engine.ts";
import type { NodeEngines } from "../../fleet/nodes/engines.ts";
import type { Node } from "../../kinds/node.ts";

export type NodeEventsOptions = {
  readonly engines: NodeEngines;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly since: number | undefined;
  /** Seconds since 1970; undefined: for ever. */
  readonly until: number | undefined;
  readonly filters: NonNullable<EventOptions["filters"]>;
  /** Awaited: who listens slowly is told slowly. */
  readonly onEvent: (event: EngineEvent, node: Node) => Promise<void>;
};

/** Before a node is tried again, doubled up to the last: a node that is down must not cost more than that. */
const retryFirstMs = 500;
const retryLastMs = 30_000;
/** An engine that listens answers at once. */
const openMs = 10_000;
/** Events of one moment that a stream opened again may repeat. */
const repeatsMax = 1_000;

/** Until `until`, or until `signal` aborts. Rejects when `onEvent` does. */
export async function followNode(node: Node, options: NodeEventsOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  const told = new Told(options.since ?? clock.now() / 1_000);
  for (let waitMs = retryFirstMs; !signal.aborted; waitMs = Math.min(retryLastMs, waitMs * 2)) {
    const before = told.count;
    const outcome = await listen(node, options, { told, signal });
    if (outcome.kind === "rejected") throw outcome.error;
    if (outcome.kind === "ended" && options.until !== undefined) return;
    if (signal.aborted || isPast(options)) return;
    if (outcome.kind === "broken")
      logger.log("debug", "events of a node broke off", { node: node.metadata.name, error: outcome.error });
    if (told.count > before) waitMs = retryFirstMs;
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
}

type Outcome =
  | { readonly kind: "ended" }
  | { readonly kind: "broken"; readonly error: unknown }
  /** The listener's own error. */
  | { readonly kind: "rejected"; readonly error: unknown };

async function listen(
  node: Node,
  { engines, since, until, filters, onEvent }: NodeEventsOptions,
  { told, signal }: { readonly told: Told; readonly signal: AbortSignal },
): Promise<Outcome> {
  let isListener = false;
  try {
    const engine = await engines.of(node);
    const from = told.hasBegun || since !== undefined ? { since: told.position } : {};
    const asked = { ...from, ...(until !== undefined && { until: String(until) }), filters };
    for await (const event of await engine.system.events(asked, { signal, timeoutMs: openMs })) {
      if (!told.isNew(event)) continue;
      isListener = true;
      await onEvent(event, node);
      isListener = false;
    }
    told.begin();
    return { kind: "ended" };
  } catch (error) {
    told.begin();
    return { kind: isListener ? "rejected" : "broken", error };
  }
}

const isPast = ({ until, clock }: NodeEventsOptions): boolean => until !== undefined && until * 1_000 <= clock.now();

/** How far a node's events were told. */
class Told {
  count = 0;
  /** From the second stream on, what happened since the first began is asked for. */
  hasBegun = false;
  #nano: number;
  #atNano = new Set<string>();

  constructor(sinceSeconds: number) {
    this.#nano = Math.floor(sinceSeconds * 1e9);
  }

  begin(): void {
    this.hasBegun = true;
  }

  /** Seconds with a fraction, as engines take it. A number of nanoseconds is beyond what a double holds: it lies a little before. */
  get position(): string {
    const seconds = Math.floor(this.#nano / 1e9);
    const rest = Math.max(0, Math.floor(this.#nano - seconds * 1e9 - 1_000));
    return `${seconds}.${String(rest).padStart(9, "0")}`;
  }

  /** Engines tell in order; of the last moment, and of what a double can't tell from it, each is remembered. */
  isNew(event: EngineEvent): boolean {
    const text = `${event.Type} ${event.Action} ${event.Actor.ID} ${event.timeNano}`;
    if (this.hasBegun && event.timeNano <= this.#nano - 2_000) return false;
    if (this.#atNano.has(text)) return false;
    if (event.timeNano > this.#nano + 2_000 || this.#atNano.size >= repeatsMax) this.#atNano.clear();
    this.#nano = Math.max(this.#nano, event.timeNano);
    this.#atNano.add(text);
    this.count += 1;
    return true;
  }
}
