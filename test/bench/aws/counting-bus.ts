/** A bus that takes all, hands it to its rules, and counts it as EventBridge charges: each 64 KB of an event is one. */
import { type JsonObject, objectOf } from "../../../shared/base/json.ts";
import type { BusEvent, EventBus, PutOutcome } from "../../../shared/routes/event-bus.ts";
import { EventBridgeBus, openEventBridge } from "../../../shared/routes/targets/event-bridge.ts";
import { localConfig } from "../../localstack/tables.ts";
import type { Waits } from "./waits.ts";

const chargedBytes = 64 * 1024;

export class CountingBus implements EventBus {
  readonly putMax: number;
  readonly putBytesMax: number;
  /** Whose sizes count; nothing is sent with it. */
  readonly #real = new EventBridgeBus({ client: openEventBridge(localConfig("http://127.0.0.1:9")), bus: "none" });
  readonly #waits: Waits;
  readonly #rules: (event: JsonObject) => Promise<void>;
  #events = 0;
  #bytes = 0;

  /** `rules` hears each event as EventBridge shows it to rules. */
  constructor(waits: Waits, rules: (event: JsonObject) => Promise<void>) {
    this.#rules = rules;
    this.putMax = this.#real.putMax;
    this.putBytesMax = this.#real.putBytesMax;
    this.#waits = waits;
  }

  bytesOf(event: BusEvent): number {
    return this.#real.bytesOf(event);
  }

  put(events: readonly BusEvent[]): Promise<readonly PutOutcome[]> {
    return this.#waits.during(async () => {
      for (const event of events) {
        const bytes = this.bytesOf(event);
        this.#events += Math.ceil(bytes / chargedBytes);
        this.#bytes += bytes;
        await this.#rules(shown(event));
      }
      return events.map(() => ({ kind: "taken" }) as const);
    });
  }

  /** Since the last call. */
  take(): { readonly events: number; readonly eventBytes: number } {
    const counted = { events: this.#events, eventBytes: this.#bytes };
    [this.#events, this.#bytes] = [0, 0];
    return counted;
  }
}

const shown = ({ detail }: BusEvent): JsonObject => ({ source: "windlass", detail: objectOf(JSON.parse(detail)) });
