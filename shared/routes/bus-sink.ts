/**
 * Hands entries to the bus, at least once: as many events in one put as it takes, and those that were refused again, alone, after a
 * growing wait. What is not taken in the end fails the whole: the marker stays, and all of it comes again.
 */
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Entry } from "../log/ports.ts";
import type { Sink } from "../state/publisher.ts";
import { type EventSource, eventsOf } from "./cloud-event.ts";
import { EventsRefusedError } from "./errors.ts";
import type { BusEvent, EventBus } from "./event-bus.ts";

export type BusSinkOptions = {
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "random">;
  /** Whose log a uid names. */
  readonly sourceOf: (uid: string) => Promise<EventSource>;
};

const triesMax = 6;
/** Doubled with each try, less a random part: 3 s in all at most. */
const firstWaitMs = 100;
/** Puts under way for one cluster. */
const putsAtOnce = 4;

export class BusSink implements Sink {
  readonly #options: BusSinkOptions;

  constructor(options: BusSinkOptions) {
    this.#options = options;
  }

  /** @throws EventsRefusedError: some were not taken. */
  async publish(uid: string, entries: readonly Entry[]): Promise<void> {
    const { bus, sourceOf } = this.#options;
    const source = await sourceOf(uid);
    const waiting = batchesOf(this.#events(source, entries), bus);
    let isOver = false;
    const work = async (): Promise<void> => {
      for (const batch of waiting) {
        // One that failed fails all: the others need not go on.
        if (isOver) return;
        await this.#put(uid, batch).catch((error: unknown) => {
          isOver = true;
          throw error;
        });
      }
    };
    const works = await Promise.allSettled(Array.from({ length: putsAtOnce }, work));
    for (const work of works) if (work.status === "rejected") throw work.reason;
  }

  *#events(source: EventSource, entries: readonly Entry[]): Generator<BusEvent, void> {
    const { bus } = this.#options;
    const fits = (event: BusEvent): boolean => bus.bytesOf(event) <= bus.putBytesMax;
    for (const entry of entries) yield* eventsOf(source, entry, fits);
  }

  async #put(uid: string, batch: readonly BusEvent[]): Promise<void> {
    const { clock, ids } = this.#options;
    let left = batch;
    let why: unknown;
    for (let tries = 0; tries < triesMax; tries += 1) {
      if (tries > 0) await clock.sleep(firstWaitMs * 2 ** (tries - 1) * (0.5 + ids.random() / 2));
      const refused = await this.#tryPut(left);
      if (refused.events.length === 0) return;
      left = refused.events;
      why = refused.why;
    }
    throw new EventsRefusedError(uid, { events: left.length, why });
  }

  /** Those that were, or may have been, refused. */
  async #tryPut(batch: readonly BusEvent[]): Promise<{ readonly events: readonly BusEvent[]; readonly why: unknown }> {
    try {
      const outcomes = await this.#options.bus.put(batch);
      const events = batch.filter((_, index) => outcomes[index]?.kind !== "taken");
      return { events, why: outcomes.find((outcome) => outcome.kind === "refused")?.why };
    } catch (why) {
      return { events: batch, why };
    }
  }
}

/** Each as large as one put takes. */
function* batchesOf(events: Iterable<BusEvent>, bus: EventBus): Generator<BusEvent[], void> {
  let batch: BusEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    const more = bus.bytesOf(event);
    if (batch.length > 0 && (batch.length === bus.putMax || bytes + more > bus.putBytesMax)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += more;
  }
  if (batch.length > 0) yield batch;
}
