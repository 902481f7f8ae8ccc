/**
 * The three ports that a cluster's state stands on: Log, Objects and Cells. DESIGN section 1 is their reason.
 *
 * A cluster is one append-only log of entries; entry N is the transaction that made revision N, and revisions are dense.
 * Rows (Objects) are derived from the log by code that may run twice, late or not yet. Cells are small items beside the
 * log. `uid` names one life of one cluster everywhere: a log belongs to a uid, never to a name.
 *
 * Adapters translate and nothing else: what can be written once stands above them (codec.ts, fold.ts, room state). One
 * conformance suite, test/conformance/, runs on every adapter. A method that fails rejects; then, unless it says
 * otherwise, the act may have happened, and doing it again is safe.
 */
import type { JsonObject } from "../base/json.ts";

export type Change =
  | { readonly action: "create"; readonly key: string; readonly value: JsonObject }
  | { readonly action: "update"; readonly key: string; readonly value: JsonObject; readonly previous: JsonObject }
  | { readonly action: "delete"; readonly key: string; readonly previous: JsonObject };

/** One transaction. Values are frozen. A key may be changed several times; the last change wins. */
export type Entry = {
  /** The revision it made: an integer, its cluster's former head plus one. */
  readonly revision: number;
  /** The transaction's own id, the same in every retry and rerun: how a writer knows its own entry. */
  readonly id: string;
  /** Milliseconds since 1970, by the writer's clock. */
  readonly time: number;
  /** Who did it: a token's or a service's name. */
  readonly actor: string;
  readonly changes: readonly Change[];
  /** The last entry of a deleted cluster's log: nothing commits or applies after it. */
  readonly seal?: true;
};

/** An entry with its stored form, encoded once: a retry puts the same bytes. */
export type EncodedEntry = { readonly entry: Entry; readonly bytes: Uint8Array };

export type Appended =
  | { readonly kind: "committed" }
  /** Something holds the run's first revision: `entry`, or a stub where undefined. Nothing of the run was written. */
  | { readonly kind: "conflict"; readonly entry: EncodedEntry | undefined }
  /** Certainly nothing was written (throttled, refused): the same run may be tried again. */
  | { readonly kind: "refused"; readonly cause: unknown }
  /** No clear answer: the run was written wholly or not at all. Only the same bytes may be put there again. */
  | { readonly kind: "unknown"; readonly cause: unknown };

export type Tail =
  /**
   * The dense run that follows `after` (entry `after + 1` first); `end` when it reached the head that was there when the read
   * began. Without `end` read on after its last entry; it is never empty then.
   */
  | { readonly kind: "entries"; readonly entries: readonly EncodedEntry[]; readonly end: boolean }
  /** The entry at `after + 1` is a stub, or lies before the log's first: what followed `after` can't be had from the log. */
  | { readonly kind: "trimmed" };

export type ReadOptions = {
  /** The last revision the caller has; at least the life's first revision minus one. */
  readonly after: number;
  /** Entries at most, 1 or more. */
  readonly limit: number;
  /** false allows an eventually consistent answer (a prefix of the truth, possibly old): half the price on DynamoDB. */
  readonly consistent: boolean;
};

export interface Log {
  /** How many entries one append takes. */
  readonly appendMax: number;
  /** Entries with more bytes of JSON are compressed. */
  readonly compressAboveBytes: number;
  /** Whether rows and the applied marker follow each append by themselves: no entry waits to be applied, whoever asks. Absent: somebody applies them. */
  readonly appliesItself?: boolean;
  /** Resolves when the adapter is about to write: an append in that turn costs no write of its own. Absent: there is nothing to wait for. */
  gather?(): Promise<void>;
  /** Puts `run` (dense, 1 to appendMax entries, `run[0].revision` = head + 1) durably, all or nothing. Never rejects. */
  append(uid: string, run: readonly EncodedEntry[]): Promise<Appended>;
  read(uid: string, options: ReadOptions): Promise<Tail>;
  /** Replaces the entries above `after` up to and with `upTo`, all applied and published, by stubs, oldest first. Idempotent. */
  strip(uid: string, range: { readonly after: number; readonly upTo: number }): Promise<void>;
  /** The head, where the adapter is the log's only writer and so knows it without asking; undefined otherwise. */
  head(uid: string): number | undefined;
}

