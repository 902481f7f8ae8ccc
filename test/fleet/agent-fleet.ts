/**
 * Agents on simulated engines and a store in memory: what a test of them stands on. Processes are made as many as wanted, each with its own
 * store on the one log; engines are found by their nodes' addresses.
 */

import { setTimeout as delay } from "node:timers/promises";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { Agents, type AgentsOptions } from "../../shared/fleet/agent/agents.ts";
import { Attempts, type EnginesOfNodes } from "../../shared/fleet/containers/attempts.ts";
import type { Engine } from "../../shared/fleet/engine.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import type { SimulatedRegistry } from "../../shared/fleet/simulated/registry.ts";
import type { Container } from "../../shared/kinds/container.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { type Task, type TaskState, taskKind } from "../../shared/kinds/task.ts";
import type { EventToRecord } from "../../shared/state/core-events/event-recorder.ts";
import type { Store } from "../../shared/state/store.ts";
import type { Transaction } from "../../shared/state/transaction.ts";
import { openStore, type Watched, watchedPorts } from "../state/watched-ports.ts";
import { runs } from "./commands.ts";
import { LeapClock } from "./leap-clock.ts";
import { mapSecrets } from "./map-secrets.ts";

const byUser = { actor: "user" };
const waitMsMax = 10_000;

export type TaskOptions = {
  readonly node?: string;
  readonly desired?: TaskState;
  readonly state?: TaskState;
  readonly namespace?: string;
  /** Of the template. */
  readonly spec?: object;
};

export class AgentFleet {
  readonly clock = new LeapClock();
  readonly engines = new Map<string, SimulatedEngine>();
  readonly told: EventToRecord[] = [];
  readonly store: Store;
  /** Steps in between an engine and whoever uses it. */
  wrap: (engine: Engine) => Engine = (engine) => engine;
  readonly secrets = mapSecrets(new Map([["registry", { username: "me", password: "secret" }]]));
  readonly #ports: Watched;
  readonly #stop = new AbortController();
  readonly #runs: Promise<void>[] = [];
  readonly #stores: Store[] = [];

  private constructor(ports: Watched) {
    this.#ports = ports;
    this.store = this.openStore();
  }

  static async open(): Promise<AgentFleet> {
    return new AgentFleet(await watchedPorts());
  }

  /** Another process's. */
  openStore(): Store {
    const store = openStore(this.#ports, this.clock);
    this.#stores.push(store);
    return store;
  }

  get cells() {
    return this.#ports.cells;
  }

  readonly enginesOfNodes: EnginesOfNodes = {
    of: async (node) => {
      const engine = this.engines.get(node.spec.address);
      if (engine === undefined) throw new Error(`no engine at ${node.spec.address}`);
      return this.wrap(engine.open());
    },
  };

  agents(options: Partial<AgentsOptions> = {}): Agents {
    const { cells, clock, secrets } = this;
    return new Agents({
      store: this.openStore(),
      cells,
      engines: this.enginesOfNodes,
      secrets,
      clock,
      ids: systemIds,
      logger: silentLogger,
      recorder: { record: async (event) => void this.told.push(event) },
      ...options,
    });
  }

  attempts(): Attempts {
    const { clock } = this;
    return new Attempts({
      store: this.openStore(),
      engines: this.enginesOfNodes,
      clock,
      ids: systemIds,
      logger: silentLogger,
    });
  }

  /** Runs until the fleet is closed. */
  run(agents: Agents = this.agents()): Agents {
    this.#runs.push(agents.run(this.#stop.signal));
    return agents;
  }

  async addNode(
    name: string,
    {
      address = `tcp://${name}:2375`,
      registries = [],
    }: { readonly address?: string; readonly registries?: readonly SimulatedRegistry[] } = {},
  ): Promise<SimulatedEngine> {
    const { clock } = this;
    const engine = this.engines.get(address) ?? new SimulatedEngine({ address, clock, random: Math.random, registries });
    this.engines.set(address, engine);
    const spec = nodeKind.spec.parse({ address });
    await this.update(({ nodes }) =>
      nodes.create({ apiVersion, kind: "Node", metadata: { name }, spec, status: { state: "ready" } }),
    );
    return engine;
  }

  setNode(name: string, state: "down" | "ready" | "disconnected", id?: string): Promise<unknown> {
    return this.update(({ nodes }) => {
      const node = nodes.get(name);
      if (node) nodes.update({ ...node, status: { ...node.status, state, ...(id && { engine: { id } }) } });
    });
  }

  addTask(name: string, { node = "a", desired = "running", state = "assigned", namespace = "default", spec }: TaskOptions = {}) {
    const template = { spec: { image: "busybox", command: runs, ...spec } };
    const parsed = taskKind.spec.parse({ nodeName: node, desiredState: desired, template });
    return this.update(({ tasks }) =>
      tasks.create({ apiVersion, kind: "Task", metadata: { name, namespace }, spec: parsed, status: { state } }),
    );
  }

  setDesired(name: string, desiredState: TaskState): Promise<unknown> {
    return this.update(({ tasks }) => {
      const task = tasks.get(name, "default");
      if (task) tasks.update({ ...task, spec: { ...task.spec, desiredState } });
    });
  }

  update(call: (transaction: Transaction) => unknown): Promise<unknown> {
    return this.store.update(call, byUser);
  }

  async task(name: string, namespace = "default"): Promise<Task | undefined> {
    return (await this.store.view(({ tasks }) => tasks.get(name, namespace))).value;
  }

  async container(name: string, namespace = "default"): Promise<Container | undefined> {
    return (await this.store.view(({ containers }) => containers.get(name, namespace))).value;
  }

  async containers(): Promise<readonly Container[]> {
    return (await this.store.view(({ containers }) => containers.find())).value;
  }

  async state(name: string): Promise<TaskState | undefined> {
    return (await this.task(name))?.status?.state;
  }

  /** Reasons of what was told of an object, in order. */
  reasons(name: string): readonly string[] {
    return this.told.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason }) => reason);
  }

  /** Resolves when `holds` does. Time is moved on meanwhile, a second at a time, when `leaps`. */
  async until(holds: () => Promise<boolean> | boolean, { leaps = false }: { readonly leaps?: boolean } = {}): Promise<void> {
    const deadline = performance.now() + waitMsMax;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error(`it never held: ${holds.toString()}`);
      if (leaps) this.clock.leap(1_000);
      await delay(2);
    }
  }

  /** What must hold at rest: each of the cluster's containers has its object, each object its container, and no attempt has two. */
  async problems(): Promise<readonly string[]> {
    const objects = (await this.containers()).filter(({ status }) => status?.state !== "lost");
    const there = [...this.engines.values()].flatMap(({ world }) => [...world.containers.keys()]);
    const known = objects.map(({ status }) => status?.containerId);
    return [
      ...there.filter((id) => !known.includes(id)).map((id) => `container ${id} has no object`),
      ...objects
        .filter(({ status }) => !there.includes(status?.containerId ?? ""))
        .map(({ metadata }) => `object ${metadata.name} has no container`),
      ...known.filter((id, index) => known.indexOf(id) !== index).map((id) => `container ${id} has two objects`),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#runs);
    for (const store of this.#stores) store.close();
    for (const { world } of this.engines.values()) world.clear();
  }
}
