/**
 * Judges what was answered by the oracle, and what was done to the world as it is done. The first thing that is wrong is the run's
 * failure; nothing is judged after it.
 */

import { jsonText } from "../../shared/base/json.ts";
import type { Change, EncodedEntry, MarkerName } from "../../shared/log/ports.ts";
import type { Limits } from "./code.ts";
import { History, type State } from "./history.ts";
import { agrees, describeReadings, isSame, type Reading } from "./query.ts";
import type { Thing } from "./subject.ts";
import type { Life, Observer, World } from "./world.ts";

/** A write of a thread, from its call on. */
export type Record = {
  readonly id: string;
  readonly history: History;
  /** The head when it was called. */
  readonly headBefore: number;
  /** pending: its process was gone before it was answered. */
  status: "pending" | "committed" | "nothing" | "unknown";
  revision?: number;
  /** Of a batch: its steps, and how many are known to be committed. */
  readonly steps?: number;
  committedSteps?: number;
};

export class Judge implements Observer {
  readonly histories = new Map<string, History>();
  readonly records: Record[] = [];
  failure: string | undefined;
  readonly #world: World;
  readonly #limits: Limits;
  readonly #landed: (history: History, run: readonly EncodedEntry[]) => void;
  readonly #tombstone: (life: Life, key: string, expiresMs: number) => void;

  constructor(
    world: World,
    limits: Limits,
    hooks: {
      readonly landed: (history: History, run: readonly EncodedEntry[]) => void;
      readonly tombstone: (life: Life, key: string, expiresMs: number) => void;
    },
  ) {
    this.#world = world;
    this.#limits = limits;
    this.#landed = hooks.landed;
    this.#tombstone = hooks.tombstone;
  }

  fail(message: string): void {
    this.failure ??= message;
  }

  check(holds: boolean, message: () => string): void {
    if (!holds && this.failure === undefined) this.failure = message();
  }

  begin(uid: string, first: number): History {
    const history = new History(uid, first);
    this.histories.set(uid, history);
    this.#world.life(uid).begin(first);
    return history;
  }

  history(uid: string): History {
    const history = this.histories.get(uid);
    if (history === undefined) throw new Error(`nobody began the life ${uid}`);
    return history;
  }

  landed(life: Life, run: readonly EncodedEntry[]): void {
    const history = this.history(life.uid);
    for (const { entry } of run) {
      const wrong = history.add(entry);
      if (wrong !== undefined) return void this.fail(`${entry.actor}: ${wrong}`);
      for (const change of entry.changes) this.#checkSize(change);
      this.check(
        entry.changes.length <= this.#limits.entryChangesMax,
        () => `an entry of ${entry.changes.length} changes was put`,
      );
    }
    const lag = history.head - (life.markers?.applied ?? 0);
    this.check(
      lag <= this.#limits.lagEntriesMax,
      () => `${lag} entries lie between applied and head; at most ${this.#limits.lagEntriesMax}`,
    );
    this.#landed(history, run);
  }

  moved(life: Life, marker: MarkerName, { from, to }: { readonly from: number; readonly to: number }): void {
    const history = this.history(life.uid);
    this.check(to > from, () => `${marker} went from ${from} to ${to}`);
    this.check(to <= history.head, () => `${marker} went to ${to}, above the head ${history.head}`);
    if (marker === "published") {
      for (let revision = history.first; revision <= to; revision += 1) {
        this.check(history.published.has(revision), () => `published came to ${to}, though ${revision} was not handed over`);
      }
    }
    if (marker === "applied") {
      this.check(history.entry(to)?.seal !== true, () => `applied came to the seal ${to}`);
      this.#checkApplied(life, history, to);
    }
  }

  stripped(life: Life, revision: number): void {
    const history = this.history(life.uid);
    history.stripped = Math.max(history.stripped, revision);
    const { applied = 0, published = 0 } = life.markers ?? {};
    this.check(
      revision <= applied && revision <= published,
      () => `${revision} was stripped; applied is ${applied}, published ${published}`,
    );
    this.check(history.published.has(revision), () => `${revision} was stripped before it was handed over`);
  }

  tombstone(life: Life, key: string, expiresMs: number): void {
    this.#tombstone(life, key, expiresMs);
  }

  /** Readings of a state that was to be as new as `headBefore`. */
  readingsAt(
    who: string,
    history: History,
    readings: readonly Reading[],
    { revision, headBefore }: { revision: number; headBefore: number },
  ): void {
    this.check(revision >= headBefore, () => `${who}: read at ${revision}, though ${headBefore} was there before it began`);
    const state = history.at(revision);
    if (state === undefined)
      return void this.fail(`${who}: answered at ${revision}; the log goes from ${history.first} to ${history.head}`);
    this.check(agrees(readings, state), () => `${who}: not the state at ${revision}: ${describeReadings(readings, state)}`);
  }

