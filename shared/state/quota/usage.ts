/**
 * How much a cluster holds: objects and bytes of their JSON, as of one revision. Counted once from the rows, then carried forward by the
 * log's own entries, each of which says what it added and took; a cell keeps a former count, so that a cold process reads little. Since a
 * commit succeeds only on the state it was judged on, a bound that is checked against this holds across processes, too.
 */
import { jsonText } from "../../base/json.ts";
import { readEntriesMax } from "../../base/limits.ts";
import type { Cells, Change, Entry, Log, Objects } from "../../log/ports.ts";
import { UnavailableError } from "../errors.ts";

export type Amount = { readonly objects: number; readonly bytes: number };
type Count = Amount & { readonly revision: number };

export type UsageOptions = { readonly uid: string; readonly log: Log; readonly objects: Objects; readonly cells: Cells };

export const nothing: Amount = { objects: 0, bytes: 0 };
/** The count is kept in its cell again after so many entries: what a cold process reads at most, about. */
const keptEvery = 1_000;
const usageCell = "usage";
const pageRows = 1_000;
/** How often a count begins again because the log was stripped under it. */
const startsMax = 5;

export const sum = (one: Amount, other: Amount): Amount => ({
  objects: one.objects + other.objects,
  bytes: one.bytes + other.bytes,
});

/** UTF-8 bytes of a value's JSON. */
const bytesOf = (value: object): number => Buffer.byteLength(jsonText(value));

/** What a run of changes adds; below zero what it takes. */
export function growthOf(changes: readonly Change[]): Amount {
  let [objects, bytes] = [0, 0];
  for (const change of changes) {
    if (change.action !== "update") objects += change.action === "create" ? 1 : -1;
    if (change.action !== "delete") bytes += bytesOf(change.value);
    if (change.action !== "create") bytes -= bytesOf(change.previous);
  }
  return { objects, bytes };
}

export class Usage {
  readonly #options: UsageOptions;
  #count: Count | undefined;
  #counting: Promise<void> | undefined;
  /** What was seen while it is counted, by revision. */
  readonly #seen = new Map<number, Amount>();
  #keptAt = 0;

  constructor(options: UsageOptions) {
    this.#options = options;
  }

  /** As of the last entry that was seen; undefined: not counted, or one was missed. */
  get now(): Amount | undefined {
    return this.#count;
  }

  /** The next entry of the log, as the replica comes to it. */
  see({ revision, changes }: Entry): void {
    if (this.#counting !== undefined) this.#seen.set(revision, growthOf(changes));
    if (this.#count === undefined || revision <= this.#count.revision) return;
    if (revision > this.#count.revision + 1) this.#count = undefined;
    else this.#count = { ...sum(this.#count, growthOf(changes)), revision };
  }

  /** Entries may be missed from now on. */
  forget(): void {
    this.#count = undefined;
    this.#seen.clear();
  }

  /** Resolves when `now` is known. Safe to repeat; callers share one count. */
  async ready(): Promise<void> {
    if (this.#count !== undefined) return this.#keep(this.#count);
    this.#counting ??= this.#countAll().finally(() => {
      this.#counting = undefined;
      this.#seen.clear();
    });
    await this.#counting;
  }

  /** Up to the log's end, and then as far as the replica has come meanwhile. */
  async #countAll(): Promise<void> {
    for (let start = 0; start < startsMax; start += 1) {
      const base = start === 0 ? ((await this.#kept()) ?? (await this.#countRows())) : await this.#countRows();
      let count = base && (await this.#readOn(base));
      if (count === undefined) continue;
      for (let next = this.#seen.get(count.revision + 1); next !== undefined; next = this.#seen.get(count.revision + 1)) {
        count = { ...sum(count, next), revision: count.revision + 1 };
      }
      this.#count = count;
      return;
    }
    throw new UnavailableError("what the cluster holds can't be counted now");
  }

  async #kept(): Promise<Count | undefined> {
    const cell = await this.#options.cells.get(this.#options.uid, usageCell);
    if (cell === undefined) return undefined;
    const { revision, objects, bytes } = cell.value;
    this.#keptAt = Number(revision);
    return { revision: Number(revision), objects: Number(objects), bytes: Number(bytes) };
  }

  /** The rows, and the entries above the marker folded in: an exact count at the log's end. undefined: the log was stripped meanwhile. */
  async #countRows(): Promise<Count | undefined> {
    const { uid, objects } = this.#options;
    const markers = await objects.markers(uid);
    if (markers === undefined) return undefined;
    const sizes = new Map<string, { readonly revision: number; readonly bytes: number }>();
    let after: string | undefined;
    do {
      const page = await objects.page(uid, { prefix: "", limit: pageRows, ...(after !== undefined && { after }) });
      for (const { key, revision, value } of page.rows) sizes.set(key, { revision, bytes: bytesOf(value) });
      after = page.next;
    } while (after !== undefined);
    const entries = await this.#entries(markers.applied);
    if (entries === undefined) return undefined;
    for (const { revision, changes } of entries) {
      for (const change of changes) {
        if ((sizes.get(change.key)?.revision ?? 0) > revision) continue;
        if (change.action === "delete") sizes.delete(change.key);
        else sizes.set(change.key, { revision, bytes: bytesOf(change.value) });
      }
    }
    const bytes = [...sizes.values()].reduce((total, size) => total + size.bytes, 0);
    return { revision: entries.at(-1)?.revision ?? markers.applied, objects: sizes.size, bytes };
  }

  /** undefined: what follows was stripped. */
  async #readOn(count: Count): Promise<Count | undefined> {
    const entries = await this.#entries(count.revision);
    return entries?.reduce((so, { revision, changes }) => ({ ...sum(so, growthOf(changes)), revision }), count);
  }

  async #entries(from: number): Promise<Entry[] | undefined> {
    const { uid, log } = this.#options;
    const entries: Entry[] = [];
    for (;;) {
      const after = entries.at(-1)?.revision ?? from;
      const tail = await log.read(uid, { after, limit: readEntriesMax, consistent: true });
      if (tail.kind === "trimmed") return undefined;
      for (const { entry } of tail.entries) entries.push(entry);
      if (tail.end) return entries;
    }
  }

  async #keep({ revision, objects, bytes }: Count): Promise<void> {
    if (revision - this.#keptAt < keptEvery) return;
    this.#keptAt = revision;
    const { cells, uid } = this.#options;
    const cell = await cells.get(uid, usageCell);
    if (Number(cell?.value["revision"] ?? 0) >= revision) return;
    const when = cell === undefined ? "absent" : { version: cell.version };
    // Who loses to another process' count leaves that one.
    await cells.put(uid, { key: usageCell, value: { revision, objects, bytes }, when });
  }
}
