/**
 * The order of a cluster's events: one cell that every write of an event replaces, and so passes one after the other, in whatever
 * process. It carries the write itself until that has landed in the event's own cell: so there is no moment in which a reader that knows a
 * sequence could miss what belongs to it. Sequences are the times of the writes in milliseconds, each above the one before.
 */
import type { JsonObject } from "../../base/json.ts";
import type { CoreEvent } from "../../kinds/core-event.ts";
import type { Cell } from "../../log/ports.ts";

/** DESIGN section 4: events are kept one hour from their last write. */
export const eventMs = 3_600_000;
/** Expired ones stay readable for so long, so that a watch that goes on from before learns that they went. */
export const expiredKeptMs = 3_600_000;

export type StoredEvent = {
  readonly event: CoreEvent;
  /** The sequence that made it. */
  readonly created: number;
  /** The sequence of its last write. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
};

/** What a write does to the events' own cells. */
export type EventWrite = {
  readonly put?: { readonly key: string; readonly stored: StoredEvent };
  readonly removed: readonly string[];
};

export type EventClock = {
  /** Of the last write. */
  readonly sequence: number;
  /** Events were removed in this write: what came before it can't be continued. */
  readonly floor: number;
  /** How many events were made. */
  readonly made: number;
  /** The last writes, oldest first: all above the sequence `recentAfter`. */
  readonly recent: readonly { readonly sequence: number; readonly key: string }[];
  readonly recentAfter: number;
  readonly write: EventWrite;
};

export const clockKey = "event-clock";
/** Writes that the clock names, so that a watcher need not read all events again. */
const recentMax = 8;
/** Before the first write. Not 0: to a client that means any version. */
const firstSequence = 1;
const noClock: EventClock = {
  sequence: firstSequence,
  floor: firstSequence,
  made: 0,
  recent: [],
  recentAfter: firstSequence,
  write: { removed: [] },
};

/** undefined: there was no event yet. */
export const clockOf = (cell: Cell | undefined): EventClock =>
  cell === undefined ? noClock : (cell.value as unknown as EventClock);
export const clockValue = (clock: EventClock): JsonObject => clock as unknown as JsonObject;

/** The sequence of the next write. */
export const nextSequence = ({ sequence }: EventClock, now: number): number => Math.max(now, sequence + 1);

/** What time it is for events: never before their last write, so that a position's time is never later than what was read there. */
export const eventTime = ({ sequence }: Pick<EventClock, "sequence">, now: number): number => Math.max(now, sequence);

/** `isSweep`: others are removed beside what is put. */
export function advanced(
  clock: EventClock,
  step: {
    readonly sequence: number;
    readonly key: string;
    readonly isNew: boolean;
    readonly isSweep: boolean;
    readonly lost: boolean;
  },
  write: EventWrite,
): EventClock {
  const { sequence, key, isNew, isSweep, lost } = step;
  const all = isSweep ? [{ sequence, key }] : [...clock.recent, { sequence, key }];
  const recent = all.slice(-recentMax);
  const dropped = all[all.length - recent.length - 1];
  return {
    sequence,
    floor: lost ? sequence : clock.floor,
    made: clock.made + (isNew ? 1 : 0),
    recent,
    recentAfter: isSweep ? sequence : (dropped?.sequence ?? clock.recentAfter),
    write,
  };
}

/**
 * A position is a sequence and how long after it somebody read, in steps: that tells what had expired by then. It grows with either, and
 * the position of a later write is above both. As a resourceVersion: sequence x 1000 + steps.
 */
export type EventPosition = { readonly sequence: number; readonly steps: number };
const stepMs = 8_000;
/** 2.2 hours: then all that the sequence knew has expired, and been removed. */
const stepsMax = 999;

export function positionAt({ sequence }: Pick<EventClock, "sequence">, now: number): string {
  const steps = Math.min(stepsMax, Math.max(0, Math.floor((now - sequence) / stepMs)));
  return String(sequence * 1_000 + steps);
}

/** As an event carries it. */
export const versionOfWrite = (sequence: number): string => String(sequence * 1_000);

/** When it was read, at the latest to the length of a step. */
export const timeOf = ({ sequence, steps }: EventPosition): number => sequence + steps * stepMs;

/** Whether all that happened after `position` can still be told. */
export function continues(clock: EventClock, position: EventPosition, now: number): boolean {
  if (position.sequence > clock.sequence) return false;
  // Nothing was known, so nothing of it can be lost.
  if (position.sequence === firstSequence) return true;
  if (position.sequence < clock.floor) return false;
  const read = timeOf(position);
  return read >= position.sequence + eventMs || now - read <= expiredKeptMs;
}
