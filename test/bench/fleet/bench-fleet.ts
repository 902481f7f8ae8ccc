/**
 * A cluster's fleet as the embedded host has it (store, reconciler, healer, agents, events), on simulated engines: what the benches of the
 * fleet measure. Engines answer at once: what is measured is Windlass, and the little that the stand-ins cost.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Clock, systemClock } from "../../../shared/base/clock.ts";
import { systemIds } from "../../../shared/base/ids.ts";
import { silentLogger } from "../../../shared/base/logger.ts";
import { type ClusterFleet, type FleetPolicy, openClusterFleet } from "../../../shared/fleet/cluster-fleet.ts";
import { stateOf } from "../../../shared/fleet/reconcile/world.ts";
import { NoSuchSecretError } from "../../../shared/fleet/secrets/resolver.ts";
import { SimulatedEngine } from "../../../shared/fleet/simulated/engine.ts";
import { nodeKind } from "../../../shared/kinds/node.ts";
import { apiVersion } from "../../../shared/kinds/object.ts";
import { serviceKind } from "../../../shared/kinds/service.ts";
import type { Task } from "../../../shared/kinds/task.ts";
import type { Cells } from "../../../shared/log/ports.ts";
import { EventJournal } from "../../../shared/state/core-events/event-journal.ts";
import { eventRecorder } from "../../../shared/state/core-events/event-recorder.ts";
import type { Store } from "../../../shared/state/store.ts";
import type { Transaction } from "../../../shared/state/transaction.ts";
import { beginStore, byBench, nodeName, type Ports } from "../store/open.ts";

export type FleetPorts = Ports & { readonly cells: Cells };
export type FleetOptions = {
  readonly ports: FleetPorts;
  readonly nodes: number;
  readonly clock?: Clock;
  /** Absent: as everybody has it. */
  readonly policy?: FleetPolicy;
};

/** Runs until it is asked to end. */
export const command: readonly string[] = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 3600; done"];
/** Between two looks at whether something has come true: what is looked for is told of by an event where its time counts. */
const lookMs = 100;

export class BenchFleet implements AsyncDisposable {
  readonly store: Store;
  readonly cluster: ClusterFleet;
  /** By the nodes' names. */
  readonly engines: ReadonlyMap<string, SimulatedEngine>;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  private constructor({ ports, nodes, clock = systemClock, policy = {} }: FleetOptions, store: Store) {
    this.store = store;
    const engines = Array.from({ length: nodes }, (_, index) => engineOf(index, clock));
    const byAddress = new Map(engines.map((engine, index) => [addressOf(index), engine]));
    this.engines = new Map(engines.map((engine, index) => [nodeName(index), engine]));
    const recorder = eventRecorder(new EventJournal({ cells: ports.cells, clock, ids: systemIds }), store.uid);
    this.cluster = openClusterFleet({
      store,
      cells: ports.cells,
      clock,
      ids: systemIds,
      logger: silentLogger,
      recorder,
      secrets: { resolve: (name) => Promise.reject(new NoSuchSecretError(name)) },
      open: async ({ address }) => {
        const engine = byAddress.get(address);
        if (engine === undefined) throw new Error(`no engine at ${address}`);
        return engine.open();
      },
      policy,
    });
  }

  static async open(options: FleetOptions): Promise<BenchFleet> {
    return new BenchFleet(options, await beginStore(options.ports, options.clock));
  }

  /** Its loops work from now on, until it is disposed of. */
  run(): void {
    this.#running ??= this.cluster.run(this.#stop.signal);
  }

  /** Nothing works any more; the store stays open. */
  async rest(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async addNodes(): Promise<void> {
    const steps = [...this.engines.keys()].map((name, index) => ({ nodes }: Transaction) => {
      const spec = nodeKind.spec.parse({ address: addressOf(index) });
      nodes.create({ apiVersion, kind: "Node", metadata: { name, labels: { zone: `zone-${index % 3}` } }, spec });
    });
    await this.store.batch(steps, byBench);
  }

  /** `service-0`, …: each with `replicas` tasks, and a label of its name on their containers. */
  async addServices(count: number, replicas: number): Promise<void> {
    const steps = Array.from({ length: count }, (_, index) => ({ services }: Transaction) => {
      const name = `service-${index}`;
      const labels = { "com.example.app": name, "com.example.team": `team-${index % 10}` };
      const template = { metadata: { labels }, spec: { image: "busybox", command: [...command] } };
      const spec = serviceKind.spec.parse({ replicas, template });
      services.create({ apiVersion, kind: "Service", metadata: { name, namespace: "default" }, spec });
    });
    await this.store.batch(steps, byBench);
  }

  async tasks(): Promise<readonly Task[]> {
    return (await this.store.view(({ tasks }) => tasks.find())).value;
  }

  async runningTasks(): Promise<readonly Task[]> {
    return (await this.tasks()).filter((task) => stateOf(task) === "running" && task.spec.desiredState === "running");
  }

  /** Resolves when all nodes are ready. */
  async untilReady(): Promise<void> {
    await until("all nodes are ready", async () => {
      const { value: nodes } = await this.store.view((transaction) => transaction.nodes.find());
      return nodes.length === this.engines.size && nodes.every(({ status }) => status?.state === "ready");
    });
  }

  async untilRunning(count: number): Promise<void> {
    await until(`${count} tasks run`, async () => (await this.runningTasks()).length === count);
  }

  /** Resolves when nothing has been committed for `ms`, and `writes` has not grown. */
  async untilQuiet(ms: number, writes: () => number): Promise<void> {
    for (let seen = ""; ; await delay(ms)) {
      const { revision } = await this.store.view(() => undefined);
      const now = `${revision} ${writes()}`;
      if (now === seen) return;
      seen = now;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rest();
    await this.cluster[Symbol.asyncDispose]();
    this.store.close();
    for (const { world } of this.engines.values()) world.clear();
  }
}

/** `cells`, and how often they were written since. */
export function countedCells(cells: Cells): { readonly cells: Cells; readonly writes: () => number } {
  let count = 0;
  const counted: Cells = {
    get: (uid, key) => cells.get(uid, key),
    list: (uid, prefix, limit) => cells.list(uid, prefix, limit),
    put: (uid, put) => {
      count += 1;
      return cells.put(uid, put);
    },
    delete: (uid, key, version) => {
      count += 1;
      return cells.delete(uid, key, version);
    },
  };
  return { cells: counted, writes: () => count };
}

/** More than any start of a fleet takes. */
const untilMs = 900_000;

/** Resolves when `isSo`. @throws when it does not become so for a quarter of an hour. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + untilMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${untilMs} ms: ${what}`);
    await delay(lookMs);
  }
}

const addressOf = (index: number): string => `tcp://10.0.${Math.floor(index / 250)}.${(index % 250) + 1}:2375`;

const engineOf = (index: number, clock: Clock): SimulatedEngine =>
  new SimulatedEngine({
    address: addressOf(index),
    clock,
    random: systemIds.random,
    name: `host-${index}`,
    cpus: 64,
    memoryBytes: 2 ** 38,
  });
