/**
 * Turns callbacks into entries: the one place that appends. Callbacks that wait are run in sequence, each on the state the ones
 * before it left, and appended together, as many as the log takes. DESIGN section 1, rules 1 to 5: one id a transaction, rerun
 * on conflict, no answer from old state, back-pressure.
 */
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import { commitLossesMax, commitQueueMax, commitTimeMaxMs, loadsMax, runBytesMax } from "../base/limits.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import { encodeEntry } from "../log/codec.ts";
import type { EncodedEntry, Log } from "../log/ports.ts";
import { BusyError, OutcomeUnknownError, SealedError, UnavailableError } from "./errors.ts";
import { Overlay } from "./overlay.ts";
import { type Amount, growthOf, nothing, sum } from "./quota/usage.ts";
import { Reader } from "./reader.ts";
import type { Miss, Replica } from "./replica.ts";
import { Transaction, type TransactionContext } from "./transaction.ts";

export type CommitterOptions = {
  readonly uid: string;
  readonly log: Log;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly scope: KindDefinition["scope"];
  /** `count`: how many of them; absent: one. */
  readonly observe: (event: CommitEvent, count?: number) => void;
  /** Whether transactions ask how much those ahead of them add. */
  readonly isCounting: () => boolean;
};

/** What happened in the commit path, for metrics. */
export type CommitEvent = "commit" | "conflict" | "unclear";

export type Answer<T> = {
  readonly value: T;
  /** The commit's revision, or the revision of the state that the value was read from. */
  readonly revision: number;
  /** Whether something was committed. */
  readonly changed: boolean;
};

type Job = {
  readonly call: (transaction: Transaction) => unknown;
  readonly seal: boolean;
  readonly context: TransactionContext;
  readonly ticket: number;
  readonly startedMs: number;
  readonly resolve: (answer: Answer<unknown>) => void;
  readonly reject: (error: unknown) => void;
  /** Names of the tables it loaded. */
  readonly tables: Set<string>;
  losses: number;
  loads: number;
};

/** What the entries that stand before a transaction in its run come to. */
type Ahead = { readonly entries: number; readonly bytes: number; readonly grown: Amount };

/** A run's result, told to its caller once the state it stands on is certain. */
type Outcome = { readonly job: Job; readonly changed: boolean; readonly tell: () => void };
type Attempt =
  | { readonly kind: "outcome"; readonly outcome: Outcome; readonly encoded?: EncodedEntry }
  | { readonly kind: "miss"; readonly miss: Miss };

/** The first wait of a loser or after an unclear answer, at most; it doubles with each loss or try. */
const firstWaitMs = 4;
const waitMaxMs = 400;
/** A loser's wait comes to this at most, and to less the longer its caller waits, so that nobody is passed over for ever. */
const lossWaitMaxMs = 128;
const lossWaitMinMs = 8;
const lossWaitShrinksMs = 2_000;
/** Who committed lets others go first, for up to two round trips, if it lost to somebody so short a time ago: it alone knows the head at once. */
const giveWayMs = 15;
const contendedMs = 100;
/** After so long a rest a read is cheaper than a lost put. */
const restMs = 60_000;

