/**
 * One run: builds the world and its actors from a plan, lets virtual time pass until every thread is done, then until nothing is
 * under way any more, and says what was wrong. A pure function of the plan and the code.
 */
import type { Entry } from "../../shared/log/ports.ts";
import type { Code } from "./code.ts";
import { publish, strip } from "./helpers.ts";
import type { History } from "./history.ts";
import { Judge } from "./judge.ts";
import { type Faults, Link, noFaults } from "./link.ts";
import type { Plan } from "./plan.ts";
import { Process } from "./process.ts";
import { ask, type Query } from "./query.ts";
import { Random } from "./random.ts";
import { Scheduler, settled } from "./scheduler.ts";
import { flagKind, itemKind, selections } from "./subject.ts";
import { Thread } from "./thread.ts";
import { Watcher } from "./watcher.ts";
import { World, type WorldBreak } from "./world.ts";

export type Outcome = {
  /** What was wrong first; undefined: nothing. */
  readonly failure: string | undefined;
  readonly steps: number;
  readonly entries: number;
  /** Names of the faults that happened. */
  readonly faults: readonly string[];
};
export type RunOptions = { readonly code: Code; readonly broken?: string };

const startMs = 1_790_000_000_000;
const stepsMax = 60_000;
/** Calm runs of the publisher until it must have come to rest. */
const calmRunsMax = 60;
/** Events of one watch that is followed to its end. */
const catchUpEvents = 100_000;
const resumesMax = 200;

export async function simulate(plan: Plan, options: RunOptions): Promise<Outcome> {
  return await new Simulation(plan, options).run();
}

class Simulation {
  readonly #plan: Plan;
  readonly #code: Code;
  readonly #broken: string | undefined;
  readonly #scheduler = new Scheduler(startMs);
  readonly #world: World;
  readonly #judge: Judge;
  readonly #random: Random;
  readonly #masked: ReadonlySet<string>;
  readonly #faults: string[] = [];
  readonly #lives: History[] = [];
  readonly #threads: readonly Thread[];
  readonly #processes = new Map<number, Process>();
  #helpers = 0;
  #starts = 0;
  #calm = false;

