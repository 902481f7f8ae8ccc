/**
 * A partial, coherent cache of one life of a cluster: everything cached is as of one revision, which only grows. `sync` reads
 * what follows in the log and applies it; `load` fills in a key or a prefix that is not cached. DESIGN section 1, "Reading".
 */
import assert from "node:assert";
import type { Clock } from "../base/clock.ts";
import { lagEntriesMax, readEntriesMax, replicaBehindBytesMax } from "../base/limits.ts";
import type { EncodedEntry, Entry, Log, Markers, Objects, Row } from "../log/ports.ts";
import { GoneError, UnavailableError } from "./errors.ts";
import { Lag } from "./lag.ts";
import type { ObjectIndexes } from "./object-indexes.ts";
import { Table } from "./table.ts";

/** What a reader lacks: single keys, and all keys with a prefix that ends in a slash. */
export type Miss = { readonly keys: ReadonlySet<string>; readonly prefixes: ReadonlySet<string> };

export type ReplicaOptions = {
  readonly uid: string;
  readonly log: Log;
  readonly objects: Objects;
  readonly clock: Clock;
  /** The indexes of the table named by a key's first segment. */
  readonly indexesOf: (plural: string) => ObjectIndexes;
  /** JSON held at most, about, before the tables that were used longest ago are dropped. */
  readonly cachedBytesMax: number;
  /** Called for every entry, in order, when the replica has just moved to it. Must not throw. */
  readonly onEntry: (entry: Entry) => void;
  /** Called when the replica starts cold again: entries after `revision` will not be seen. */
  readonly onDrop: (revision: number) => void;
};

/** A load that is under way: what is applied meanwhile wins over what it reads. */
type Fill = { readonly miss: Miss; readonly touched: Map<string, Touched> };
type Touched = { readonly revision: number; readonly row: Row | null };

