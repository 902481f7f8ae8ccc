/** One thread of a process: does its acts one after the other, and lets the judge judge every answer. It outlives its process. */
import { keyOf } from "../../shared/kinds/definition.ts";
import type { Store } from "../../shared/state/store.ts";
import type { Transaction } from "../../shared/state/transaction.ts";
import { errorName, isHarmless } from "./errors.ts";
import type { History } from "./history.ts";
import type { Judge, Record } from "./judge.ts";
import type { Act, ThreadPlan } from "./plan.ts";
import type { Process } from "./process.ts";
import { ask, type Query, type Reading } from "./query.ts";
import { inputFor, itemKind, keyAt, type Place, type Thing } from "./subject.ts";
import { type Cut, Watcher } from "./watcher.ts";

export type Lives = {
  /** The life that the cluster's name means now. */
  current(): History;
  former(): History | undefined;
  /** Somebody found the current one sealed. */
  next(sealed: History): void;
};

type Call = Extract<Act, { readonly do: "write" }>;
type Readings = { before: Reading[]; after: Reading[] };

const filler = "x".repeat(150_000);
const manyMost = 210;

export class Thread {
  readonly name: string;
  done = false;
  /** Where its watch was cut. */
  cut: Cut | undefined;
  readonly #plan: ThreadPlan;
  readonly #judge: Judge;
  readonly #lives: Lives;
  #next = 0;
  /** Objects as it saw them once, for conditional writes. */
  readonly #seen = new Map<string, Thing>();

  constructor(plan: ThreadPlan, judge: Judge, lives: Lives) {
    this.name = plan.name;
    this.#plan = plan;
    this.#judge = judge;
    this.#lives = lives;
  }

  /** Does what is left to do; never resolves when the process is gone before that. */
  async run(process: Process): Promise<void> {
    for (let act = this.#take(); act !== undefined; act = this.#take()) {
      try {
        await this.#perform(process, act, `${this.name}.${this.#next}`);
      } catch (error) {
        this.#judge.fail(`${this.name}.${this.#next} (${act.do}): ${error instanceof Error ? error.stack : String(error)}`);
      }
    }
    this.done = true;
  }