  /** Readings that led to an error: some state since the call must say the same. */
  readingsJustify(who: string, history: History, readings: readonly Reading[], headBefore: number): void {
    for (let revision = headBefore; revision <= history.head; revision += 1) {
      if (agrees(readings, history.at(revision) as State)) return;
    }
    this.fail(
      `${who}: no state since ${headBefore} justifies the answer: ${describeReadings(readings, history.at(history.head))}`,
    );
  }

  /** Whether what follows `revision` (wholly known) can be refused. */
  goneIsRight(history: History, revision: number, headBefore: number): boolean {
    return revision < history.first - 1 || revision > headBefore || revision + 1 <= history.stripped;
  }

  /** Rows are what the log says up to `applied`, once nothing is under way. */
  rowsAtRest(history: History, when: string): void {
    const life = this.#world.life(history.uid);
    const { applied = 0, published = 0 } = life.markers ?? {};
    const goal = history.isSealed ? history.head - 1 : history.head;
    this.check(
      applied === goal && published === history.head,
      () => `publishers rest at ${applied} and ${published}; the head is ${history.head}, ${when}`,
    );
    const state = history.at(applied) ?? new Map<string, Thing>();
    for (const [key, { write }] of life.rows) {
      if (write.action === "delete") continue;
      const expected = state.get(key);
      if (expected === undefined)
        return void this.fail(`the row ${key} of revision ${write.revision} is there, ${when}; the object was deleted`);
      this.check(
        isSame(expected, write.value),
        () => `the row ${key} is of revision ${write.revision}, ${when}; its object is of ${expected.metadata.resourceVersion}`,
      );
    }
    for (const key of state.keys()) {
      const row = life.rows.get(key);
      this.check(row !== undefined && row.write.action !== "delete", () => `there is no row ${key}, ${when}`);
    }
  }

  /** Each write was committed as often as its answer said. */
  recordsAtEnd(): void {
    for (const record of this.records) {
      if (record.steps !== undefined) this.#batchAtEnd(record, record.steps);
      else this.#writeAtEnd(record);
    }
  }

  #writeAtEnd({ id, history, status, revision }: Record): void {
    const made = history.entries.filter(({ actor }) => actor === id).map((entry) => entry.revision);
    this.check(made.length <= 1, () => `${id} was committed ${made.length} times, at ${made.join(", ")}; its answer: ${status}`);
    if (status === "committed")
      this.check(made[0] === revision, () => `${id} was told ${revision}; it was committed at ${made[0]}`);
    if (status === "nothing")
      this.check(made.length === 0, () => `${id} was told that nothing was written; it was committed at ${made[0]}`);
  }

  #batchAtEnd({ id, history, status, committedSteps = 0 }: Record, steps: number): void {
    const counts = new Array<number>(steps).fill(0);
    for (const entry of history.entries) {
      if (entry.actor !== id) continue;
      for (const change of entry.changes) {
        const by = change.action === "delete" ? "" : (change.value as unknown as Thing).spec.by;
        const step = Number(by.slice(by.lastIndexOf("/") + 1));
        counts[step] = (counts[step] ?? 0) + 1;
      }
    }
    const text = () => `${id}: ${steps} steps were committed ${counts.join(" ")} times; its answer: ${status}, ${committedSteps}`;
    for (const [step, count] of counts.entries()) {
      const most = status === "nothing" && step >= committedSteps ? 0 : 1;
      const least = status !== "pending" && step < committedSteps ? 1 : 0;
      this.check(count >= least && count <= most, text);
    }
  }

  #checkSize(change: Change): void {
    if (change.action === "delete") return;
    const bytes = jsonText(change.value).length;
    this.check(bytes <= this.#limits.objectBytesMax, () => `an object of ${bytes} bytes was put, which no row can hold`);
  }

  #checkApplied(life: Life, history: History, to: number): void {
    for (const [key, { revision, isThere }] of history.lastChanges(to)) {
      const row = life.rows.get(key)?.write;
      // A tombstone above the marker may have gone while the marker stood.
      const mayBeGone = !isThere || history.isDeletedAfter(key, to);
      const isDurable = row === undefined ? mayBeGone : row.revision >= revision;
      this.check(isDurable, () => `applied came to ${to}; the row ${key} is of ${row?.revision ?? "nothing"}, not ${revision}`);
    }
  }
}
