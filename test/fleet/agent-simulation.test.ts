/**
 * Agents under random kills, faults and meddling: at rest each of the cluster's containers has its object, each object its container, each
 * task at most one container, which was started once, and what was foreign is still there.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Agents } from "../../shared/fleet/agent/agents.ts";
import { attemptLabel } from "../../shared/fleet/containers/labels.ts";
import type { Engine } from "../../shared/fleet/engine.ts";
import type { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import type { Task, TaskState } from "../../shared/kinds/task.ts";
import { AgentFleet } from "./agent-fleet.ts";
import { runs } from "./commands.ts";

const nodes = ["a", "b", "c"] as const;
const commands = [runs, ["true"], ["sh", "-c", "exit 3"], ["nonsense"]];
const restRoundsMax = 40;

class Crash extends Error {}

const nodeName = fc.constantFrom(...nodes);
const number = fc.nat(7);
const stepArbitrary = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("add" as const), node: nodeName, number, command: fc.nat(commands.length - 1) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("desire" as const),
      number,
      state: fc.constantFrom<TaskState>("shutdown", "running", "remove"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("orphan" as const), number }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("create" as const), node: nodeName, number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("deleteObject" as const), number }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("meddle" as const), node: nodeName, number }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("fault" as const),
      node: nodeName,
      fault: fc.constantFrom("unreachable", "cut", "failing", "late", "none", "data", "streams"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("node" as const),
      node: nodeName,
      state: fc.constantFrom("down" as const, "ready" as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("kill" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("round" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.constantFrom(0, 1, 5, 70) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("crashes" as const), every: fc.constantFrom(0, 2, 3, 5) }) },
);
type Step = typeof stepArbitrary extends fc.Arbitrary<infer S> ? S : never;

class Simulation {
  readonly fleet: AgentFleet;
  readonly starts = new Map<string, number>();
  readonly foreign = new Set<string>();
  readonly #pending: Promise<unknown>[] = [];
  #calls = 0;
  #crashEvery = 0;
  #stop = new AbortController();
  #life: Promise<void> = Promise.resolve();
  #tasks = 0;

  constructor(fleet: AgentFleet) {
    this.fleet = fleet;
    fleet.wrap = (engine) => this.#crashing(engine);
  }

  async begin(): Promise<void> {
    for (const name of nodes) {
      const engine = await this.fleet.addNode(name);
      engine.world.listeners.add(({ Action, Actor }) => {
        if (Action === "start") this.starts.set(Actor.ID, (this.starts.get(Actor.ID) ?? 0) + 1);
      });
      this.foreign.add(engine.world.create("theirs", { Image: "busybox", Cmd: runs }).id);
    }
    this.#live();
  }

  async do(step: Step): Promise<void> {
    const { fleet } = this;
    switch (step.do) {
      case "add":
        this.#tasks += 1;
        await fleet
          .addTask(`t${this.#tasks % 8}`, { node: step.node, spec: { command: commands[step.command] } })
          .catch(() => undefined);
        return;
      case "desire":
        return void (await fleet.setDesired(`t${step.number}`, step.state));
      case "delete":
        return void (await fleet
          .update(({ tasks }) => tasks.delete(`t${step.number}`, { namespace: "default" }))
          .catch(() => undefined));
      case "orphan":
        return void (await this.#orphan(`t${step.number}`));
      case "create":
        return this.#create(step.node, step.number);
      case "deleteObject": {
        const objects = await fleet.containers();
        const { name = "" } = objects[step.number % Math.max(1, objects.length)]?.metadata ?? {};
        return void (await fleet
          .update(({ containers }) => containers.delete(name, { namespace: "default" }))
          .catch(() => undefined));
      }
      case "meddle":
        return this.#meddle(this.#engine(step.node), step.number);
      case "fault":
        return this.#fault(this.#engine(step.node), step.fault);
      case "node":
        return void (await fleet.setNode(step.node, step.state));
      case "kill":
        return this.#live();
      case "round":
        return void this.#pending.push(
          fleet
            .agents()
            .round({ ms: 20_000 })
            .catch(() => undefined),
        );
      case "wait":
        fleet.clock.leap(step.seconds * 1_000);
        return void (await new Promise((resolve) => setTimeout(resolve, 3)));
      case "crashes":
        this.#crashEvery = step.every;
        return;
      default:
        step satisfies never;
    }
  }

  /** Everything is well again, and nobody but rounds works on it. */
  async rest(): Promise<Agents> {
    const { fleet } = this;
    this.#crashEvery = 0;
    for (const engine of fleet.engines.values()) engine.faults.set(undefined);
    this.#stop.abort();
    for (let count = 0; count < 20; count += 1) {
      fleet.clock.leap(10_000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await Promise.all([...this.#pending, this.#life]);
    for (const name of nodes) await fleet.setNode(name, "ready");
    fleet.clock.leap(120_000);
    const agents = fleet.agents();
    let revision = -1;
    for (let count = 0; count < restRoundsMax; count += 1) {
      const { again } = await agents.round();
      const head = (await fleet.store.view(() => undefined)).revision;
      if (!again && head === revision) return agents;
      revision = head;
      fleet.clock.leap(2_000);
    }
    const { objects } = await fleet.store.save();
    throw new Error(`not at rest after ${restRoundsMax} rounds: ${JSON.stringify(objects)}`);
  }

  #live(): void {
    this.#stop.abort();
    this.#pending.push(this.#life);
    this.#stop = new AbortController();
    this.#life = this.fleet.agents().run(this.#stop.signal);
  }

  #engine(name: string): SimulatedEngine {
    const engine = this.fleet.engines.get(`tcp://${name}:2375`);
    if (engine === undefined) throw new Error(`no engine ${name}`);
    return engine;
  }

  #orphan(name: string): Promise<unknown> {
    return this.fleet.update(({ tasks }) => {
      const task = tasks.get(name, "default");
      if (task)
        tasks.update({
          ...task,
          spec: { ...task.spec, desiredState: "shutdown" },
          status: { ...task.status, state: "orphaned" },
        });
    });
  }

  #create(node: string, number: number): void {
    const spec = { nodeName: node, origin: "user" as const, containerName: `user${number}`, image: "busybox" };
    const body = { Image: "busybox", Cmd: runs };
    this.#pending.push(
      this.fleet
        .attempts()
        .create({ spec, body, actor: "user", deadlineMs: 10_000 })
        .catch(() => undefined),
    );
  }

  /** Somebody is at work on the node itself. */
  #meddle({ world }: SimulatedEngine, number: number): void {
    const all = [...world.containers.values()];
    const one = all[number % Math.max(1, all.length)];
    if (one === undefined) return;
    if (number % 2 === 0) world.remove(one);
    else void one.stop().catch(() => undefined);
    this.foreign.delete(one.id);
  }

  #fault(engine: SimulatedEngine, fault: string): void {
    const { faults } = engine;
    if (fault === "unreachable" || fault === "cut") faults.set({ kind: fault });
    else if (fault === "failing") faults.set({ kind: "failing", status: 500, message: "inside" });
    else if (fault === "late") faults.set({ kind: "failing", status: 500, message: "late", afterwards: true });
    else if (fault === "none") faults.set(undefined);
    else if (fault === "streams") faults.cutStreams();
    else {
      for (const id of engine.world.containers.keys()) this.foreign.delete(id);
      engine.loseData();
    }
  }

  /** Every so often a process dies, before or after the engine did what it was asked for. */
  #crashing(engine: Engine): Engine {
    const dying =
      <Given extends readonly unknown[], T>(act: (...given: Given) => Promise<T>) =>
      async (...given: Given): Promise<T> => {
        this.#calls += 1;
        const isFatal = this.#crashEvery > 0 && this.#calls % this.#crashEvery === 0;
        if (isFatal && this.#calls % 2 === 0) throw new Crash();
        const answer = await act(...given);
        if (isFatal) throw new Crash();
        return answer;
      };
    const { containers, runs: ran } = engine;
    return {
      ...engine,
      containers: {
        ...containers,
        create: dying(containers.create),
        remove: dying(containers.remove),
        list: dying(containers.list),
      },
      runs: { ...ran, start: dying(ran.start), stop: dying(ran.stop) },
    };
  }
}