/** The state of one key as of `revision`: of its last change that was applied. */
export type Row = { readonly key: string; readonly revision: number; readonly value: JsonObject };

/** What a run of entries comes to for one key; see fold.ts. */
export type RowWrite =
  | { readonly action: "create" | "update"; readonly key: string; readonly revision: number; readonly value: JsonObject }
  | { readonly action: "delete"; readonly key: string; readonly revision: number };

/** How far a life's derived state has come; each only grows. A new life stands at its first revision minus one in all three. */
export type Markers = {
  /** The life's first revision: its log's first entry. */
  readonly first: number;
  /** Rows hold every entry up to here (and maybe some above). It never reaches a seal, so that every cold reader meets the seal. */
  readonly applied: number;
  /** Events of every entry up to here were handed over. */
  readonly published: number;
  /** Entries up to here are stubs. */
  readonly stripped: number;
};
export type MarkerName = "applied" | "published" | "stripped";

export type PageRange = {
  /** Keys that start with it. */
  readonly prefix: string;
  /** Keys above it only. */
  readonly after?: string;
  /** Rows at most, 1 or more. */
  readonly limit: number;
};

export interface Objects {
  /** Begins the life `uid` at `first` if it has not begun; the markers that are there now. */
  begin(uid: string, first: number): Promise<Markers>;
  /** Strongly consistent. undefined: no such life. */
  markers(uid: string): Promise<Markers | undefined>;
  /** Moves one marker if it still stands at `from`; false when it does not. `to` is above `from`. */
  move(uid: string, marker: MarkerName, step: { readonly from: number; readonly to: number }): Promise<boolean>;
  /** Strongly consistent. undefined: absent or deleted. */
  get(uid: string, key: string): Promise<Row | undefined>;
  /**
   * Rows in the order of their keys' bytes, each strongly consistent for itself: not a snapshot. `next`, given unless the range
   * is at its end, is the `after` of the next page; a page may be short or empty and still have one.
   */
  page(uid: string, range: PageRange): Promise<{ readonly rows: readonly Row[]; readonly next?: string }>;
  /**
   * Writes rows, each once, each only over a lower revision; an update also only where a row is. A delete leaves a
   * tombstone for tombstoneMs from `now`, so that a late write can't bring the row back; so a create or a delete may be written
   * over nothing. A delete done again begins its tombstone's time anew: until the marker has passed it, somebody may begin to
   * write what was there before. Settles all of them, then rejects if one has no clear answer. Idempotent.
   */
  apply(uid: string, writes: readonly RowWrite[], now: number): Promise<void>;
  /** Removes rows, cells and markers of a life, at most `limit` items; true when nothing is left. */
  remove(uid: string, limit: number): Promise<boolean>;
}

/** A small item beside the log. `version` grows with each put. `expires`: milliseconds since 1970; absent: never. */
export type Cell = { readonly key: string; readonly version: number; readonly value: JsonObject; readonly expires?: number };

export type CellPut = {
  readonly key: string;
  readonly value: JsonObject;
  readonly expires?: number;
  /** absent: no item (an expired one counts as one); expired: an item with `expires` at or below `now`; or an item of this version. */
  readonly when: "absent" | { readonly expiredAt: number } | { readonly version: number };
};

export interface Cells {
  /** Strongly consistent; expired cells are given until they are taken or removed: the caller judges by its clock. */
  get(uid: string, key: string): Promise<Cell | undefined>;
  /** The new cell (version 1, or one more than what it replaced), or lost, with what is there. */
  put(
    uid: string,
    put: CellPut,
  ): Promise<{ readonly kind: "put"; readonly cell: Cell } | { readonly kind: "lost"; readonly cell: Cell | undefined }>;
  /** Removes the cell if it has this version; false when it has not. */
  delete(uid: string, key: string, version: number): Promise<boolean>;
  /** Cells whose key starts with `prefix`, in key order, strongly consistent, `limit` at most. */
  list(uid: string, prefix: string, limit: number): Promise<readonly Cell[]>;
}
