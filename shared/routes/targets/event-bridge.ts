/** The bus on EventBridge. It may answer that some events of a request were taken and others not; it takes what it took for good. */
import {
  EventBridgeClient,
  type EventBridgeClientConfig,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from "@aws-sdk/client-eventbridge";
import type { BusEvent, EventBus, PutOutcome } from "../event-bus.ts";

export type EventBridgeBusOptions = {
  readonly client: EventBridgeClient;
  /** The bus' name. */
  readonly bus: string;
};

/** A put takes milliseconds; what waits for a lost connection holds up its cluster. */
const connectMsMax = 1_000;
const requestMsMax = 5_000;

/** Tries once: what is tried again, and when, is the caller's decision. */
export function openEventBridge(config: EventBridgeClientConfig = {}): EventBridgeClient {
  const limits = { connectionTimeout: connectMsMax, requestTimeout: requestMsMax, throwOnRequestTimeout: true };
  return new EventBridgeClient({ requestHandler: limits, ...config, maxAttempts: 1 });
}

/** EventBridge: names that begin with "aws." are its own. */
const source = "windlass";
/** EventBridge counts a time as 14 bytes. */
const timeBytes = 14;

export class EventBridgeBus implements EventBus {
  /** PutEvents: at most 10 entries. */
  readonly putMax = 10;
  /** PutEvents: the entries of a request have at most 256 KB. */
  readonly putBytesMax = 256 * 1024;
  readonly #options: EventBridgeBusOptions;

  constructor(options: EventBridgeBusOptions) {
    this.#options = options;
  }

  /** As EventBridge counts: time, source, type and detail, in UTF-8. */
  bytesOf({ type, detail }: BusEvent): number {
    return timeBytes + source.length + Buffer.byteLength(type) + Buffer.byteLength(detail);
  }

  async put(events: readonly BusEvent[]): Promise<readonly PutOutcome[]> {
    const { client, bus } = this.#options;
    const answer = await client.send(new PutEventsCommand({ Entries: events.map((event) => entryOf(event, bus)) }));
    const results = answer.Entries ?? [];
    if (results.length !== events.length) throw new Error(`${events.length} events have ${results.length} results`);
    return results.map(({ EventId, ErrorCode, ErrorMessage }) =>
      EventId === undefined ? { kind: "refused", why: `${ErrorCode ?? "no code"}: ${ErrorMessage ?? ""}` } : { kind: "taken" },
    );
  }
}

const entryOf = ({ type, time, detail }: BusEvent, bus: string): PutEventsRequestEntry => ({
  EventBusName: bus,
  Source: source,
  DetailType: type,
  Time: new Date(time),
  Detail: detail,
});