  #take(): Act | undefined {
    const act = this.#plan.acts[this.#next];
    this.#next += 1;
    return act;
  }

  async #perform(process: Process, act: Act, id: string): Promise<void> {
    const history = this.#lives.current();
    const store = process.store(history.uid);
    switch (act.do) {
      case "rest":
        return process.link.sleep(act.ms);
      case "write":
        return this.#write(store, history, act, id);
      case "view":
        return this.#view(store, history, act, id);
      case "pages":
        return this.#pages(process, history, act, id);
      case "batch":
        return this.#batch(store, history, act, id);
      case "watch":
        return this.#watch(process, history, act, id);
      case "seal":
        return this.#seal(store, history, id);
      default:
        return act satisfies never;
    }
  }

  #record(history: History, id: string, steps?: number): Record {
    const record: Record = { id, history, headBefore: history.head, status: "pending", ...(steps !== undefined && { steps }) };
    this.#judge.records.push(record);
    return record;
  }

  async #write(store: Store, history: History, act: Call, id: string): Promise<void> {
    const record = this.#record(history, id);
    const { headBefore } = record;
    let readings: Readings = { before: [], after: [] };
    const call = (transaction: Transaction) => {
      readings = { before: [], after: [] };
      for (const query of [{ get: act.place }, { get: act.other }, ...act.before]) readings.before.push(ask(transaction, query));
      this.#change(transaction, act, id);
      for (const query of act.after) readings.after.push(ask(transaction, query));
    };
    try {
      const { revision, changed } = await store.update(call, { actor: id });
      record.status = changed ? "committed" : "nothing";
      record.revision = revision;
      if (changed) this.#judge.readingsAt(id, history, readings.before, { revision: revision - 1, headBefore: headBefore - 1 });
      else this.#judge.readingsAt(id, history, readings.before, { revision, headBefore });
      this.#judge.readingsAt(id, history, readings.after, { revision, headBefore });
      for (const { answer } of readings.before) for (const object of answer) this.#seen.set(keyOfThing(object), object);
    } catch (error) {
      this.#judgeError(history, record, error);
      const isDomain = ["AlreadyExistsError", "NotFoundError", "ConflictError"].includes(errorName(error));
      if (isDomain) this.#judge.readingsJustify(id, history, readings.before, headBefore);
    }
  }

  #change(transaction: Transaction, act: Call, id: string): void {
    const { place, other, color } = act;
    const table = transaction.of(place.kind);
    const there = table.get(place.name, place.namespace);
    const spec = { color, count: (there?.spec.count ?? 0) + 1, by: id };
    const at = place.namespace === undefined ? {} : { namespace: place.namespace };
    switch (act.how) {
      case "put":
        return void (there === undefined ? table.create(inputFor(place, spec)) : table.update(inputFor(place, spec)));
      case "create":
        return void table.create(inputFor(place, spec));
      case "delete":
        return void table.delete(place.name, at);
      case "conditional": {
        const resourceVersion = this.#seen.get(keyAt(place))?.metadata.resourceVersion;
        const input = inputFor(place, spec);
        return void table.update({
          ...input,
          metadata: { ...input.metadata, ...(resourceVersion !== undefined && { resourceVersion }) },
        });
      }
      case "replace": {
        if (there !== undefined) table.delete(place.name, at);
        if (keyAt(other) !== keyAt(place) && transaction.of(other.kind).get(other.name, other.namespace) !== undefined) return;
        return void transaction.of(other.kind).create(inputFor(other, spec));
      }
      case "recolor": {
        const red = transaction.of(itemKind).find({ by: "index", index: "color", value: "red" });
        for (const each of red) transaction.of(itemKind).update({ ...inputFor(placeOf(each), { ...each.spec, color, by: id }) });
        return;
      }
      case "twice": {
        if (there === undefined) table.create(inputFor(place, spec));
        else table.update(inputFor(place, spec));
        table.update(inputFor(place, { ...spec, count: spec.count + 1 }));
        if (color === "red") table.delete(place.name, at);
        return;
      }
      case "large":
        return void (there === undefined
          ? table.create(inputFor(place, { ...spec, filler }))
          : table.update(inputFor(place, { ...spec, filler })));
      case "many":
        if (there === undefined) table.create(inputFor(place, spec));
        for (let time = 0; time < manyMost; time += 1) table.update(inputFor(place, { ...spec, count: time }));
        return;
      case "nothing":
        return;
      default:
        act.how satisfies never;
    }
  }

  async #view(store: Store, history: History, act: Extract<Act, { do: "view" }>, id: string): Promise<void> {
    const headBefore = history.head;
    const at = this.#revisionFor(act, history);
    try {
      const { value, revision } = await store.view(
        (transaction) => act.queries.map((query) => ask(transaction, query)),
        at === undefined ? {} : { at },
      );
      this.#judge.check(act.at !== "former" || at === undefined, () => `${id}: ${at} of a former life was answered`);
      this.#judge.check(at === undefined || revision === at, () => `${id}: asked for ${at}, answered at ${revision}`);
      this.#judge.readingsAt(id, history, value, { revision, headBefore: at === undefined ? headBefore : 0 });
    } catch (error) {
      this.#judgeReadError(history, error, { id, at, headBefore });
    }
  }

  #revisionFor({ at, back }: Extract<Act, { do: "view" }>, history: History): number | undefined {
    switch (at) {
      case "now":
        return undefined;
      case "past":
        return history.head - back;
      case "above":
        return history.head + 1 + back;
      case "former":
        return formerRevision(this.#lives.former(), back);
      default:
        return at satisfies never;
    }
  }

  /** A list in pages, all as of the revision of the first one. */
  async #pages(process: Process, history: History, { limit, restMs }: Extract<Act, { do: "pages" }>, id: string): Promise<void> {
    const store = process.store(history.uid);
    const everything: Query = { find: itemKind, selection: { name: "all", selector: { by: "all" }, test: () => true } };
    const found: Thing[] = [];
    let headBefore = history.head;
    let at: number | undefined;
    try {
      for (let after = ""; ; ) {
        const query: Query = { ...everything, limit, after };
        const { value, revision } = await store.view((transaction) => ask(transaction, query), at === undefined ? {} : { at });
        if (at === undefined)
          this.#judge.check(revision >= headBefore, () => `${id}: the list is of ${revision}; ${headBefore} was there before`);
        at = revision;
        found.push(...value.answer);
        const last = value.answer.at(-1);
        if (last === undefined || value.answer.length < limit) break;
        after = keyOfThing(last);
        headBefore = history.head;
        await process.link.sleep(restMs);
      }
      this.#judge.readingsAt(`${id} in pages`, history, [{ query: everything, answer: found }], { revision: at, headBefore: 0 });
    } catch (error) {
      this.#judgeReadError(history, error, { id, at, headBefore });
    }
  }

  async #batch(store: Store, history: History, act: Extract<Act, { do: "batch" }>, id: string): Promise<void> {
    const record = this.#record(history, id, act.places.length);
    const steps = act.places.map((place, index) => (transaction: Transaction) => {
      const table = transaction.of(place.kind);
      const there = table.get(place.name, place.namespace);
      if (index === act.failAt) throw new StepError();
      const input = inputFor(place, { color: act.color, count: (there?.spec.count ?? 0) + 1, by: `${id}/${index}` });
      if (there === undefined) table.create(input);
      else table.update(input);
    });
    try {
      const { steps: done, revision } = await store.batch(steps, { actor: id });
      record.status = "nothing";
      record.committedSteps = done;
      this.#judge.check(done === steps.length, () => `${id}: ${done} of ${steps.length} steps were done`);
      this.#judge.check(
        revision >= record.headBefore,
        () => `${id}: answered at ${revision}, though ${record.headBefore} was there before it began`,
      );
    } catch (error) {
      if (errorName(error) !== "BatchError") throw error;
      const { committed, cause } = error as { committed: number } & Error;
      record.committedSteps = committed;
      if (!(cause instanceof StepError)) return this.#judgeError(history, record, cause);
      record.status = "nothing";
    }
  }

  async #watch(process: Process, history: History, act: Extract<Act, { do: "watch" }>, id: string): Promise<void> {
    const watcher = new Watcher({ id, process, history, judge: this.#judge, keep: (cut) => (this.cut = cut) });
    const former = act.from === "former" ? formerRevision(this.#lives.former(), 1) : undefined;
    if (former !== undefined) return this.#tell(await watcher.expectGone(former), history);
    if (act.from === "above") return this.#tell(await watcher.expectGone(history.head + 1 + act.events), history);
    if (this.cut !== undefined && this.cut.history !== history) this.cut = undefined;
    const cut = act.from === "resume" ? this.cut : undefined;
    this.#tell(cut === undefined ? await watcher.begin(act) : await watcher.resume(cut, act), history);
  }

  async #seal(store: Store, history: History, id: string): Promise<void> {
    const record = this.#record(history, id);
    try {
      record.revision = await store.seal({ actor: id });
      record.status = "committed";
    } catch (error) {
      this.#judgeError(history, record, error);
    }
  }

  /** What an error says of a write. */
  #judgeError(history: History, record: Record, error: unknown): void {
    const name = errorName(error);
    record.status = name === "OutcomeUnknownError" ? "unknown" : "nothing";
    if (name === "SealedError") return void this.#tell("sealed", history);
    if (!isHarmless(error)) throw error;
  }

  #judgeReadError(
    history: History,
    error: unknown,
    read: { readonly id: string; readonly at: number | undefined; readonly headBefore: number },
  ): void {
    const name = errorName(error);
    if (name === "SealedError") return void this.#tell("sealed", history);
    if (name === "GoneError" && read.at !== undefined) {
      const { id, at, headBefore } = read;
      return void this.#judge.check(
        this.#judge.goneIsRight(history, at, headBefore),
        () => `${id}: ${at} was refused: ${(error as Error).message}`,
      );
    }
    if (!isHarmless(error) || name === "GoneError") throw error;
  }

  #tell(end: "sealed" | undefined, history: History): void {
    if (end !== "sealed") return;
    this.#judge.check(history.isSealed, () => `${this.name} was told that ${history.uid} is sealed; it is not`);
    this.#lives.next(history);
  }
}

class StepError extends Error {}

const formerRevision = (former: History | undefined, back: number): number | undefined =>
  former && Math.max(former.first - 1, former.head - back);

const keyOfThing = ({ kind, metadata }: Thing): string =>
  keyOf({ plural: `${kind.toLowerCase()}s`, namespaced: metadata.namespace !== undefined }, metadata.name, metadata.namespace);

const placeOf = ({ metadata }: Thing): Place => ({
  kind: itemKind,
  name: metadata.name,
  ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
});
