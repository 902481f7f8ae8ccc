/**
 * A cluster's events as of one moment, so that the pages of a list fit together. Of the past there is what the cells still tell: an event
 * that was made later is known by when it was made, and one that has expired stays in its cell for another hour. What was written again or
 * deleted is not kept as it was: where that meets a part that is still to be read, the moment is gone.
 */
import type { CoreEvent } from "../../kinds/core-event.ts";
import { GoneError } from "../errors.ts";
import { type EventClock, eventTime, type StoredEvent } from "./event-clock.ts";
import type { EventFeedOptions } from "./event-feed.ts";

/** `sequence`: of the last write then; `at`: when it was read, which tells what had expired, in milliseconds since 1970. */
export type EventMoment = { readonly sequence: number; readonly at: number };
/** A part of a picture: the events whose keys lie above `after`, and how many they were. */
export type EventRest = EventMoment & { readonly after: string; readonly left: number };
export type EventEntry = { readonly key: string; readonly event: CoreEvent };
export type EventPicture = {
  readonly moment: EventMoment;
  /** In the order of their keys. */
  readonly entries: readonly EventEntry[];
  /** Some are as they were a little later: written again while this was read. */
  readonly isMixed: boolean;
};

/** The events as they are now. */
export async function pictureNow(options: EventFeedOptions): Promise<EventPicture> {
  const { journal, uid, namespace } = options;
  const { clock, events } = await journal.readAll(uid, namespace);
  const moment = { sequence: clock.sequence, at: eventTime(clock, options.clock.now()) };
  const entries = statesOf(events, moment);
  return { moment, entries, isMixed: entries.some(({ sequence }) => sequence > moment.sequence) };
}

/** Whether it shows its moment as it was. Else it is good enough for a list that is given whole, not for one with more pages. */
export async function isExact({ journal, uid }: EventFeedOptions, { moment, isMixed }: EventPicture): Promise<boolean> {
  // Read after the picture: what is missing there had been removed before.
  return !isMixed && (await journal.clock(uid)).floor <= moment.sequence;
}

/** What is still to be read of the picture that was taken then. @throws GoneError when it can't be told any more. */
export async function restOf(options: EventFeedOptions, rest: EventRest): Promise<readonly EventEntry[]> {
  const { journal, uid, namespace } = options;
  const { clock, events } = await journal.readAll(uid, namespace);
  const { sequence, after, left } = rest;
  checkKnown(clock, sequence);
  const states = statesOf(events, rest).filter(({ key }) => key > after);
  // Nothing is added to the events of a moment, so as many as there were are those that there were.
  if (states.length !== left || states.some((state) => state.sequence > sequence))
    throw new GoneError(sequence, "events that followed were written again or deleted since");
  return states;
}

function checkKnown(clock: EventClock, sequence: number): void {
  if (sequence > clock.sequence) throw new GoneError(sequence, `it lies above the last event's, ${clock.sequence}`);
}

type State = EventEntry & { readonly sequence: number };

/** Those that were there at that moment and still are in their cells, perhaps in a later state. */
function statesOf(events: ReadonlyMap<string, StoredEvent>, { sequence, at }: EventMoment): State[] {
  const states: State[] = [];
  for (const [key, stored] of events) {
    if (stored.created <= sequence && stored.expires > at) states.push({ key, event: stored.event, sequence: stored.sequence });
  }
  return states.sort((one, other) => (one.key < other.key ? -1 : 1));
}
