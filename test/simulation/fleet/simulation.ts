/**
 * One run of a fleet: machines, processes and people act as the plan says, on virtual time; then everything heals, and in bounded time the
 * fleet must be as it should, stay so, and write no more. A pure function of the plan and the code.
 */
import type { Logger } from "../../../shared/base/logger.ts";
import { openMemory } from "../../../shared/log/memory/open.ts";
import type { Faults } from "../link.ts";
import { noFaults } from "../link.ts";
import { Random } from "../random.ts";
import { Scheduler, settled } from "../scheduler.ts";
import { Acts } from "./acts.ts";
import type { FleetCode } from "./code.ts";
import { clockOf, Line } from "./line.ts";
import { isChange } from "./linked-engine.ts";
import { Machine } from "./machine.ts";
import { Monitor } from "./monitor.ts";
import type { CrashAt, FleetPlan } from "./plan.ts";
import { portsOf } from "./ports.ts";
import { FleetProcess } from "./process.ts";
import { problems } from "./rest.ts";
import { clusterUid, images, registryHost } from "./subject.ts";

export type Outcome = {
  /** What was wrong first; undefined: nothing. */
  readonly failure: string | undefined;
  readonly steps: number;
  readonly entries: number;
  /** Names of the faults that happened on the ways. */
  readonly faults: readonly string[];
  /** Virtual seconds from the end of the faults until all was well. */
  readonly restSeconds: number;
};
export type RunOptions = { readonly code: FleetCode; readonly logger?: Logger };

const startMs = 1_790_000_000_000;
const stepsMax = 2_000_000;
/** In which all must be well: back-offs of five minutes follow each other, and a restart's delay. */
const restMsMax = 40 * 60_000;
const lookMs = 5_000;
/**
 * A service says that it gets no further after ten minutes, and whoever asked an engine that was out of reach gives up after fifteen; when
 * nothing was said for longer, nothing more is to come.
 */
const quietMs = 16 * 60_000;
const settleMsMax = 5 * quietMs;
/** Long enough for what was seen wrongly to be done. */
const soonMs = 90_000;
const stopMsMax = 5 * 60_000;

export async function simulateFleet(plan: FleetPlan, options: RunOptions): Promise<Outcome> {
  return await new Simulation(plan, options).run();
}

export class Simulation {
  readonly plan: FleetPlan;
  readonly code: FleetCode;
  readonly scheduler = new Scheduler(startMs);
  readonly monitor = new Monitor();
  readonly machines: readonly Machine[];
  readonly random: Random;
  readonly #memory = openMemory({ appliesOnAppend: true });
  readonly #logger: Logger;
  readonly #masked: ReadonlySet<string>;
  readonly #faults: string[] = [];
  readonly #processes: (FleetProcess | undefined)[] = [];
  readonly #doomed = new Map<FleetProcess, { readonly when: CrashAt; readonly crash: () => void }>();
  readonly #acts: Acts;
  readonly registry;
  /** Pairs of a process and a machine that do not reach each other, with how often they were parted. */
  readonly partitions = new Map<string, number>();
  #lines = 0;
  #isCalm = false;