  constructor(plan: Plan, { code, broken }: RunOptions) {
    this.#plan = plan;
    this.#code = code;
    this.#broken = broken;
    this.#masked = new Set(plan.masked);
    this.#random = new Random(`run ${plan.seed}`);
    this.#world = new World(() => this.#scheduler.nowMs, broken as WorldBreak | undefined);
    this.#judge = new Judge(this.#world, code.limits, {
      landed: (history, run) => this.#wakePublishers(history, run.at(-1)?.entry),
      tombstone: (life, key, expiresMs) => {
        if (this.#random.chance(0.7))
          this.#at(expiresMs - this.#scheduler.nowMs + this.#random.scaled(1, 7_200_000), () => life.expire(key));
      },
    });
    this.#world.observer = this.#judge;
    this.#begin(startMs);
    this.#threads = plan.threads.map((thread) => new Thread(thread, this.#judge, this.#names()));
  }

  async run(): Promise<Outcome> {
    for (const [index] of this.#plan.threads.entries()) this.#start(this.#plan.threads[index]?.process ?? 0);
    for (const { process, atMs } of this.#plan.crashes) this.#at(atMs, () => this.#crash(process));
    for (const { atMs, keepMs } of this.#plan.strips) this.#at(atMs, () => this.#strip(this.#current, keepMs));
    await this.#until(() => this.#threads.every(({ done }) => done), "a thread waits for ever");
    await this.#rest();
    return { failure: this.#judge.failure, steps: this.#scheduler.steps, entries: this.#entries(), faults: this.#faults };
  }

  get #current(): History {
    return this.#lives.at(-1) as History;
  }

  #entries(): number {
    return this.#lives.reduce((sum, { entries }) => sum + entries.length, 0);
  }

  #names() {
    return {
      current: () => this.#current,
      former: () => this.#lives.at(-2),
      next: (sealed: History) => {
        if (sealed === this.#current && sealed.isSealed)
          this.#begin(Math.max(Math.floor(this.#scheduler.nowMs), sealed.head + 1));
      },
    };
  }

  #begin(first: number): void {
    const former = this.#lives.at(-1);
    const start = this.#broken === "a new life begins low" && former !== undefined ? former.first - 2 : first;
    this.#lives.push(this.#judge.begin(`life${this.#lives.length}`, start));
  }

  /** Time passes until `isDone`. */
  async #until(isDone: () => boolean, hung: string): Promise<void> {
    while (!isDone() && this.#judge.failure === undefined) {
      const together = this.#random.chance(0.1) ? 1 + this.#random.int(3) : 0;
      const stepped = await this.#scheduler.step(together);
      // What was just begun may wait without having asked for time yet.
      if (!stepped) await settled();
      if (!stepped && !isDone() && this.#scheduler.empty) return this.#judge.fail(hung);
      if (this.#scheduler.steps > stepsMax) this.#judge.fail(`${hung}: ${stepsMax} steps`);
    }
  }

  /** Everything is cut; then calm publishers, late requests, late resumes and cold readers, and the last judgements. */
  async #rest(): Promise<void> {
    this.#calm = true;
    for (const process of this.#processes.values()) process.crash();
    for (const history of this.#lives) await this.#publishAll(history, "while late requests are under way");
    await this.#until(() => this.#scheduler.empty, "late requests never end");
    for (const history of this.#lives) await this.#publishAll(history, "after late requests");
    const process = this.#process("last", noFaults);
    await this.#finish(this.#readCold(process));
    for (const [index, thread] of this.#threads.entries()) await this.#finish(this.#catchUp(process, thread, index));
    process.crash();
    if (this.#judge.failure === undefined) this.#judge.recordsAtEnd();
  }

  async #publishAll(history: History, when: string): Promise<void> {
    if (this.#broken === "stream records are data") return;
    for (let run = 0; run < calmRunsMax; run += 1) {
      await this.#finish(publish(this.#helper(`calm${history.uid}${run}`, noFaults), history, undefined));
      const { applied = 0, published = 0 } = this.#world.life(history.uid).markers ?? {};
      if (published === history.head && applied >= history.head - (history.isSealed ? 1 : 0)) break;
    }
    if (this.#judge.failure === undefined) this.#judge.rowsAtRest(history, when);
  }

  /** A process that knows nothing reads everything. */
  async #readCold(process: Process): Promise<void> {
    const history = this.#current;
    const queries = [itemKind, flagKind].flatMap((find): Query[] => selections.map((selection) => ({ find, selection })));
    try {
      const { value, revision } = await process
        .store(history.uid)
        .view((transaction) => queries.map((query) => ask(transaction, query)));
      this.#judge.readingsAt("a cold reader", history, value, { revision, headBefore: history.head });
    } catch (error) {
      if (!history.isSealed || (error as Error).name !== "SealedError")
        this.#judge.fail(`a cold reader: ${(error as Error).stack}`);
    }
  }

  /** A watch that was cut is resumed by another process, and told the rest. */
  async #catchUp(process: Process, thread: Thread, index: number): Promise<void> {
    const { cut } = thread;
    if (cut === undefined || cut.history !== this.#current) return;
    let last = cut;
    let isGone = false;
    const keep = (next: typeof cut | undefined) => {
      if (next === undefined) isGone = true;
      else last = next;
    };
    const watcher = new Watcher({ id: `catching up ${index}`, process, history: cut.history, judge: this.#judge, keep });
    const act = {
      do: "watch",
      from: "resume",
      filter: 0,
      events: catchUpEvents,
      waitMs: 3_000,
      restMs: 0,
      useProgress: true,
      close: true,
      queries: [],
    } as const;
    let ended: "sealed" | undefined;
    // A queue that overflows ends the watch: it is resumed again.
    for (let times = 0; times < resumesMax && !isGone && ended === undefined; times += 1) {
      ended = await watcher.resume(last, act);
      if (last.history.nextEvent(last.version, last.filter) === undefined) break;
    }
    const missed = last.history.nextEvent(last.version, last.filter);
    this.#judge.check(
      isGone || ended === "sealed" || missed === undefined,
      () => `${thread.name} was never told ${missed?.type} ${missed?.key} ${missed?.version}`,
    );
  }

  async #finish(work: Promise<void>): Promise<void> {
    let done = false;
    const end = work.then(
      () => (done = true),
      (error: unknown) => this.#judge.fail(String(error instanceof Error ? error.stack : error)),
    );
    await this.#until(() => done, "the last work waits for ever");
    if (done) await end;
  }

  #start(index: number): void {
    const known = this.#processes.get(index);
    if (known !== undefined) return;
    this.#starts += 1;
    const process = this.#process(`process${index}.${this.#starts}`, this.#plan.faults);
    this.#processes.set(index, process);
    for (const [thread, { process: place }] of this.#plan.threads.entries()) {
      const waiting = this.#threads[thread];
      if (place === index && waiting?.done === false) void waiting.run(process);
    }
  }

  #crash(index: number): void {
    if (this.#calm) return;
    this.#processes.get(index)?.crash();
    this.#processes.delete(index);
    this.#start(index);
  }

  #process(name: string, faults: Faults): Process {
    const skewMs = (this.#random.next() - 0.5) * 172_800_000;
    const link = this.#link(name, faults, skewMs);
    return new Process({ code: this.#code, plan: this.#plan, world: this.#world, link, broken: this.#broken });
  }

  #link(name: string, faults: Faults, skewMs: number): Link {
    const happened = (fault: string) => void this.#faults.push(fault);
    return new Link({ name, seed: this.#plan.seed, scheduler: this.#scheduler, faults, masked: this.#masked, happened, skewMs });
  }

  /** Stream records: lost, late, doubled, shuffled. */
  #wakePublishers(history: History, entry: Entry | undefined): void {
    if (this.#calm) return;
    const random = this.#random;
    const isLost = random.chance(this.#plan.lostWakeUps);
    const times = isLost ? 0 : random.chance(0.15) ? 2 : 1;
    for (let time = 0; time < times; time += 1) {
      const delayMs = random.chance(0.1) ? random.scaled(10, 20_000) : random.next() * 50;
      this.#at(delayMs, () => {
        const helper = this.#helper(`publisher${entry?.actor}.${time}`, this.#plan.helperFaults);
        if (random.chance(0.08)) this.#at(random.scaled(1, 2_000), () => helper.link.cut());
        void publish(helper, history, entry);
      });
    }
  }

  #strip(history: History, keepMs: number): void {
    const helper = this.#helper(`stripper${this.#scheduler.steps}`, this.#plan.helperFaults);
    if (this.#random.chance(0.2)) this.#at(this.#random.scaled(1, 2_000), () => helper.link.cut());
    // Writers' clocks are off by up to a day.
    void strip(helper, history, this.#scheduler.nowMs - keepMs + 86_400_000);
  }

  #helper(name: string, faults: Faults) {
    this.#helpers += 1;
    const link = this.#link(`${name}+${this.#helpers}`, faults, 0);
    return { code: this.#code, world: this.#world, judge: this.#judge, link, broken: this.#broken };
  }

  #at(ms: number, run: () => void): void {
    this.#scheduler.after(ms, run);
  }
}
