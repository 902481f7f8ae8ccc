/**
 * One minute's healing of what derives from the logs: clusters that are known to lag are brought forward, others are looked at for lag
 * that nobody noted, and once a day each is swept: old entries become stubs, and what owners left is collected. Bounded in time; what is
 * not done by then is noted, or comes in the next minute. Two at once do no harm.
 */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { Cells, Log, Objects } from "../../log/ports.ts";
import type { Clusters } from "../clusters.ts";
import type { Aftercare } from "../garbage/aftercare.ts";
import type { Publisher } from "../publisher.ts";
import { Stripper } from "../stripper.ts";
import { isForward } from "./bring-forward.ts";
import type { LagNote, LagNotes } from "./lag-notes.ts";
import { lagOf } from "./lag-of.ts";
import { partOf, type RoundState, RoundStates, withSweep } from "./rounds.ts";

export type HealerOptions = {
  readonly log: Log;
  readonly objects: Objects;
  readonly cells: Cells;
  readonly clusters: Pick<Clusters, "retentions" | "nameOf">;
  readonly publisher: Pick<Publisher, "run">;
  readonly aftercare: Pick<Aftercare, "sweep">;
  readonly notes: LagNotes;
  readonly clock: Clock;
  readonly logger: Logger;
  /** By the monotonic clock: nothing begins after it. */
  readonly endsMs: number;
};

export type ClusterLag = {
  /** undefined: the root. */
  readonly cluster: string | undefined;
  /** Before it was brought forward. */
  readonly ms: number;
  /** Entries that were applied then. */
  readonly entries: number;
};

export type Healed = {
  /** Of the clusters that were looked at, those that lagged. */
  readonly lags: readonly ClusterLag[];
  /** Clusters that could not be brought forward, or not be swept. */
  readonly failures: number;
};

/** Uids and how long, in milliseconds, their entries are kept. */
type Lives = ReadonlyMap<string, number>;

/** Notes of one minute: more than can be worked off in it. */
const notesMax = 1_000;
/** Clusters that are worked on at once. */
const atOnce = 8;
/** A publisher that was woken is at work on younger entries. */
const graceMs = 5_000;
/** Steps, of a hundred entries, between two looks at the clock. */
const stepsAtOnce = 5;

export class Healer {
  readonly #options: HealerOptions;

  constructor(options: HealerOptions) {
    this.#options = options;
  }

  /** @throws what reading the clusters or the state of the rounds throws: then nothing was healed. */
  async round(): Promise<Healed> {
    const { clusters, notes, cells } = this.#options;
    const lives = await clusters.retentions();
    const states = new RoundStates(cells);
    const state = await states.read();
    const known = await notes.list(notesMax);
    const noted = await this.#each(known, (note) => this.#healNoted(note, lives));
    const { part, looked } = partOf([...lives.keys()].sort(), state.looked);
    const isKnown = new Set(known.map(({ uid }) => uid));
    const unnoted = await this.#each(
      part.filter((uid) => !isKnown.has(uid)),
      (uid) => this.#bringForward(uid, graceMs),
    );
    const failed = await this.#sweep({ states, before: state, looked }, lives);
    const outcomes = [...noted, ...unnoted];
    return {
      lags: outcomes.map(({ lag }) => lag).filter((lag) => lag !== undefined),
      failures: outcomes.filter(({ isWell }) => !isWell).length + failed,
    };
  }

  async #healNoted(note: LagNote, lives: Lives): Promise<Outcome> {
    const outcome = await this.#bringForward(note.uid, 0);
    const isWell = outcome.isWell && (!note.sweep || (await this.#sweepOne(note.uid, lives)));
    if (isWell) await this.#options.notes.remove(note);
    return { ...outcome, isWell };
  }

  /** Younger lag than `graceMs` is left to the publisher. */
  async #bringForward(uid: string, grace: number): Promise<Outcome> {
    const { objects, clusters } = this.#options;
    const { ms, markers } = await lagOf(uid, this.#options);
    if (markers === undefined || ms === 0 || ms < grace) return { isWell: true };
    const isWell = await isForward(uid, this.#options);
    const applied = (await objects.markers(uid))?.applied ?? markers.applied;
    return { isWell, lag: { cluster: await clusters.nameOf(uid), ms, entries: applied - markers.applied } };
  }

  /** Goes on with the daily sweep, or begins it; how many clusters could not be swept, which are noted. */
  async #sweep({ states, before, looked }: Progress, lives: Lives): Promise<number> {
    const { clock, notes } = this.#options;
    let state = withSweep({ ...before, looked }, clock.now());
    let failed = 0;
    for (const uid of [...lives.keys()].sort()) {
      if (state.swept === undefined || uid <= state.swept) continue;
      if (this.#isOver()) return failed;
      state = { ...state, swept: uid };
      // Written first: one that ends the process is not come to again and again, before all others.
      if (!(await states.write(state))) return failed;
      if (await this.#sweepOne(uid, lives)) continue;
      failed += 1;
      await notes.add(uid, { sweep: true });
    }
    const done = { ...state, swept: undefined };
    if (state.swept !== undefined || looked !== before.looked) await states.write(done);
    return failed;
  }

  /** Whether its old entries are stripped and its garbage is collected. Never rejects. */
  async #sweepOne(uid: string, lives: Lives): Promise<boolean> {
    const { aftercare, logger } = this.#options;
    try {
      return (await this.#strip(uid, lives.get(uid))) && (await aftercare.sweep(uid));
    } catch (error) {
      logger.log("error", "old entries can't be stripped", { cluster: uid, error });
      return false;
    }
  }

  /** Whether nothing old is left. Absent: the cluster is gone. */
  async #strip(uid: string, retentionMs: number | undefined): Promise<boolean> {
    if (retentionMs === undefined || !Number.isFinite(retentionMs)) return true;
    const stripper = new Stripper(this.#options);
    const before = this.#options.clock.now() - retentionMs;
    while (!this.#isOver()) if ((await stripper.run(uid, { before, steps: stepsAtOnce })) === 0) return true;
    return false;
  }

  /** Some at once; those that the time is over for count as well: they come in the next minute. */
  async #each<T>(items: readonly T[], heal: (item: T) => Promise<Outcome>): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const waiting = items.values();
    const work = async (): Promise<void> => {
      for (const item of waiting) if (!this.#isOver()) outcomes.push(await this.#try(item, heal));
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
    return outcomes;
  }

  async #try<T>(item: T, heal: (item: T) => Promise<Outcome>): Promise<Outcome> {
    try {
      return await heal(item);
    } catch (error) {
      this.#options.logger.log("error", "a cluster can't be healed now", { cluster: item, error });
      return { isWell: false };
    }
  }

  #isOver(): boolean {
    return this.#options.clock.monotonic() >= this.#options.endsMs;
  }
}

type Outcome = { readonly isWell: boolean; readonly lag?: ClusterLag };
type Progress = { readonly states: RoundStates; readonly before: RoundState; readonly looked: string };