  constructor(plan: FleetPlan, { code, logger = { log: () => undefined } }: RunOptions) {
    this.plan = plan;
    this.code = code;
    this.#logger = logger;
    this.#masked = new Set(plan.masked);
    this.random = new Random(`fleet run ${plan.seed}`);
    const clock = clockOf(this.scheduler);
    this.registry = new code.SimulatedRegistry(registryHost);
    this.machines = Array.from({ length: plan.machines }, (_, index) => {
      return new Machine({ code, index, clock, random: new Random(`machine ${plan.seed} ${index}`), registry: this.registry });
    });
    for (const machine of this.machines) this.monitor.join(machine);
    this.#fillRegistry();
    const line = this.#line("people", noFaults, true);
    const ports = this.#ports(line);
    const logged = { logger: this.#logger, scope: "cluster" as const };
    const store = new code.Store({ ...ports, ...logged, uid: clusterUid, registry: code.registry, clock: line, ids: line });
    this.#acts = new Acts(this, store);
  }

  get isCalm(): boolean {
    return this.#isCalm;
  }

  process(index: number): FleetProcess | undefined {
    return this.#processes[index % this.plan.processes.length];
  }

  async run(): Promise<Outcome> {
    const { plan, scheduler, monitor } = this;
    await this.#memory.objects.begin(clusterUid, startMs);
    for (const index of plan.processes.keys()) this.start(index);
    for (const { atMs, act } of plan.acts) scheduler.after(atMs, () => this.#acts.begin(act));
    await this.#until(() => scheduler.nowMs >= startMs + plan.spanMs);
    this.#heal();
    // What was sent before still arrives.
    await this.#pass(Math.max(plan.engineFaults.lateMs, plan.storeFaults.lateMs));
    const healedMs = scheduler.nowMs;
    await this.#rest();
    const restSeconds = Math.round((scheduler.nowMs - healedMs) / 1_000);
    await (plan.idleMs > 0 ? this.#settle() : this.#pass(soonMs));
    this.#mustBeWell("after a while");
    await this.#idle();
    await this.#end();
    return { failure: monitor.failure, steps: scheduler.steps, entries: monitor.entries, faults: this.#faults, restSeconds };
  }

  start(index: number): void {
    const { code, plan, monitor } = this;
    const place = index % plan.processes.length;
    if (this.#processes[place]?.isCut === false) return;
    this.#lines += 1;
    const line = this.#line(`p${place}.${this.#lines}`, plan.storeFaults);
    const engineLine = this.#line(`p${place}.${this.#lines}e`, plan.engineFaults);
    const process: FleetProcess = new FleetProcess({
      code,
      line,
      engineLine,
      ports: this.#ports(line, () => this.#meet(process, "commit")),
      mode: plan.processes[place] ?? "run",
      lostEvents: plan.lostEvents,
      createMs: plan.createMs,
      machineAt: (address) => this.machines.find((machine) => machine.address === address),
      isCutOff: (machine) => (this.partitions.get(`${place} ${machine.index}`) ?? 0) > 0,
      arrived: (asked) => {
        monitor.arrived(asked);
        if (isChange(asked)) this.#meet(process, "call");
      },
      logger: this.#logger,
      fail: (text) => monitor.fail(text),
    });
    this.#processes[place] = process;
    process.begin();
  }

  /** `after`: called then. */
  crash(index: number, when: CrashAt, after: () => void): void {
    const process = this.process(index);
    if (process === undefined || process.isCut) return;
    const crash = () => {
      process.crash();
      after();
    };
    if (when === "now") crash();
    else this.#doomed.set(process, { when, crash });
  }

  #meet(process: FleetProcess | undefined, what: CrashAt): void {
    const doom = process && this.#doomed.get(process);
    if (process === undefined || doom?.when !== what || this.#isCalm) return;
    this.#doomed.delete(process);
    doom.crash();
  }

  /** A new one begins while the old one ends in peace, unless it dies before. */
  async restart(index: number): Promise<void> {
    const place = index % this.plan.processes.length;
    const former = this.#processes[place];
    if (former === undefined || former.isCut) return;
    this.#processes[place] = undefined;
    this.start(place);
    let ended = false;
    this.after(stopMsMax, () => {
      if (!ended && !former.isCut) this.monitor.fail("a process does not end when it is asked to");
    });
    await former.stop();
    ended = true;
  }

  after(ms: number, run: () => void): void {
    this.scheduler.after(ms, run);
  }

  #heal(): void {
    this.#isCalm = true;
    this.partitions.clear();
    for (const { engine } of this.machines) {
      engine.faults.set(undefined);
      engine.faults.lie = undefined;
      engine.faults.latencyMs = 0;
    }
    const dead = this.plan.dead === undefined ? undefined : this.machines[this.plan.dead];
    if (dead !== undefined) {
      dead.isDead = true;
      dead.stop();
    }
    this.registry.credentials = undefined;
    for (const index of this.plan.processes.keys()) this.start(index);
  }

  async #rest(): Promise<void> {
    const endMs = this.scheduler.nowMs + restMsMax;
    while (this.monitor.failure === undefined && problems(this.monitor).length > 0) {
      if (this.scheduler.nowMs >= endMs) return this.#mustBeWell("though nothing goes wrong any more");
      await this.#pass(lookMs);
    }
  }

  #mustBeWell(when: string): void {
    const wrong = problems(this.monitor);
    if (wrong.length > 0) this.monitor.fail(`${when}: ${wrong.slice(0, 6).join("; ")}`);
  }

  /** Until the last is said. */
  async #settle(): Promise<void> {
    const { scheduler, monitor } = this;
    const endMs = scheduler.nowMs + settleMsMax;
    for (let before = -1; before !== monitor.entries && monitor.failure === undefined; ) {
      if (scheduler.nowMs > endMs) return monitor.fail(`it is never quiet, the last entry: ${monitor.lastEntry}`);
      before = monitor.entries;
      await this.#pass(quietMs);
    }
  }

  async #idle(): Promise<void> {
    const { monitor, plan } = this;
    const before = monitor.entries;
    await this.#pass(plan.idleMs);
    const made = monitor.entries - before;
    if (made > 0) monitor.fail(`an idle fleet makes ${made} entries, the last: ${monitor.lastEntry}`);
  }

