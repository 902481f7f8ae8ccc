/**
 * The state of one life of one cluster: swarmkit's store on a log. `view` and `update` run callbacks on one coherent state,
 * `watch` tells what changes, `save` and `restore` move all of it. DESIGN section 2; every answer names its revision.
 */
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import { entryChangesMax, loadsMax, readEntriesMax, watchQueueMax } from "../base/limits.ts";
import type { Logger } from "../base/logger.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import type { Registry } from "../kinds/registry.ts";
import type { Log, Objects } from "../log/ports.ts";
import { type BatchResult, type BatchStep, runBatch } from "./batch.ts";
import { type Answer, type CommitEvent, Committer } from "./committer.ts";
import { GoneError, SealedError, UnavailableError } from "./errors.ts";
import type { Specifier } from "./event.ts";
import { Filter } from "./filter.ts";
import { Hub } from "./hub.ts";
import { ObjectIndexes } from "./object-indexes.ts";
import { Overlay } from "./overlay.ts";
import type { Meter } from "./quota/meter.ts";
import { Reader } from "./reader.ts";
import { type Miss, Replica } from "./replica.ts";
import { restoreSteps, type Snapshot, takeSnapshot } from "./snapshot.ts";
import { Transaction } from "./transaction.ts";
import { lastWhole, type Position, versionAt } from "./version.ts";
import { type CatchUp, Watch } from "./watch.ts";

export type StoreOptions = {
  readonly uid: string;
  readonly log: Log;
  readonly objects: Objects;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Which kinds live in this log: the root's (Clusters) or a cluster's. */
  readonly scope: KindDefinition["scope"];
  /** JSON kept in memory, about, in bytes. */
  readonly cachedBytesMax?: number;
  readonly observe?: (event: CommitEvent, count?: number) => void;
  /** Holds clients to the cluster's quotas; absent: there are none. */
  readonly meter?: Meter;
};

export type UpdateOptions = { readonly actor: string };
/** `isHeld`: to the cluster's quotas, as what clients write: each step to objects and bytes, each entry to the commits a second. */
export type BatchOptions = UpdateOptions & { readonly isHeld?: boolean };
/** `at`: the state as of that revision, not the newest. */
export type ViewOptions = { readonly at?: number };

const cachedBytesDefault = 256 * 1024 * 1024;
/** Entries that a watcher reads at once to catch up: with all their changes and commits they fit its queue. */
const catchUpEntries = Math.floor(watchQueueMax / (entryChangesMax + 1));
/** How often a log that others write, too, is asked for news while somebody watches. */
const pollMs = 250;
const pollQuietMs = 1_000;
const quietAfterPolls = 20;
/** How often a caller begins again because the replica was dropped under it. */
const startsMax = 5;

export class Store implements CatchUp {
  readonly uid: string;
  readonly registry: Registry;
  readonly meter: Meter | undefined;
  readonly #options: StoreOptions;
  readonly #replica: Replica;
  readonly #committer: Committer;
  readonly #hub: Hub;
  readonly #indexes = new Map<string, ObjectIndexes>();
  readonly #stop = new AbortController();
  #polling = false;