export class Committer {
  readonly #options: CommitterOptions;
  #queue: Job[] = [];
  #draining = false;
  #lastAppendMs: number;
  #lastLossMs = Number.NEGATIVE_INFINITY;
  #mayGoFirst = true;
  /** Whether others have committed more than the last loss told. */
  #isBehind = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#lastAppendMs = options.clock.monotonic();
  }

  /** Transactions that wait now. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Runs `call` as a transaction; see Store.update for what it may throw. `seal` ends the log with its entry. */
  run<T>(call: (transaction: Transaction) => T, actor: string, seal = false): Promise<Answer<T>> {
    if (this.#queue.length >= commitQueueMax) {
      return Promise.reject(new UnavailableError(`${this.#queue.length} transactions are waiting; at most ${commitQueueMax}`));
    }
    const { clock, replica } = this.#options;
    const context = this.#context(actor);
    return new Promise((resolve, reject) => {
      const told = resolve as (answer: Answer<unknown>) => void;
      const startedMs = clock.monotonic();
      this.#enqueue({
        call,
        seal,
        context,
        ticket: replica.ticket(),
        startedMs,
        resolve: told,
        reject,
        tables: new Set(),
        losses: 0,
        loads: 0,
      });
    });
  }

  #context(actor: string): TransactionContext {
    const { clock, ids } = this.#options;
    const uids: string[] = [];
    const uid = (n: number): string => {
      while (uids.length <= n) uids.push(ids.uuid());
      return uids[n] as string;
    };
    return { id: ids.uuid(), actor, now: clock.now(), uid };
  }

  #enqueue(job: Job): void {
    this.#queue.push(job);
    if (!this.#draining) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    // Callers that arrive in the same turn of the loop share the first append.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      await this.#options.log.gather?.();
      try {
        await this.#round();
      } catch (error) {
        for (const job of this.#queue.splice(0)) job.reject(error);
      }
    }
    this.#draining = false;
  }

  /** Runs what waits on the newest state known, appends what it changed, and tells the callers. */
  async #round(): Promise<void> {
    const { replica, clock } = this.#options;
    await this.#giveWay();
    const rested = clock.monotonic() - this.#lastAppendMs > restMs;
    if (replica.revision === undefined) await this.#warmUp();
    else if (rested || this.#isBehind) await replica.sync();
    this.#isBehind = false;
    this.#lastAppendMs = clock.monotonic();
    await replica.checkLag();
    const base = replica.revision;
    if (base === undefined) return;
    if (replica.sealed) throw new SealedError(this.#options.uid);
    const { outcomes, run } = this.#runWaiting(base);
    try {
      if (run.length > 0) await this.#append(run, outcomes);
      else await this.#answer(base, outcomes);
    } catch (error) {
      for (const { job } of outcomes) job.reject(error);
      throw error;
    }
  }

  /** Of a cold replica the first caller's keys are loaded at once: that begins the replica, too. */
  async #warmUp(): Promise<void> {
    const { replica } = this.#options;
    const job = this.#queue[0];
    if (job === undefined) return;
    const attempt = this.#attempt(job, new Overlay(), 1, { entries: 0, bytes: 0, grown: nothing });
    if (attempt.kind === "miss") await replica.load(attempt.miss, job.tables);
    else await replica.sync();
  }

  /** Tells what was found without a change, once it is certain that `base` was still the head after each caller came. */
  async #answer(base: number, outcomes: readonly Outcome[]): Promise<void> {
    const { replica } = this.#options;
    // Asked again after the sync: in the moment between, another caller may have dropped the replica and begun it anew.
    const isCertain = () => replica.revision === base && outcomes.every(({ job }) => replica.fresh(job.ticket));
    if (!isCertain()) await replica.sync();
    if (isCertain()) tellAll(outcomes);
    else this.#again(outcomes);
  }

  /** Runs waiting jobs, one on top of the other, until the log takes no more at once. */
  #runWaiting(base: number): { outcomes: Outcome[]; run: EncodedEntry[] } {
    const { log, isCounting } = this.#options;
    const overlay = new Overlay();
    const outcomes: Outcome[] = [];
    const run: EncodedEntry[] = [];
    let bytes = 0;
    let grown = nothing;
    let taken = 0;
    while (run.length < log.appendMax && bytes < runBytesMax && taken < this.#queue.length) {
      const job = this.#queue[taken] as Job;
      taken += 1;
      if (this.#gaveUp(job)) continue;
      const mark = overlay.mark();
      const attempt = this.#attempt(job, overlay, base + run.length + 1, { entries: run.length, bytes, grown });
      if (attempt.kind === "miss") {
        overlay.rollback(mark);
        this.#load(job, attempt.miss);
        continue;
      }
      outcomes.push(attempt.outcome);
      if (attempt.encoded === undefined) overlay.rollback(mark);
      else {
        run.push(attempt.encoded);
        bytes += attempt.encoded.bytes.length;
        if (isCounting()) grown = sum(grown, growthOf(attempt.encoded.entry.changes));
        if (job.seal) break;
      }
    }
    this.#queue.splice(0, taken);
    return { outcomes, run };
  }

  #attempt(job: Job, overlay: Overlay, revision: number, ahead: Ahead): Attempt {
    const { replica, scope, log } = this.#options;
    const reader = new Reader(replica, overlay);
    const transaction = new Transaction({ reader, overlay, context: job.context, scope, revision, ahead: ahead.grown });
    try {
      const value = job.call(transaction);
      const miss = reader.missed;
      if (miss !== undefined) return { kind: "miss", miss };
      const { changes } = transaction;
      if (changes.length === 0 && !job.seal) {
        return {
          kind: "outcome",
          outcome: { job, changed: false, tell: () => job.resolve({ value, revision: revision - 1, changed: false }) },
        };
      }
      const { id, now, actor } = job.context;
      const entry = { revision, id, time: now, actor, changes, ...(job.seal && { seal: true as const }) };
      const encoded = encodeEntry(entry, log.compressAboveBytes);
      const refusal = replica.lag.refusal(ahead.entries + 1, ahead.bytes + encoded.bytes.length);
      if (refusal !== undefined) throw new UnavailableError(refusal);
      const tell = () => job.resolve({ value, revision, changed: true });
      return { kind: "outcome", outcome: { job, changed: true, tell }, encoded };
    } catch (error) {
      const miss = reader.missed;
      if (miss !== undefined) return { kind: "miss", miss };
      return { kind: "outcome", outcome: { job, changed: false, tell: () => job.reject(error) } };
    }
  }

  /** Appends `run`, the same bytes until the answer is definite, then tells the callers or lets them run again. */
  async #append(run: readonly EncodedEntry[], outcomes: readonly Outcome[]): Promise<void> {
    const { uid, log, replica, clock, observe } = this.#options;
    const first = (run[0] as EncodedEntry).entry;
    const deadline = clock.monotonic() + commitTimeMaxMs;
    let unclear = false;
    for (let tries = 0; ; tries += 1) {
      const proof = replica.beginProof();
      const appended = await log.append(uid, run);
      if (appended.kind === "committed" || (appended.kind === "conflict" && appended.entry?.entry.id === first.id)) {
        // Found by its id, it was put by an earlier try: others may have committed on top of it since, so that proves nothing.
        replica.committed(run, appended.kind === "committed" ? proof : 0);
        observe("commit", run.length);
        this.#mayGoFirst = false;
        return tellAll(outcomes);
      }
      if (appended.kind === "conflict") return this.#lost(appended.entry, first.revision, outcomes);
      unclear ||= appended.kind === "unknown";
      observe("unclear");
      if (clock.monotonic() >= deadline) {
        const error = unclear ? new OutcomeUnknownError(first.revision, appended.cause) : unavailable(appended.cause);
        return this.#fail(outcomes, error);
      }
      await this.#wait(tries);
    }
  }

  /** Another entry stands at `revision`, or a stub. The first is applied and everybody runs again; of a stub nobody knows whose it was. */
  async #lost(winner: EncodedEntry | undefined, revision: number, outcomes: readonly Outcome[]): Promise<void> {
    const { replica, observe } = this.#options;
    observe("conflict");
    if (winner === undefined) {
      replica.drop();
      return this.#fail(outcomes, new OutcomeUnknownError(revision));
    }
    replica.committed([winner], 0);
    for (const { job, changed } of outcomes) if (changed) job.losses += 1;
    await this.#waitAfterLoss(outcomes.map(({ job }) => job));
    this.#again(outcomes);
  }

  /** A loser who was one behind knows the head now. One who loses again was further behind, and is so after its wait: it reads on. */
  #waitAfterLoss(losers: readonly Job[]): Promise<void> {
    const { clock, ids } = this.#options;
    const losses = Math.max(...losers.map((job) => job.losses));
    this.#lastLossMs = clock.monotonic();
    this.#isBehind = losses > 1;
    const ageMs = this.#lastLossMs - Math.min(...losers.map(({ startedMs }) => startedMs));
    const mostMs = Math.max(lossWaitMinMs, lossWaitMaxMs * (1 - ageMs / lossWaitShrinksMs));
    return clock.sleep(ids.random() * Math.min(mostMs, firstWaitMs * 2 ** (losses - 1)));
  }

  async #giveWay(): Promise<void> {
    const { clock, ids } = this.#options;
    const isContended = clock.monotonic() - this.#lastLossMs < contendedMs;
    if (!this.#mayGoFirst && isContended) await clock.sleep(ids.random() * giveWayMs);
    this.#mayGoFirst = true;
  }

  /** Tells `error` to those whose changes were in the run; the others read again. */
  #fail(outcomes: readonly Outcome[], error: Error): void {
    for (const { job, changed } of outcomes) if (changed) job.reject(error);
    this.#again(outcomes.filter(({ changed }) => !changed));
  }

  #again(outcomes: readonly Outcome[]): void {
    this.#queue.unshift(...outcomes.map(({ job }) => job));
  }

  #gaveUp(job: Job): boolean {
    const waitedMs = this.#options.clock.monotonic() - job.startedMs;
    if (job.losses < commitLossesMax && (job.losses === 0 || waitedMs < commitTimeMaxMs)) return false;
    job.reject(new BusyError(`others committed first ${job.losses} times in ${Math.round(waitedMs)} ms; try again`));
    return true;
  }

  /** Loads what a job missed beside the rounds of the others, then lets it run again. */
  #load(job: Job, miss: Miss): void {
    job.loads += 1;
    if (job.loads > loadsMax) {
      job.reject(new UnavailableError(`a transaction read ${loadsMax} times what was not cached`));
      return;
    }
    const again = () => {
      this.#queue.unshift(job);
      if (!this.#draining) void this.#drain();
    };
    this.#options.replica.load(miss, job.tables).then(again, job.reject);
  }

  #wait(tries: number): Promise<void> {
    const { clock, ids } = this.#options;
    return clock.sleep(ids.random() * Math.min(waitMaxMs, firstWaitMs * 2 ** tries));
  }
}

function tellAll(outcomes: readonly Outcome[]): void {
  for (const { tell } of outcomes) tell();
}

function unavailable(cause: unknown): UnavailableError {
  return new UnavailableError(`the log takes no entries now: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
}
