/**
 * Brings what derives from the log forward: rows and the applied marker, then events and the published marker. Runs on a wake-up,
 * which is only a hint; it may run twice, late, at the same time as others, or stop anywhere (DESIGN section 1, rules 6 and 7).
 */
import type { Clock } from "../base/clock.ts";
import { readEntriesMax } from "../base/limits.ts";
import { fold } from "../log/fold.ts";
import type { Entry, Log, Markers, Objects } from "../log/ports.ts";
import { GoneError } from "./errors.ts";

/** Where events go. Resolves when all are durably handed over; at least once, so a repeat must be harmless. */
export interface Sink {
  publish(uid: string, entries: readonly Entry[]): Promise<void>;
}

export type PublisherOptions = { readonly log: Log; readonly objects: Objects; readonly clock: Clock; readonly sink: Sink };

export type Published = {
  /** Where the run brought the applied marker. */
  readonly applied: number;
  /** Whether it published the seal. */
  readonly sealed: boolean;
  /** Whether both markers came to the head; if not, a bound or another run stood in the way, and there may be more to do. */
  readonly done: boolean;
};

type Run = { readonly entries: readonly Entry[]; readonly end: boolean };

/** Rounds of one run: bounds how long one cluster holds the worker. */
const roundsMax = 20;
/** Changes whose events are handed over before the marker moves: what a run that is cut off does in vain, at most. */
const changesAtOnce = 500;

export class Publisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * Applies and publishes what follows the markers of `uid`, up to the head or a bound. Rows do not wait for events: when the sink
   * fails, applied has moved, and the sink's error comes out. Safe to repeat. @throws GoneError when there is no such life.
   */
  async run(uid: string): Promise<Published> {
    const { applied, published } = await this.#markers(uid);
    const first = await this.#read(uid, applied);
    const rows = await this.#applyFrom(uid, applied, first);
    const events = await this.#publishFrom(uid, published, published === applied ? first : await this.#read(uid, published));
    return { applied: rows.applied, sealed: events.sealed, done: rows.done && events.done };
  }

  /** Applies on from `from`, beginning with the entries in hand. */
  async #applyFrom(uid: string, from: number, first: Run): Promise<{ readonly applied: number; readonly done: boolean }> {
    const { objects, clock } = this.#options;
    let applied = from;
    let run = first;
    for (let round = 0; round < roundsMax; round += 1) {
      // The seal stays above the marker: every cold reader must meet it.
      const entries = run.entries.filter(({ seal }) => seal !== true);
      const to = entries.at(-1)?.revision;
      if (to === undefined) return { applied, done: true };
      await objects.apply(uid, fold(entries), clock.now());
      // Another run moved the marker, perhaps not as far as this one would have.
      if (!(await objects.move(uid, "applied", { from: applied, to }))) return { applied, done: false };
      applied = to;
      if (run.end) return { applied, done: true };
      run = await this.#read(uid, applied);
    }
    return { applied, done: false };
  }

  /** Publishes on from `from`; whether the log is sealed there. */
  async #publishFrom(uid: string, from: number, first: Run): Promise<{ readonly sealed: boolean; readonly done: boolean }> {
    let published = from;
    let run = first;
    for (let round = 0; round < roundsMax; round += 1) {
      const last = run.entries.at(-1);
      if (last === undefined) return { sealed: false, done: true };
      for (const part of partsOf(run.entries)) {
        const to = await this.#publish(uid, published, part);
        if (to === undefined) return { sealed: false, done: false };
        published = to;
      }
      if (run.end) return { sealed: last.seal === true, done: true };
      run = await this.#read(uid, published);
    }
    return { sealed: false, done: false };
  }

  /** Hands `entries` over and moves the marker behind them; undefined when another run has moved it. */
  async #publish(uid: string, from: number, entries: readonly Entry[]): Promise<number | undefined> {
    const { objects, sink } = this.#options;
    const to = entries.at(-1)?.revision ?? from;
    await sink.publish(uid, entries);
    return (await objects.move(uid, "published", { from, to })) ? to : undefined;
  }

  /** What follows; nothing where it was stripped, for then another run has moved the markers. */
  async #read(uid: string, after: number): Promise<Run> {
    const tail = await this.#options.log.read(uid, { after, limit: readEntriesMax, consistent: true });
    return tail.kind === "trimmed"
      ? { entries: [], end: true }
      : { entries: tail.entries.map(({ entry }) => entry), end: tail.end };
  }

  async #markers(uid: string): Promise<Markers> {
    const markers = await this.#options.objects.markers(uid);
    if (markers === undefined) throw new GoneError(0, `there is no cluster ${uid}`);
    return markers;
  }
}

/** `entries` in parts of changesAtOnce or, by the last entry, a few more. */
function partsOf(entries: readonly Entry[]): Entry[][] {
  const parts: Entry[][] = [];
  let changes = changesAtOnce;
  for (const entry of entries) {
    if (changes >= changesAtOnce) {
      parts.push([]);
      changes = 0;
    }
    parts.at(-1)?.push(entry);
    changes += entry.changes.length + 1;
  }
  return parts;
}