async function check({ fleet, starts, foreign }: Simulation): Promise<void> {
  expect(await fleet.problems()).toEqual([]);
  const { value: tasks } = await fleet.store.view((transaction) => transaction.tasks.find());
  const worlds = [...fleet.engines.values()].map(({ world }) => world);
  const there = worlds.flatMap(({ containers }) => [...containers.values()]);
  for (const id of foreign) expect(there.map((one) => one.id)).toContain(id);
  for (const one of there) if (attemptLabel in one.labels) expect(starts.get(one.id) ?? 0, one.name).toBeLessThanOrEqual(1);
  for (const task of tasks) expect(await restOf(fleet, task)).toBe(true);
}

/** A task is where it should be, or has ended; only one that runs has a container that does. */
async function restOf(fleet: AgentFleet, { metadata, spec, status }: Task): Promise<boolean> {
  const container = await fleet.container(metadata.name);
  const isRunning = container?.spec.taskUid === metadata.uid && container.status?.state === "running";
  if (status?.state === "running") return isRunning && spec.desiredState === "running";
  return !isRunning && ["complete", "failed", "rejected", "shutdown", "orphaned"].includes(status?.state ?? "");
}

describe("agents under random faults", () => {
  it("at rest engines, objects and tasks agree", async () => {
    const steps = fc.array(stepArbitrary, { minLength: 10, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        await using fleet = await AgentFleet.open();
        const simulation = new Simulation(fleet);
        await simulation.begin();
        for (const step of all) await simulation.do(step);
        await simulation.rest();
        await check(simulation);
      }),
      { numRuns: Number(process.env["WINDLASS_AGENT_RUNS"] ?? 15), endOnFailure: true },
    );
  }, 60_000);
});
