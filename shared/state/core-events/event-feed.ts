/**
 * What happens to a cluster's events from a position on: a picture of them that is brought up to date whenever it is asked, and tells what
 * became different. Several writes of one event between two asks are one change. An event that expires goes like any other.
 */
import type { Clock } from "../../base/clock.ts";
import { deepFreeze } from "../../base/json.ts";
import type { CoreEvent } from "../../kinds/core-event.ts";
import { GoneError } from "../errors.ts";
import { versionOf } from "../version.ts";
import {
  continues,
  type EventClock,
  type EventPosition,
  eventTime,
  positionAt,
  type StoredEvent,
  timeOf,
} from "./event-clock.ts";
import { alive, type EventJournal, type EventState } from "./event-journal.ts";

/** `previous`: undefined also where a write came before the feed began, whatever the event was then. */
export type EventChange = {
  readonly type: "create" | "update" | "delete";
  readonly event: CoreEvent;
  readonly previous: CoreEvent | undefined;
};

export type EventFeedOptions = {
  readonly journal: EventJournal;
  readonly clock: Pick<Clock, "now">;
  readonly uid: string;
  /** undefined: all. */
  readonly namespace: string | undefined;
};

export class EventFeed {
  readonly #options: EventFeedOptions;
  /** As of the last read. */
  #clock: EventClock;
  /** When that was: what expired later was not told yet. */
  #readAt: number;
  readonly #known: Map<string, StoredEvent>;

  private constructor(options: EventFeedOptions, { clock, events }: EventState, now: number) {
    this.#options = options;
    this.#clock = clock;
    this.#readAt = now;
    this.#known = new Map([...events].filter(([, event]) => alive(event, now) !== undefined));
  }

  /**
   * A feed from now on, or from `after`; `missed`: what has happened since then.
   * @throws GoneError when that can't be told any more: list afresh.
   */
  static async open(
    options: EventFeedOptions,
    after?: EventPosition,
  ): Promise<{ readonly feed: EventFeed; readonly missed: readonly EventChange[] }> {
    const { journal, uid, namespace } = options;
    const state = await journal.readAll(uid, namespace);
    const now = eventTime(state.clock, options.clock.now());
    if (after !== undefined && !continues(state.clock, after, now))
      throw new GoneError(after.sequence, "events that followed it are gone");
    const feed = new EventFeed(options, state, now);
    return { feed, missed: after === undefined ? [] : feed.#missed([...state.events.values()], after) };
  }

  /** In the order of their keys. */
  get events(): readonly CoreEvent[] {
    return [...this.#known].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, { event }]) => event);
  }

  /** Of the last write that it has seen. */
  get sequence(): number {
    return this.#clock.sequence;
  }

  /** Where a feed can go on from, as a resourceVersion. */
  get position(): string {
    return positionAt(this.#clock, this.#readAt);
  }

  /**
   * What became different since it was last asked. What went comes first, with the version of the ask before; what was written follows in its
   * order. So whoever hears a part of it and comes back from the last version heard misses nothing. When it rejects nothing was told.
   * @throws GoneError when the cluster is gone.
   */
  async poll(): Promise<readonly EventChange[]> {
    const { journal, uid } = this.#options;
    const { position } = this;
    const clock = await journal.clock(uid);
    if (clock.sequence < this.#clock.sequence) throw new GoneError(this.#clock.sequence, "the cluster was deleted");
    const written = clock.sequence === this.#clock.sequence ? new Map() : await this.#written(clock);
    this.#clock = clock;
    this.#readAt = eventTime(clock, this.#options.clock.now());
    const gone = [...this.#known].filter(([key, event]) => this.#hasGone(event, written.has(key) ? written.get(key) : event));
    for (const [key] of gone) this.#known.delete(key);
    const learned = [...written].flatMap(([key, event]) => this.#learned(key, alive(event, this.#readAt)));
    const told = learned.sort((one, other) => one.sequence - other.sequence).map(({ change }) => change);
    return [...gone.map(([, { event }]) => goneAt(event, position)), ...told];
  }

  /** What may have become different: where the clock does not name it, all there is and was. */
  async #written(clock: EventClock): Promise<ReadonlyMap<string, StoredEvent | undefined>> {
    if (clock.recentAfter <= this.#clock.sequence) return this.#named(clock);
    const { events } = await this.#options.journal.readAll(this.#options.uid, this.#options.namespace);
    return new Map([...[...this.#known.keys()].map((key) => [key, undefined] as const), ...events]);
  }

  /** What the clock says was written since. */
  async #named(clock: EventClock): Promise<Map<string, StoredEvent | undefined>> {
    const { journal, uid, namespace } = this.#options;
    const events = new Map<string, StoredEvent | undefined>();
    for (const { sequence, key } of clock.recent) {
      const isOurs = namespace === undefined || key.startsWith(`event/${namespace}/`);
      if (sequence > this.#clock.sequence && isOurs && !events.has(key)) events.set(key, await journal.read(uid, clock, key));
    }
    return events;
  }

  /** Also where another event has its name by now. */
  #hasGone(before: StoredEvent, now: StoredEvent | undefined): boolean {
    return alive(now, this.#readAt) === undefined || now?.created !== before.created;
  }

  #learned(key: string, now: StoredEvent | undefined): { readonly sequence: number; readonly change: EventChange }[] {
    const before = this.#known.get(key);
    if (now === undefined || now.sequence === before?.sequence) return [];
    this.#known.set(key, now);
    const { event, sequence } = now;
    return [{ sequence, change: { type: before === undefined ? "create" : "update", event, previous: before?.event } }];
  }

  #missed(events: readonly StoredEvent[], after: EventPosition): EventChange[] {
    const now = this.#readAt;
    const told = events.filter((event) => event.sequence > after.sequence && alive(event, now) !== undefined);
    const changes = told
      .sort((one, other) => one.sequence - other.sequence)
      .map(({ created, event }): EventChange => {
        return { type: created > after.sequence ? "create" : "update", event, previous: undefined };
      });
    const expired = events.filter(
      ({ created, expires }) => created <= after.sequence && expires > timeOf(after) && expires <= now,
    );
    const position = versionOf(after.sequence, after.steps);
    return [...expired.map(({ event }) => goneAt(event, position)), ...changes];
  }
}

/** As Kubernetes tells what went: as it was, with a version of its going. */
function goneAt(event: CoreEvent, resourceVersion: string): EventChange {
  const metadata = { ...event.metadata, resourceVersion };
  return { type: "delete", event: deepFreeze({ ...event, metadata }), previous: event };
}