/** How often a load or a cold start begins again because the log was stripped under it. */
const startsMax = 5;
const pageRows = 1_000;
/** Single keys that are read at the same time. */
const readsAtOnce = 32;

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #tables = new Map<string, Table>();
  readonly #fills = new Set<Fill>();
  readonly lag = new Lag();
  #revision: number | undefined;
  #first = 0;
  #sealed = false;
  #running: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  /** The revision this warm period began at: entries up to there were not applied one by one. */
  #begunAt = 0;
  #proofsBegun = 0;
  #proved = 0;
  #uses = 0;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  /** undefined while cold. */
  get revision(): number | undefined {
    return this.#revision;
  }

  /** The life's first revision; 0 while nothing was read yet. What lies below belongs to another life. */
  get first(): number {
    return this.#first;
  }

  /** Whether the replica has met the seal: its cluster was deleted. */
  get sealed(): boolean {
    return this.#sealed;
  }

  /** To be kept by a caller that arrives now, for `fresh`. */
  ticket(): number {
    return this.#proofsBegun;
  }

  /** Whether the state was proven to be the newest by something that began after the ticket was taken. */
  fresh(ticket: number): boolean {
    return this.#revision !== undefined && (this.#proved > ticket || this.#atHead());
  }

  /** Begins a proof: a read to the end, or an append whose success `committed` tells. */
  beginProof(): number {
    this.#proofsBegun += 1;
    return this.#proofsBegun;
  }

  /** Takes over a run that was appended on top of `run[0].revision - 1`, unless a sync did already or the replica began anew below it. */
  committed(run: readonly EncodedEntry[], proof: number): void {
    for (const encoded of run) {
      if (this.#revision === undefined || encoded.entry.revision > this.#revision + 1) return;
      this.apply(encoded);
    }
    this.#proved = Math.max(this.#proved, proof);
  }

  /** Brings the replica to the head that is there after this call. Callers share syncs: one in flight, one waiting. */
  sync(): Promise<void> {
    if (this.#atHead()) return Promise.resolve();
    if (this.#waiting !== undefined) return this.#waiting;
    if (this.#running === undefined) return this.#start();
    const next = () => {
      this.#waiting = undefined;
      return this.#start();
    };
    this.#waiting = this.#running.then(next, next);
    return this.#waiting;
  }

  /** Brings in what came since, if it can be had cheaply: eventually consistent, and a proof of nothing. */
  async peek(): Promise<void> {
    if (this.#revision === undefined || this.#running !== undefined) return this.sync();
    // What it could not follow is trimmed, or was dropped by another reader: only a sync can tell.
    if (!(await this.#follow(undefined))) await this.sync();
  }

  /** The table a key or a prefix stands in. */
  table(keyOrPrefix: string): Table {
    const plural = pluralOf(keyOrPrefix);
    let table = this.#tables.get(plural);
    if (table === undefined) {
      table = new Table(this.#options.indexesOf(plural));
      this.#tables.set(plural, table);
    }
    this.#uses += 1;
    table.lastUse = this.#uses;
    return table;
  }

  /** Moves to `encoded`, the entry after the replica's revision; one that it has already is skipped. */
  apply({ entry, bytes }: EncodedEntry): void {
    assert(this.#revision !== undefined, "a cold replica has nothing to apply to");
    if (entry.revision <= this.#revision) return;
    assert(entry.revision === this.#revision + 1, `entry ${entry.revision} does not follow revision ${this.#revision}`);
    for (const change of entry.changes) {
      const { key } = change;
      const row = change.action === "delete" ? null : { key, revision: entry.revision, value: change.value };
      for (const { miss, touched } of this.#fills) if (concerns(miss, key)) touched.set(key, { revision: entry.revision, row });
      this.#change(key, row);
    }
    this.#revision = entry.revision;
    if (entry.seal === true) this.#sealed = true;
    if (this.#options.log.appliesItself !== true) this.lag.note(entry.revision, bytes.length);
    this.#options.onEntry(entry);
  }

  /**
   * Fills in what a reader missed, as of the revision the replica has when this resolves. It reads to the end of the log, so it is
   * as good a proof as a sync. `kept` names the tables that the reader
   * loaded before: a call that reads more than fits the cache must not push out what it still needs.
   * @throws GoneError when the life is unknown. Safe to repeat.
   */
  async load(miss: Miss, kept: Set<string> = new Set()): Promise<void> {
    for (const name of [...miss.keys, ...miss.prefixes]) kept.add(pluralOf(name));
    const fill: Fill = { miss, touched: new Map() };
    this.#fills.add(fill);
    try {
      for (let start = 0; start < startsMax; start += 1) if (await this.#fill(fill)) return this.#evict(kept);
    } finally {
      this.#fills.delete(fill);
    }
    throw new UnavailableError("the log was stripped faster than it could be read");
  }

  /** Starts cold: everything cached is forgotten. */
  drop(): void {
    if (this.#revision === undefined) return;
    const revision = this.#revision;
    this.#tables.clear();
    for (const { touched } of this.#fills) touched.clear();
    this.#revision = undefined;
    this.#proved = 0;
    this.#options.onDrop(revision);
  }

  /** Reads the applied marker again if what is known of it is too old to judge the lag by. */
  async checkLag(): Promise<void> {
    const { clock, log } = this.#options;
    if (log.appliesItself === true || !this.lag.isOld(this.#revision ?? 0, clock.monotonic())) return;
    const { applied } = await this.#markers();
    this.lag.moved(applied, this.#revision ?? applied, clock.monotonic());
  }

  #atHead(): boolean {
    return this.#revision !== undefined && this.#options.log.head(this.#options.uid) === this.#revision;
  }

  #start(): Promise<void> {
    const proof = this.beginProof();
    const run = this.#syncToEnd(proof).finally(() => {
      if (this.#running === run) this.#running = undefined;
    });
    this.#running = run;
    return run;
  }

  async #syncToEnd(proof: number): Promise<void> {
    for (let start = 0; start < startsMax; start += 1) {
      if (this.#revision === undefined) {
        const { applied } = await this.#markers();
        // A load may have begun it meanwhile, further on: beginning again would set back what is cached.
        if (this.#revision === undefined) this.#begin(applied);
      }
      if (await this.#follow(proof)) return;
    }
    throw new UnavailableError("the log was stripped faster than it could be read");
  }

  /**
   * Reads on from the replica's revision and applies, consistently where that is to end a proof; false when it did not come to
   * the end: the replica was dropped, or an inconsistent read met a stub.
   */
  async #follow(proof: number | undefined): Promise<boolean> {
    const { uid, log } = this.#options;
    const consistent = proof !== undefined;
    let behindBytes = 0;
    for (;;) {
      const after = this.#revision;
      if (after === undefined) return false;
      const tail = await log.read(uid, { after, limit: readEntriesMax, consistent });
      // Another reader dropped the replica, and perhaps began it elsewhere, while this read was under way.
      if (this.#revision === undefined || this.#revision < after) return false;
      if (tail.kind === "trimmed") {
        if (this.#revision > after) continue;
        // Only a consistent read proves that the entry is gone.
        if (!consistent) return false;
        this.drop();
        return false;
      }
      for (const encoded of tail.entries) {
        behindBytes += encoded.bytes.length;
        this.apply(encoded);
      }
      if (tail.end) {
        if (proof !== undefined) this.#proved = Math.max(this.#proved, proof);
        return true;
      }
      if (behindBytes > replicaBehindBytesMax && this.#cachesRows()) {
        this.drop();
        return false;
      }
    }
  }

  /** One attempt of a load; false when the log was stripped, or the replica dropped, under it. */
  async #fill({ miss, touched }: Fill): Promise<boolean> {
    const proof = this.beginProof();
    const { applied } = await this.#markers();
    if (this.#revision !== undefined && applied - this.#revision > lagEntriesMax) this.drop();
    const states = new Map<string, Touched>();
    for (const row of await this.#rows(miss)) states.set(row.key, { revision: row.revision, row });
    // The replica's own revision may lie below the marker: then the read also brings the replica there.
    const from = Math.min(applied, this.#revision ?? applied);
    const entries = await this.#readToEnd(from);
    if (entries === undefined) {
      // What follows the replica was stripped: it can only begin anew, at the marker.
      if (this.#revision === from && from < applied) this.drop();
      return false;
    }
    if (this.#revision === undefined) this.#begin(from);
    // Begun anew meanwhile, above what was read: then nobody noted what changed in between.
    if (this.#begunAt > (entries.at(-1)?.entry.revision ?? from) || (this.#revision ?? from) < from) return false;
    for (const { entry } of entries) foldInto(states, entry, miss);
    for (const encoded of entries) this.apply(encoded);
    this.#proved = Math.max(this.#proved, proof);
    for (const [key, touch] of touched) if (touch.revision > (states.get(key)?.revision ?? 0)) states.set(key, touch);
    this.#install(miss, states);
    return true;
  }

  async #rows({ keys, prefixes }: Miss): Promise<readonly Row[]> {
    const { uid, objects } = this.#options;
    const rows: Row[] = [];
    const wanted = [...keys];
    for (let next = 0; next < wanted.length; next += readsAtOnce) {
      const read = await Promise.all(wanted.slice(next, next + readsAtOnce).map((key) => objects.get(uid, key)));
      for (const row of read) if (row !== undefined) rows.push(row);
    }
    for (const prefix of prefixes) {
      let after: string | undefined;
      do {
        const page = await objects.page(uid, { prefix, limit: pageRows, ...(after !== undefined && { after }) });
        for (const row of page.rows) rows.push(row);
        after = page.next;
      } while (after !== undefined);
    }
    return rows;
  }

  async #readToEnd(after: number): Promise<EncodedEntry[] | undefined> {
    const { uid, log } = this.#options;
    const entries: EncodedEntry[] = [];
    for (;;) {
      const position = entries.at(-1)?.entry.revision ?? after;
      const tail = await log.read(uid, { after: position, limit: readEntriesMax, consistent: true });
      if (tail.kind === "trimmed") return undefined;
      for (const encoded of tail.entries) entries.push(encoded);
      if (tail.end) return entries;
    }
  }

  #install({ keys, prefixes }: Miss, states: ReadonlyMap<string, Touched>): void {
    for (const { row } of states.values()) if (row !== null) this.table(row.key).set(row);
    for (const prefix of prefixes) this.table(prefix).cover(prefix);
    for (const key of keys) if ((states.get(key)?.row ?? null) === null) this.table(key).delete(key);
  }

  #change(key: string, row: Row | null): void {
    const table = this.#tables.get(key.slice(0, key.indexOf("/")));
    if (table === undefined || table.get(key) === undefined) return;
    if (row === null) table.delete(key);
    else table.set(row);
  }

  #begin(revision: number): void {
    this.#revision = revision;
    this.#begunAt = revision;
    this.#proved = 0;
    this.#sealed = false;
    this.lag.reset(revision, this.#options.clock.monotonic());
  }

  async #markers(): Promise<Markers> {
    const markers = await this.#options.objects.markers(this.#options.uid);
    if (markers === undefined) throw new GoneError(this.#revision ?? 0, `there is no cluster ${this.#options.uid}`);
    this.#first = markers.first;
    return markers;
  }

  #cachesRows(): boolean {
    for (const table of this.#tables.values()) if (table.size > 0) return true;
    return false;
  }

  /** Drops whole tables, the longest unused first, but never those in `kept`. */
  #evict(kept: ReadonlySet<string>): void {
    let bytes = 0;
    for (const table of this.#tables.values()) bytes += table.bytes;
    const oldest = [...this.#tables].sort(([, left], [, right]) => left.lastUse - right.lastUse);
    for (const [plural, table] of oldest) {
      if (bytes <= this.#options.cachedBytesMax) return;
      if (kept.has(plural)) continue;
      this.#tables.delete(plural);
      bytes -= table.bytes;
    }
  }
}

/** The table's name: the first segment of a key or a prefix. */
function pluralOf(keyOrPrefix: string): string {
  const slash = keyOrPrefix.indexOf("/");
  return slash === -1 ? keyOrPrefix : keyOrPrefix.slice(0, slash);
}

function concerns({ keys, prefixes }: Miss, key: string): boolean {
  if (keys.has(key)) return true;
  for (const prefix of prefixes) if (key.startsWith(prefix)) return true;
  return false;
}

/** Brings the state of the keys that concern `miss` to `entry`; a row that was read newer stays. */
function foldInto(states: Map<string, Touched>, entry: Entry, miss: Miss): void {
  for (const change of entry.changes) {
    const { key } = change;
    if (!concerns(miss, key) || entry.revision < (states.get(key)?.revision ?? 0)) continue;
    const row = change.action === "delete" ? null : { key, revision: entry.revision, value: change.value };
    states.set(key, { revision: entry.revision, row });
  }
}
