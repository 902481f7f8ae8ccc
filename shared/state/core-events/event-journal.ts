/**
 * The events of a cluster, as cells beside its log. Every write passes the cluster's event clock (event-clock.ts), which holds it until it
 * stands in the event's own cell: whoever comes next, in whatever process, lands what a former writer left. So a write is there for all as
 * soon as the clock has it, and never half. Bounded: the oldest go. event-feed.ts watches them, event-recorder.ts writes them.
 */
import { type Clock, timestamp } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import { deepFreeze, type JsonObject } from "../../base/json.ts";
import { type CoreEvent, type CoreEventContent, coreEventKind, coreVersion } from "../../kinds/core-event.ts";
import { TooLargeError } from "../../log/errors.ts";
import type { Cell, Cells } from "../../log/ports.ts";
import { BusyError } from "../errors.ts";
import { cellsReadMax, eventBytesMax, stored, sweepEvery, swept } from "./event-bounds.ts";
import {
  advanced,
  clockKey,
  clockOf,
  clockValue,
  type EventClock,
  eventMs,
  eventTime,
  nextSequence,
  type StoredEvent,
  versionOfWrite,
} from "./event-clock.ts";
import { Turns } from "./turns.ts";

/** Other processes may come first so often. */
const losesMax = 20;
/** A landing meets others that land the same. */
const landTriesMax = 5;

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
  readonly #turns = new Turns();

  constructor(options: EventJournalOptions) {
    this.#options = options;
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
    return this.#turns.take(uid, () => this.#change(uid, place, decide, dryRun));
  }

  async #change(uid: string, place: EventPlace, decide: Decide, dryRun: boolean): Promise<Changed> {
    const { cells } = this.#options;
    let cell = await cells.get(uid, clockKey);
    for (let loses = 0; loses < losesMax; loses += 1) {
      const clock = clockOf(cell);
      await this.#land(uid, clock);
      const { next, changed } = await this.#decided(uid, { clock, place, decide });
      if (dryRun) return changed;
      const put = await cells.put(uid, {
        key: clockKey,
        value: clockValue(next),
        when: cell === undefined ? "absent" : { version: cell.version },
      });
      if (put.kind === "put") {
        await this.#land(uid, next);
        return changed;
      }
      cell = put.cell;
    }
    throw new BusyError(`others wrote events ${losesMax} times in between; try again`);
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

  /** Makes the clock's write what stands in the events' own cells. Safe to repeat, to race and to come late. */
  async #land(uid: string, { sequence, write }: EventClock): Promise<void> {
    const { cells } = this.#options;
    for (const key of write.removed) {
      const cell = await cells.get(uid, key);
      // Lost to a newer write: that stays.
      if (cell !== undefined && stored(cell).sequence < sequence) await cells.delete(uid, key, cell.version);
    }
    if (write.put === undefined) return;
    const { key, stored: wanted } = write.put;
    const { expires, ...value } = wanted;
    let cell = await cells.get(uid, key);
    for (let tries = 0; tries < landTriesMax; tries += 1) {
      if (cell !== undefined && stored(cell).sequence >= sequence) return;
      const when = cell === undefined ? "absent" : { version: cell.version };
      const put = await cells.put(uid, { key, value: value as unknown as JsonObject, expires, when });
      if (put.kind === "put") return;
      cell = put.cell;
    }
    throw new BusyError(`the cell ${key} changed ${landTriesMax} times while a write was landed; try again`);
  }
}

const nothingSwept = { removed: [], lost: false } as const;

const storedOf = (cell: Cell | undefined): StoredEvent | undefined => cell && stored(cell);

export function alive(event: StoredEvent | undefined, now: number): StoredEvent | undefined {
  return event !== undefined && event.expires > now ? event : undefined;
}