  constructor(options: StoreOptions) {
    const { uid, log, objects, clock, ids, registry, scope } = options;
    this.#options = options;
    this.uid = uid;
    this.registry = registry;
    this.meter = options.meter;
    const indexesOf = (plural: string) => this.#indexesOf(plural);
    this.#hub = new Hub(indexesOf);
    this.#replica = new Replica({
      uid,
      log,
      objects,
      clock,
      indexesOf,
      cachedBytesMax: options.cachedBytesMax ?? cachedBytesDefault,
      onEntry: (entry) => {
        this.meter?.see(entry);
        this.#hub.publish(entry);
      },
      onDrop: (revision) => {
        this.meter?.forget();
        this.#hub.restart(revision);
      },
    });
    const observe = options.observe ?? (() => undefined);
    const isCounting = () => this.meter?.isCounting ?? false;
    this.#committer = new Committer({ uid, log, replica: this.#replica, clock, ids, scope, observe, isCounting });
  }

  /** The last revision that this process knows; 0 while it has read nothing. */
  get revision(): number {
    return this.#replica.revision ?? 0;
  }

  /** The life's first revision, which never changes: one below it belongs to another life. 0 while nothing was read. */
  get first(): number {
    return this.#replica.first;
  }

  /** Live watchers, events that wait for them, and transactions that wait. */
  get load(): { readonly watchers: number; readonly events: number; readonly transactions: number } {
    return { watchers: this.#hub.size, events: this.#hub.queued, transactions: this.#committer.waiting };
  }

  /**
   * Runs `call` on one coherent state that is at least as new as this call, or as of the revision `at`. It must only read, be
   * synchronous, and may run several times; what it throws comes out unchanged.
   * @throws GoneError when `at` lies outside what the log still has; SealedError when the cluster was deleted. Safe to repeat.
   */
  async view<T>(call: (transaction: Transaction) => T, { at }: ViewOptions = {}): Promise<Answer<T>> {
    const { value, revision } = await this.#read(at, call);
    return { value, revision, changed: false };
  }

  /**
   * Runs `call` as a transaction: what it changed is committed as one entry, or nothing is. It must be synchronous, read and write
   * through the transaction only, and may run several times. What it throws comes out unchanged, with nothing written.
   * @throws BusyError, UnavailableError, TooLargeError, SealedError: nothing was written. OutcomeUnknownError: read before trying again.
   */
  update<T>(call: (transaction: Transaction) => T, { actor }: UpdateOptions): Promise<Answer<T>> {
    return this.#committer.run(call, actor);
  }

  /**
   * Runs `steps`, each atomic, together in as few entries as their bounds allow; others' commits may come in between.
   * @throws BatchError when a step fails; those of former entries stay committed, later ones did not run.
   */
  batch(steps: Iterable<BatchStep>, { actor, isHeld = false }: BatchOptions): Promise<BatchResult> {
    const meter = isHeld ? this.meter : undefined;
    const checked = meter === undefined ? steps : checkedSteps(steps, meter);
    return runBatch(checked, async (call) => {
      const admission = await meter?.admitInTurn();
      let committed = false;
      try {
        const answer = await this.#committer.run(call, actor);
        committed = answer.changed;
        return answer;
      } finally {
        admission?.done(committed);
      }
    });
  }

  /** What happens from now on; see event.ts for specifiers (none: everything). @throws InvalidSelectorError, SealedError. */
  async watch(...specifiers: readonly Specifier[]): Promise<Watch> {
    return (await this.viewAndWatch(() => undefined, ...specifiers)).watch;
  }

  /** A view, and a watch of exactly what comes after it. */
  async viewAndWatch<T>(
    call: (transaction: Transaction) => T,
    ...specifiers: readonly Specifier[]
  ): Promise<Answer<T> & { readonly watch: Watch }> {
    const filter = this.#filter(specifiers);
    const { value, revision, watch } = await this.#read(undefined, call, (at) => this.#liveWatch(filter, at));
    return { value, revision, changed: false, watch: watch as Watch };
  }

  /**
   * What happened after `position`, then what happens from now on, without a gap or a repeat.
   * @throws GoneError when the log does not reach back so far, or the position belongs to another life: list afresh.
   */
  async watchFrom(position: Position, ...specifiers: readonly Specifier[]): Promise<Watch> {
    const filter = this.#filter(specifiers);
    const ticket = this.#replica.ticket();
    const head = await this.#freshen(ticket);
    if (lastWhole(position) > head || (position.place !== 999 && position.revision > head)) {
      throw new GoneError(position.revision, `it lies above the head, ${head}`);
    }
    this.#checkLife(lastWhole(position));
    const watch = new Watch(filter, position, this);
    await this.feed(watch);
    const end = watch.ended ? watch.end : undefined;
    if (end?.reason === "gone") throw new GoneError(position.revision, end.message);
    return watch;
  }

  /** Everything, as of one revision. */
  async save(): Promise<Snapshot> {
    const { value, revision } = await this.view((transaction) => takeSnapshot(transaction, this.#kinds()));
    return { revision, objects: value };
  }

  /**
   * Makes the state equal to `snapshot`: updates what is there, creates what is missing, deletes what is not in it. Objects get the
   * versions of these commits. Runs as a batch that is held to the cluster's quotas. @throws BatchError.
   */
  async restore(snapshot: Snapshot, options: UpdateOptions): Promise<BatchResult> {
    const { value: current } = await this.view((transaction) => takeSnapshot(transaction, this.#kinds()));
    return this.batch(restoreSteps(snapshot, current, this.registry), { ...options, isHeld: true });
  }

  /** Ends this life: appends the seal, after which nothing commits or applies. @throws SealedError when it was ended before. */
  async seal(options: UpdateOptions): Promise<number> {
    return (await this.#committer.run(() => undefined, options.actor, true)).revision;
  }

  /** Ends all watches and polling. What was committed stays. */
  close(): void {
    this.#stop.abort();
    this.#hub.restart(this.revision);
  }

  /** For watches only: reads on for one that is not live. */
  async feed(watch: Watch): Promise<void> {
    const { log, uid } = this.#options;
    const { position } = watch;
    if (position.place === 999 && position.revision === this.#replica.revision) return this.#join(watch);
    const tail = await log.read(uid, { after: lastWhole(position), limit: catchUpEntries, consistent: true });
    if (watch.ended) return;
    if (tail.kind === "trimmed") {
      return watch.endWith({ reason: "gone", resourceVersion: watch.progress, message: "the log does not reach back so far" });
    }
    for (const { entry } of tail.entries) {
      for (const event of watch.filter.seeEntry(entry, position)) watch.push(event);
      watch.advance({ revision: entry.revision, place: 999 });
      if (entry.seal === true) return watch.endWith({ reason: "sealed", resourceVersion: versionAt(entry.revision) });
    }
    if (!tail.end) return;
    // A position in the middle of the last entry whose rest is empty.
    if (watch.position.place !== 999) watch.advance({ revision: watch.position.revision, place: 999 });
    if ((this.#replica.revision ?? 0) < watch.position.revision) await this.#replica.sync();
    if (this.#replica.revision === watch.position.revision && !watch.ended) this.#join(watch);
  }

  /** For watches only. */
  closed(watch: Watch): void {
    this.#hub.remove(watch);
  }

  #join(watch: Watch): void {
    this.#hub.add(watch);
    if (!this.#polling && this.#options.log.head(this.uid) === undefined) void this.#poll();
  }

  #liveWatch(filter: Filter, revision: number): Watch {
    const watch = new Watch(filter, { revision, place: 999 }, this);
    this.#join(watch);
    return watch;
  }

  #filter(specifiers: readonly Specifier[]): Filter {
    return new Filter(specifiers, (plural) => this.#indexesOf(plural));
  }

  /**
   * Runs `call` until it misses nothing, on a state that is proven new enough; `then` in the same turn, so that nothing comes between.
   * It runs first and is proven afterwards: what it misses must be loaded anyway, and a load is a proof, too.
   */
  async #read<T>(
    at: number | undefined,
    call: (transaction: Transaction) => T,
    then?: (revision: number) => Watch,
  ): Promise<{ value: T; revision: number; watch: Watch | undefined }> {
    const ticket = this.#replica.ticket();
    const tables = new Set<string>();
    for (let runs = 0; runs < loadsMax; runs += 1) {
      if (at !== undefined) await this.#freshen(ticket);
      const past = at === undefined ? undefined : await this.#past(at);
      const revision = this.#replica.revision;
      // What undoes the newest entries fits one revision only; the replica may have moved in the moment since it was read.
      if (at !== undefined && (revision === undefined || past?.from !== revision)) continue;
      const { missed, tell } = this.#run(call, past?.overlay ?? new Overlay(), at ?? revision ?? 0);
      if (missed !== undefined) {
        await this.#replica.load(missed, tables);
        continue;
      }
      await this.#freshen(ticket);
      // In the moment since that came back, another caller may have dropped the replica or moved it on: what is proven is asked again.
      if (revision === undefined || this.#replica.revision !== revision || !this.#replica.fresh(ticket)) continue;
      return { value: tell(), revision: at ?? revision, watch: then?.(revision) };
    }
    throw new UnavailableError(`a view was run ${loadsMax} times, each time on what was not cached or not new enough`);
  }

  /** One run of a view's callback: what it missed, else `tell`, which gives its value or throws its error. */
  #run<T>(
    call: (transaction: Transaction) => T,
    overlay: Overlay,
    revision: number,
  ): { readonly missed: Miss | undefined; readonly tell: () => T } {
    const reader = new Reader(this.#replica, overlay);
    try {
      const value = call(this.#readTransaction(reader, overlay, revision));
      return { missed: reader.missed, tell: () => value };
    } catch (error) {
      const tell = () => {
        throw error;
      };
      return { missed: reader.missed, tell };
    }
  }

  #readTransaction(reader: Reader, overlay: Overlay, revision: number): Transaction {
    const uid = (): string => {
      throw new Error("a view must not write");
    };
    const context = { id: "view", actor: "view", now: this.#options.clock.now(), uid };
    return new Transaction({ reader, overlay, context, scope: this.#options.scope, revision });
  }

  /** The head, or later: the revision of a state that is proven newest since the ticket. @throws SealedError. */
  async #freshen(ticket: number): Promise<number> {
    for (let start = 0; start < startsMax; start += 1) {
      if (!this.#replica.fresh(ticket)) await this.#replica.sync();
      const { revision } = this.#replica;
      // Another caller may drop the replica in the moment between its sync and this.
      if (revision === undefined) continue;
      if (this.#replica.sealed) throw new SealedError(this.uid);
      return revision;
    }
    throw new UnavailableError("the log was stripped faster than it could be read");
  }

  /** A log without entries would answer as if nothing had ever followed a revision below it. @throws GoneError. */
  #checkLife(revision: number): void {
    const { first } = this.#replica;
    if (revision < first - 1) throw new GoneError(revision, `this life of the cluster begins at ${first}`);
  }

  /** What differs between `at` and the revision `from`, the replica's when this began; undefined when it was dropped. */
  async #past(at: number): Promise<{ readonly overlay: Overlay; readonly from: number } | undefined> {
    const { log, uid } = this.#options;
    const overlay = new Overlay();
    const target = this.#replica.revision;
    if (target === undefined) return undefined;
    if (at > target) throw new GoneError(at, `it lies above the head, ${target}`);
    this.#checkLife(at);
    for (let position = at; position < target; ) {
      const tail = await log.read(uid, { after: position, limit: readEntriesMax, consistent: true });
      if (tail.kind === "trimmed") throw new GoneError(at, "the log does not reach back so far");
      for (const { entry } of tail.entries) {
        if (entry.revision > target) break;
        for (const change of entry.changes) {
          // The first later touch knows what was there before.
          if (overlay.get(change.key) === undefined) overlay.set(change.key, change.action === "create" ? null : change.previous);
        }
      }
      position = tail.entries.at(-1)?.entry.revision ?? target;
    }
    return { overlay, from: target };
  }

  #kinds(): KindDefinition[] {
    return this.registry.definitions.filter(({ scope }) => scope === this.#options.scope);
  }

  #indexesOf(plural: string): ObjectIndexes {
    let indexes = this.#indexes.get(plural);
    if (indexes === undefined) {
      indexes = new ObjectIndexes(this.registry.byPlural(plural) ?? { plural, indexes: {} });
      this.#indexes.set(plural, indexes);
    }
    return indexes;
  }

  /** Asks the log for news while somebody watches: others write it, too. */
  async #poll(): Promise<void> {
    const { clock, logger } = this.#options;
    this.#polling = true;
    let quiet = 0;
    while (this.#hub.size > 0 && !this.#stop.signal.aborted) {
      const before = this.revision;
      try {
        await this.#replica.peek();
      } catch (error) {
        logger.log("warn", "the log could not be read for watchers; it is tried again", { cluster: this.uid, error });
      }
      quiet = this.revision === before ? quiet + 1 : 0;
      // An abort ends the wait early; the loop's condition sees it.
      await clock.sleep(quiet < quietAfterPolls ? pollMs : pollQuietMs, this.#stop.signal).catch(() => undefined);
    }
    this.#polling = false;
  }
}

function* checkedSteps(steps: Iterable<BatchStep>, meter: Meter): Iterable<BatchStep> {
  for (const step of steps) {
    yield (transaction) => {
      step(transaction);
      meter.check(transaction);
    };
  }
}
