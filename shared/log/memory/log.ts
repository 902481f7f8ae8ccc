/** The Log port in memory. A position at or below the head is never free again: a stub's place is remembered, its entry is not. */
import { deepFreeze } from "../../base/json.ts";
import { fold } from "../fold.ts";
import type { Appended, EncodedEntry, Log, ReadOptions, Tail } from "../ports.ts";
import { headOf, type Life, type Lives } from "./life.ts";
import { writeRows } from "./rows.ts";

export type MemoryLogOptions = {
  /** How many entries one append takes. */
  readonly appendMax?: number;
  readonly compressAboveBytes?: number;
  /** `head` answers: right where one process is the only writer, as with SQLite. */
  readonly exclusive?: boolean;
  /** An append writes the rows, too, and moves `applied`, as with SQLite. */
  readonly appliesOnAppend?: boolean;
};

export class MemoryLog implements Log {
  readonly appendMax: number;
  readonly compressAboveBytes: number;
  readonly #exclusive: boolean;
  readonly #appliesOnAppend: boolean;
  readonly #lives: Lives;

  constructor(lives: Lives, options: MemoryLogOptions = {}) {
    this.#lives = lives;
    this.appendMax = options.appendMax ?? 256;
    this.compressAboveBytes = options.compressAboveBytes ?? Number.POSITIVE_INFINITY;
    this.#exclusive = options.exclusive ?? false;
    this.#appliesOnAppend = options.appliesOnAppend ?? false;
  }

  async append(uid: string, run: readonly EncodedEntry[]): Promise<Appended> {
    const [first] = run;
    if (first === undefined || run.length > this.appendMax)
      return refused(`a run has ${run.length} entries; 1 to ${this.appendMax}`);
    const { revision } = first.entry;
    const life = this.#lives.at(uid);
    const head = headOf(life) ?? revision - 1;
    if (revision <= head) return { kind: "conflict", entry: life.entries[revision - (life.base ?? 0)] };
    if (revision !== head + 1) return refused(`revision ${revision} does not follow the head ${head}`);
    life.base ??= revision;
    for (const { entry, bytes } of run) life.entries.push({ entry: deepFreeze(entry), bytes });
    if (this.#appliesOnAppend) keepRowsCurrent(life, run, head);
    return { kind: "committed" };
  }

  async read(uid: string, { after, limit }: ReadOptions): Promise<Tail> {
    const life = this.#lives.get(uid);
    const head = headOf(life);
    if (life?.base === undefined || head === undefined || after >= head) return { kind: "entries", entries: [], end: true };
    const from = after + 1 - life.base;
    if (life.entries[from] === undefined) return { kind: "trimmed" };
    const entries = life.entries.slice(from, from + limit).filter((entry) => entry !== undefined);
    return { kind: "entries", entries, end: after + entries.length === head };
  }

  async strip(uid: string, { after, upTo }: { readonly after: number; readonly upTo: number }): Promise<void> {
    const life = this.#lives.get(uid);
    if (life?.base === undefined) return;
    const { base, entries } = life;
    entries.fill(undefined, Math.max(0, after + 1 - base), Math.max(0, upTo + 1 - base));
    const kept = entries.findIndex((entry) => entry !== undefined);
    const stubs = kept === -1 ? entries.length : kept;
    entries.splice(0, stubs);
    life.base = base + stubs;
  }

  head(uid: string): number | undefined {
    return this.#exclusive ? headOf(this.#lives.get(uid)) : undefined;
  }
}

function keepRowsCurrent(life: Life, run: readonly EncodedEntry[], head: number): void {
  const entries = run.map(({ entry }) => entry);
  writeRows(life, fold(entries), entries[0]?.time ?? 0);
  // The seal stays above the marker: every cold reader must meet it.
  const to = entries.at(-1)?.seal === true ? head + run.length - 1 : head + run.length;
  if (life.markers?.applied === head) life.markers = { ...life.markers, applied: to };
}

function refused(why: string): Appended {
  return { kind: "refused", cause: new Error(why) };
}
