/**
 * Nodes with simulated engines, any number of healers with stores of their own on one log, and a clock that moves only when everybody
 * waits for it: an hour takes a moment, and a race is the same each time.
 */

import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import type { Logger } from "../../shared/base/logger.ts";
import { NodeEngines, type OpenEngine } from "../../shared/fleet/nodes/engines.ts";
import { NodeHealer, type NodeHealerOptions } from "../../shared/fleet/nodes/healer.ts";
import { Hooks } from "../../shared/fleet/nodes/hooks.ts";
import { Nodes } from "../../shared/fleet/nodes/nodes.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import { type Node, nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import type { EventRecorder, EventToRecord } from "../../shared/state/core-events/event-recorder.ts";
import type { Store } from "../../shared/state/store.ts";
import type { Transaction } from "../../shared/state/transaction.ts";
import { openStore, type Watched, watchedPorts } from "../state/watched-ports.ts";
import { noSecrets } from "./map-secrets.ts";

type Sleeper = { readonly at: number; readonly wake: () => void };

/** Turns of the event loop after which nobody does anything without time passing. */
const turnsMax = 20;

export class StillClock implements Clock {
  #ms = 1_790_000_000_000;
  readonly #sleepers = new Set<Sleeper>();

  now = (): number => this.#ms;
  monotonic = (): number => this.#ms;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const sleeper = { at: this.#ms + Math.max(0, ms), wake: resolve };
    this.#sleepers.add(sleeper);
    const leave = (): void => {
      this.#sleepers.delete(sleeper);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", leave, { once: true });
    return promise.finally(() => signal?.removeEventListener("abort", leave));
  }

  /** Whoever sleeps stays asleep. */
  jump(ms: number): void {
    this.#ms += ms;
  }

  /** Lets `ms` pass, and everybody do what is due in between. */
  async pass(ms: number): Promise<void> {
    const end = this.#ms + ms;
    for (await settle(); ; await settle()) {
      const next = Math.min(...[...this.#sleepers].map(({ at }) => at));
      if (next > end) break;
      this.#wake(next);
    }
    this.#ms = end;
  }

  /** Lets time pass until `done` settles. */
  async until<T>(done: Promise<T>): Promise<T> {
    let isDone = false;
    const settled = (): void => {
      isDone = true;
    };
    done.then(settled, settled);
    for (let still = 0; !isDone && still < 1_000; still += 1) {
      for (let turns = 0; turns < turnsMax && !isDone; turns += 1) await turn();
      if (isDone || this.#sleepers.size === 0) continue;
      still = 0;
      this.#wake(Math.min(...[...this.#sleepers].map(({ at }) => at)));
    }
    if (!isDone) throw new Error("all wait for something else than time");
    return done;
  }

  #wake(at: number): void {
    this.#ms = Math.max(this.#ms, at);
    for (const sleeper of [...this.#sleepers]) {
      if (sleeper.at > this.#ms) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < turnsMax; turns += 1) await turn();
}

const byUser = { actor: "user" };
export const addressOf = (name: string): string => `tcp://${name}:2375`;

export class NodeFleet implements AsyncDisposable {
  readonly clock: Clock;
  readonly ports: Watched;
  readonly store: Store;
  readonly hooks = new Hooks();
  readonly nodes: Nodes;
  readonly events: EventToRecord[] = [];
  readonly logged: string[] = [];
  readonly engines: NodeEngines;
  readonly #simulated = new Map<string, SimulatedEngine>();
  readonly #stores: Store[] = [];

  private constructor(ports: Watched, clock: Clock) {
    this.clock = clock;
    this.ports = ports;
    this.store = this.openStore();
    this.nodes = this.nodesOn(this.store);
    this.engines = this.openEngines();
  }

  static async open(clock: Clock = new StillClock()): Promise<NodeFleet> {
    return new NodeFleet(await watchedPorts(), clock);
  }

  /** As another process has it. */
  openStore(): Store {
    const store = openStore(this.ports, this.clock);
    this.#stores.push(store);
    return store;
  }

  nodesOn(store: Store): Nodes {
    return new Nodes({ store, cells: this.ports.cells, clock: this.clock, ids: systemIds, hooks: this.hooks });
  }

  openEngines(): NodeEngines {
    const open: OpenEngine = async ({ address, tls }) => {
      await tls?.();
      return this.engine(address).open();
    };
    return new NodeEngines({ open, secrets: noSecrets, clock: this.clock });
  }

  healer(options: Partial<NodeHealerOptions> = {}): NodeHealer {
    const { clock, engines, store, ports } = this;
    const { cells } = ports;
    return new NodeHealer({
      store,
      cells,
      engines,
      clock,
      ids: systemIds,
      logger: this.logger,
      recorder: this.recorder,
      ...options,
    });
  }

  /** The one at that address; made when it is first asked for. */
  engine(nameOrAddress: string): SimulatedEngine {
    const address = nameOrAddress.includes("/") ? nameOrAddress : addressOf(nameOrAddress);
    let engine = this.#simulated.get(address);
    if (engine === undefined) {
      engine = new SimulatedEngine({
        address,
        clock: this.clock,
        random: systemIds.random,
        name: `host-${this.#simulated.size}`,
      });
      this.#simulated.set(address, engine);
    }
    return engine;
  }

  /** From now on another machine answers there. */
  replaceEngine(name: string, by: SimulatedEngine): void {
    this.#simulated.set(addressOf(name), by);
  }

  async add(name: string, spec: object = {}): Promise<void> {
    const parsed = nodeKind.spec.parse({ address: addressOf(name), ...spec });
    await this.store.update(({ nodes }) => nodes.create({ apiVersion, kind: "Node", metadata: { name }, spec: parsed }), byUser);
  }

  async addMany(names: readonly string[]): Promise<void> {
    const steps = names.map((name) => ({ nodes }: Transaction) => {
      const spec = nodeKind.spec.parse({ address: addressOf(name) });
      nodes.create({ apiVersion, kind: "Node", metadata: { name }, spec });
    });
    await this.store.batch(steps, byUser);
  }

  async change(name: string, change: (node: Node) => Node): Promise<void> {
    await this.store.update(({ nodes }) => {
      const node = nodes.get(name);
      if (node !== undefined) nodes.update(change(node));
    }, byUser);
  }

  async remove(name: string): Promise<void> {
    await this.store.update(({ nodes }) => nodes.delete(name), byUser);
  }

  async node(name: string): Promise<Node> {
    const { value } = await this.store.view(({ nodes }) => nodes.get(name));
    if (value === undefined) throw new Error(`no node ${name}`);
    return value;
  }

  async state(name: string): Promise<string> {
    return (await this.node(name)).status?.state ?? "unknown";
  }

  /** Of every node. */
  async states(): Promise<Readonly<Record<string, string>>> {
    const { value } = await this.store.view(({ nodes }) => nodes.find());
    return Object.fromEntries(value.map(({ metadata, status }) => [metadata.name, status?.state ?? "unknown"]));
  }

  /** `reason name`, in the order in which they were told. */
  get told(): readonly string[] {
    return this.events.map(({ reason, involvedObject }) => `${reason} ${involvedObject.name}`);
  }

  /** The head: how many entries there are. */
  async head(): Promise<number> {
    return (await this.store.view(() => undefined)).revision;
  }

  get logger(): Logger {
    return { log: (level, message) => void (level !== "debug" && this.logged.push(message)) };
  }

  get recorder(): EventRecorder {
    return { record: async (event) => void this.events.push(event) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#stores) store.close();
    await this.engines[Symbol.asyncDispose]();
  }
}
