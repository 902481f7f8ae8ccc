/**
 * The events of a cluster, as cells beside its log. Every write passes the cluster's event clock (event-clock.ts), which holds it until it
 * stands in the event's own cell: whoever comes next, in whatever process, lands what a former writer left. So a write is there for all as
 * soon as the clock has it, and never half. Bounded: the oldest go. event-feed.ts watches them, event-recorder.ts writes them.
 */
import { type Clock, timestamp } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import { deepFreeze } from "../../base/json.ts";
import { type CoreEvent, type CoreEventContent, coreEventKind, coreVersion } from "../../kinds/core-event.ts";
import { TooLargeError } from "../../log/errors.ts";
import type { Cell, Cells } from "../../log/ports.ts";
import { cellsReadMax, eventBytesMax, stored, sweepEvery, swept } from "./event-bounds.ts";
import {
  advanced,
  clockKey,
  clockOf,
  type EventClock,
  eventMs,
  eventTime,
  nextSequence,
  type StoredEvent,
  versionOfWrite,
} from "./event-clock.ts";
import { EventWrites, someAtOnce } from "./event-writes.ts";

/** In one write, which names them in the clock: some 30 KB there at most. */
export const removedMax = 100;

const prefix = "event/";
export type EventPlace = { readonly namespace: string; readonly name: string };
const keyOf = ({ namespace, name }: EventPlace): string => `${prefix}${namespace}/${name}`;

export type EventJournalOptions = { readonly cells: Cells; readonly clock: Clock; readonly ids: Pick<Ids, "uuid"> };

/** What a write makes of the event that is there; undefined: it goes. It may run several times; what it throws refuses the write. */
export type Decide = (current: CoreEvent | undefined, now: number) => CoreEventContent | undefined;

export type Changed = {
  /** As it stands then, or as it was when it went. */
  readonly event: CoreEvent;
  readonly isNew: boolean;
};

/** All events as of the clock, expired ones that are still there too, by their keys. Some may be newer than the clock. */
export type EventState = { readonly clock: EventClock; readonly events: ReadonlyMap<string, StoredEvent> };

export class EventJournal {
  readonly #options: EventJournalOptions;
  readonly #writes: EventWrites;

  constructor(options: EventJournalOptions) {
    this.#options = options;
    this.#writes = new EventWrites(options.cells);
  }

