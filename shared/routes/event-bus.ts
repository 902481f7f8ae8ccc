/**
 * The port that events leave by. An adapter translates and nothing else: what is tried again, and how often, stands above it
 * (bus-sink.ts). One conformance suite, test/conformance/event-bus.ts, runs on every adapter.
 */

export type BusEvent = {
  /** Of the CloudEvent inside; equal for an event that is put again. */
  readonly id: string;
  /** The event's type, as rules choose by it. */
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** A CloudEvent as JSON. */
  readonly detail: string;
};

export type PutOutcome =
  | { readonly kind: "taken" }
  /** Not taken this time; the same may be put again. */
  | { readonly kind: "refused"; readonly why: string };

export interface EventBus {
  /** Events that one put takes. */
  readonly putMax: number;
  /** Bytes that one put takes, as bytesOf counts them; of one event, too. */
  readonly putBytesMax: number;
  /** What an event counts. */
  bytesOf(event: BusEvent): number;
  /**
   * Puts 1 to putMax events of putBytesMax bytes at most; one outcome an event, in their order. Rejects where nothing is known of any:
   * they may have been taken. Putting the same again is safe: whoever hears it twice tells it by its id.
   */
  put(events: readonly BusEvent[]): Promise<readonly PutOutcome[]>;
}