  async #end(): Promise<void> {
    let ended = false;
    const all = Promise.all(this.#processes.map((process) => process?.stop())).then(() => {
      ended = true;
    });
    const endMs = this.scheduler.nowMs + stopMsMax;
    await this.#until(() => ended || this.scheduler.nowMs >= endMs);
    if (ended) await all;
    else this.monitor.fail("a process does not end when it is asked to");
  }

  async #pass(ms: number): Promise<void> {
    const endMs = this.scheduler.nowMs + ms;
    let isOver = false;
    this.scheduler.after(ms, () => {
      isOver = true;
    });
    await this.#until(() => isOver || this.scheduler.nowMs > endMs);
  }

  async #until(isDone: () => boolean): Promise<void> {
    await settled();
    while (!isDone() && this.monitor.failure === undefined) {
      const together = !this.#isCalm && this.random.chance(0.1) ? 1 + this.random.int(3) : 0;
      if (!(await this.scheduler.step(together))) return;
      if (this.scheduler.steps > stepsMax) this.monitor.fail(`it never ends: ${stepsMax} steps`);
    }
  }

  #ports(line: Line, landed: () => void = () => undefined) {
    return portsOf(this.#memory, line, (run) => {
      this.monitor.landed(run);
      landed();
      for (const process of this.#processes) if (this.#isCalm || this.random.chance(0.8)) process?.wake();
    });
  }

  #line(name: string, faults: Faults, isAlwaysCalm = false): Line {
    const { scheduler, plan } = this;
    const skewMs = isAlwaysCalm ? 0 : (this.random.next() - 0.5) * 2 * plan.skewMs;
    const happened = (fault: string) => void this.#faults.push(fault);
    const isCalm = () => this.#isCalm || isAlwaysCalm;
    return new Line({ name, seed: plan.seed, scheduler, faults, masked: this.#masked, happened, skewMs, isCalm });
  }

  #fillRegistry(): void {
    const clock = clockOf(this.scheduler);
    const engine = new this.code.SimulatedEngine({ address: "tcp://registry:1", clock, random: () => this.random.next() });
    for (const image of images)
      this.registry.put(image, this.code.make(engine.world, { tags: [image], files: new Map(), history: [image] }));
  }
}