  /** undefined: there is none, or it has expired. */
  async get(uid: string, place: EventPlace): Promise<CoreEvent | undefined> {
    const clock = await this.clock(uid);
    const stored = await this.read(uid, clock, keyOf(place));
    return alive(stored, eventTime(clock, this.#options.clock.now()))?.event;
  }

  async clock(uid: string): Promise<EventClock> {
    return clockOf(await this.#options.cells.get(uid, clockKey));
  }

  /** What stands at a key, at least as new as `clock`. */
  async read(uid: string, { sequence, write }: EventClock, key: string): Promise<StoredEvent | undefined> {
    const there = storedOf(await this.#options.cells.get(uid, key));
    if (there !== undefined && there.sequence > sequence) return there;
    if (write.removed.includes(key)) return undefined;
    return write.put?.key === key ? write.put.stored : there;
  }

  /** `namespace` undefined: of all. At least as new as the clock that it carries. */
  async readAll(uid: string, namespace: string | undefined): Promise<EventState> {
    const { cells } = this.#options;
    const clock = await this.clock(uid);
    const start = namespace === undefined ? prefix : `${prefix}${namespace}/`;
    const events = new Map<string, StoredEvent>();
    for (const cell of await cells.list(uid, start, cellsReadMax)) events.set(cell.key, stored(cell));
    const { put, removed } = clock.write;
    for (const key of removed) if ((events.get(key)?.sequence ?? 0) <= clock.sequence) events.delete(key);
    if (put?.key.startsWith(start) && (events.get(put.key)?.sequence ?? 0) < clock.sequence) events.set(put.key, put.stored);
    return { clock, events };
  }

  /**
   * One write of one event. When it rejects with what is not from `decide`, it may have happened: to repeat it is safe where `decide` is.
   * @throws TooLargeError, BusyError: nothing was written.
   */
  change(uid: string, place: EventPlace, decide: Decide, { dryRun = false } = {}): Promise<Changed> {
    return this.#writes.run(uid, async (clock) => {
      const { next, changed } = await this.#decided(uid, { clock, place, decide });
      return { next: dryRun ? undefined : next, result: changed };
    });
  }

  /**
   * Removes `events`, many in one write; what has gone since it was read, or was made anew under its name, is left alone. When it rejects
   * some may be gone. Safe to repeat. @throws BusyError.
   */
  async removeAll(uid: string, events: readonly CoreEvent[]): Promise<void> {
    for (let start = 0; start < events.length; start += removedMax) {
      const some = events.slice(start, start + removedMax);
      await this.#writes.run(uid, async (clock) => ({ next: await this.#without(uid, clock, some), result: undefined }));
    }
  }

  /** undefined: none of `events` is there. */
  async #without(uid: string, clock: EventClock, events: readonly CoreEvent[]): Promise<EventClock | undefined> {
    const { cells } = this.#options;
    const isThere = async ({ metadata }: CoreEvent): Promise<boolean> =>
      storedOf(await cells.get(uid, keyOf(metadata)))?.event.metadata.uid === metadata.uid;
    const there = await someAtOnce(events, isThere);
    const removed = events.filter((_, index) => there[index]).map(({ metadata }) => keyOf(metadata));
    const [key] = removed;
    if (key === undefined) return undefined;
    const sequence = nextSequence(clock, this.#options.clock.now());
    return advanced(clock, { sequence, key, isNew: false, isSweep: true, lost: true }, { removed });
  }

  async #decided(
    uid: string,
    { clock, place, decide }: { readonly clock: EventClock; readonly place: EventPlace; readonly decide: Decide },
  ): Promise<{ readonly next: EventClock; readonly changed: Changed }> {
    const { cells } = this.#options;
    const key = keyOf(place);
    const now = this.#options.clock.now();
    const sequence = nextSequence(clock, now);
    const there = alive(storedOf(await cells.get(uid, key)), eventTime(clock, now));
    const content = decide(there?.event, now);
    const isNew = there === undefined;
    if (content === undefined) {
      if (there === undefined) throw new Error("an event that is not there can't go: decide must refuse that");
      const gone = { sequence, key, isNew: false, isSweep: false, lost: true };
      return { next: advanced(clock, gone, { removed: [key] }), changed: { event: there.event, isNew } };
    }
    const event = this.#stamped(place, content, { current: there?.event, sequence, now });
    const put = { key, stored: { event, created: there?.created ?? sequence, sequence, expires: sequence + eventMs } };
    const isSweep = isNew && (clock.made + 1) % sweepEvery === 0;
    const { removed, lost } = isSweep ? swept(await cells.list(uid, prefix, cellsReadMax), key, now) : nothingSwept;
    const next = advanced(clock, { sequence, key, isNew, isSweep: removed.length > 0, lost }, { put, removed });
    return { next, changed: { event, isNew } };
  }

  #stamped(
    { namespace, name }: EventPlace,
    { metadata, ...content }: CoreEventContent,
    { current, sequence, now }: { readonly current: CoreEvent | undefined; readonly sequence: number; readonly now: number },
  ): CoreEvent {
    const { generation: _, managedFields: __, ...given } = metadata;
    const event: CoreEvent = deepFreeze({
      kind: coreEventKind.kind,
      apiVersion: coreVersion,
      metadata: {
        ...given,
        name,
        namespace,
        uid: current?.metadata.uid ?? this.#options.ids.uuid(),
        resourceVersion: versionOfWrite(sequence),
        creationTimestamp: current?.metadata.creationTimestamp ?? timestamp(now),
      },
      ...content,
    });
    const bytes = Buffer.byteLength(JSON.stringify(event));
    if (bytes > eventBytesMax) throw new TooLargeError("event", bytes, eventBytesMax, "bytes");
    return event;
  }
}

const nothingSwept = { removed: [], lost: false } as const;

const storedOf = (cell: Cell | undefined): StoredEvent | undefined => cell && stored(cell);

export function alive(event: StoredEvent | undefined, now: number): StoredEvent | undefined {
  return event !== undefined && event.expires > now ? event : undefined;
}
