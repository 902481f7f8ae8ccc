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

/** Where a run brought the applied marker, and whether it published the seal. */
export type Published = { readonly applied: number; readonly sealed: boolean };

type Run = { readonly entries: readonly Entry[]; readonly end: boolean };

/** Rounds of one run: bounds how long one cluster holds the worker. */
const roundsMax = 20;

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
    const end = await this.#applyFrom(uid, applied, first);
    const sealed = await this.#publishFrom(uid, published, published === applied ? first : await this.#read(uid, published));
    return { ...end, sealed };
  }

  /** Applies on from `from`, beginning with the entries in hand. */
  async #applyFrom(uid: string, from: number, first: Run): Promise<{ readonly applied: number }> {
    const { objects, clock } = this.#options;
    let applied = from;
    let run = first;
    for (let round = 0; round < roundsMax; round += 1) {
      // The seal stays above the marker: every cold reader must meet it.
      const entries = run.entries.filter(({ seal }) => seal !== true);
      const to = entries.at(-1)?.revision;
      if (to === undefined) break;
      await objects.apply(uid, fold(entries), clock.now());
      // Another run may have moved the marker further; then this one has nothing left to do here.
      if (!(await objects.move(uid, "applied", { from: applied, to }))) break;
      applied = to;
      if (run.end) break;
      run = await this.#read(uid, applied);
    }
    return { applied };
  }

  /** Publishes on from `from`; whether the log is sealed there. */
  async #publishFrom(uid: string, from: number, first: Run): Promise<boolean> {
    const { objects, sink } = this.#options;
    let published = from;
    let run = first;
    for (let round = 0; round < roundsMax; round += 1) {
      const last = run.entries.at(-1);
      if (last === undefined) return false;
      await sink.publish(uid, run.entries);
      if (!(await objects.move(uid, "published", { from: published, to: last.revision }))) return false;
      published = last.revision;
      if (run.end) return last.seal === true;
      run = await this.#read(uid, published);
    }
    return false;
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
