/**
 * A fleet whose reconciler, store and clock are the real ones' code, and whose engines are a few lines: tasks go on to what they are
 * meant to be, as far as their node is there; templates whose image says so fail. Nothing takes real time.
 */
import { timestamp } from "../../shared/base/clock.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import type { Action } from "../../shared/fleet/reconcile/actions.ts";
import { carryOut } from "../../shared/fleet/reconcile/commit.ts";
import { decide } from "../../shared/fleet/reconcile/decide.ts";
import { worldIn } from "../../shared/fleet/reconcile/look.ts";
import { Reconciler } from "../../shared/fleet/reconcile/reconciler.ts";
import {
  defaultPolicy,
  isAssigned,
  isOver,
  isWanted,
  type Policy,
  stateOf,
  type World as WholeWorld,
} from "../../shared/fleet/reconcile/world.ts";
import { type ContainerReservations, containerKind } from "../../shared/kinds/container.ts";
import { type Node, nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { type Service, serviceKind } from "../../shared/kinds/service.ts";
import { type Task, type TaskState, taskStateRank } from "../../shared/kinds/task.ts";
import type { EventToRecord } from "../../shared/state/core-events/event-recorder.ts";
import { dying, writeOrRemove } from "../../shared/state/garbage/deletion.ts";
import type { Store } from "../../shared/state/store.ts";
import type { Transaction } from "../../shared/state/transaction.ts";
import { openStore, QuickClock, type Watched, watchedPorts } from "../state/watched-ports.ts";

const byUser = { actor: "user" };
/** Rounds in which a fleet must have come to rest. */
const roundsMax = 200;

export type World = Omit<WholeWorld, "now">;

/** What becomes of a task that is to run: by its image. Default: it runs. */
export type Fate = "runs" | "fails" | "never";

export class SimulatedFleet {
  /** For further stores on the same log. */
  readonly ports: Watched;
  readonly store: Store;
  readonly clock: QuickClock;
  /** Machines that are off: no engine there does anything. */
  readonly off = new Set<string>();
  readonly reconcilers: readonly Reconciler[];
  /** What people were told, by all of them. */
  readonly events: EventToRecord[] = [];
  /** Called after each change, with all that is there. */
  onWorld: (world: World) => void = () => undefined;
  readonly #fateOf: (task: Task) => Fate;
  readonly #policy: Policy;
  #late: readonly Action[] = [];

  private constructor(
    { ports, stores, clock }: { readonly ports: Watched; readonly stores: readonly Store[]; readonly clock: QuickClock },
    options: { readonly policy?: Partial<Policy>; readonly fateOf?: (task: Task) => Fate },
  ) {
    this.ports = ports;
    this.store = stores[0] as Store;
    this.clock = clock;
    this.#fateOf = options.fateOf ?? (() => "runs");
    const policy = { ...defaultPolicy, ...options.policy };
    this.#policy = policy;
    const recorder = { record: async (event: EventToRecord) => void this.events.push(event) };
    this.reconcilers = stores.map((store) => new Reconciler({ store, clock, logger: silentLogger, policy, recorder }));
  }

  /** Each reconciler has a store of its own on the one log, as it would in another process. */
  static async open(
    options: { readonly policy?: Partial<Policy>; readonly fateOf?: (task: Task) => Fate; readonly reconcilers?: number } = {},
  ) {
    const ports = await watchedPorts();
    const clock = new QuickClock();
    const stores = Array.from({ length: options.reconcilers ?? 1 }, () => openStore(ports, clock));
    return new SimulatedFleet({ ports, stores, clock }, options);
  }

  update(call: (transaction: Transaction) => unknown): Promise<unknown> {
    return this.store.update(call, byUser);
  }

  addNode(name: string, spec: object = {}, labels: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const parsed = nodeKind.spec.parse({ address: "tcp://10.0.0.1:2375", ...spec });
    const status = {
      state: "ready" as const,
      since: timestamp(this.clock.now()),
      engine: { resources: { cpus: 4, memory: 2 ** 32 } },
    };
    return this.update(({ nodes }) =>
      nodes.create({ apiVersion, kind: "Node", metadata: { name, labels }, spec: parsed, status }),
    );
  }

  setNode(
    name: string,
    change: { readonly spec?: Partial<Node["spec"]>; readonly state?: NonNullable<Node["status"]>["state"] },
  ): Promise<unknown> {
    return this.update(({ nodes }) => {
      const node = nodes.get(name);
      if (node === undefined) return;
      const status =
        change.state === undefined ? node.status : { ...node.status, state: change.state, since: timestamp(this.clock.now()) };
      nodes.update({ ...node, spec: { ...node.spec, ...change.spec }, ...(status && { status }) });
    });
  }

  /** As an interface's DELETE does. */
  removeNode(name: string): Promise<unknown> {
    return this.update((transaction) => {
      const node = transaction.nodes.get(name);
      const now = this.clock.now();
      if (node) writeOrRemove(transaction, nodeKind, dying(nodeKind, node, { propagation: undefined, now }));
    });
  }

  addService(name: string, spec: object): Promise<unknown> {
    const parsed = serviceKind.spec.parse(spec);
    return this.update(({ services }) =>
      services.create({ apiVersion, kind: "Service", metadata: { name, namespace: "default" }, spec: parsed }),
    );
  }

  /** One that a person makes, wherever it is asked for: `taking` as its object says it. */
  addContainer(name: string, nodeName: string, taking: ContainerReservations): Promise<unknown> {
    const spec = containerKind.spec.parse({ nodeName, origin: "user", image: "own:1", reservations: taking });
    return this.update(({ containers }) =>
      containers.create({ apiVersion, kind: "Container", metadata: { name, namespace: "default" }, spec }),
    );
  }

  setService(name: string, change: (spec: Service["spec"]) => Service["spec"]): Promise<unknown> {
    return this.update(({ services }) => {
      const service = services.get(name, "default");
      if (service !== undefined) services.update({ ...service, spec: serviceKind.spec.parse(change(service.spec)) });
    });
  }

  setImage(name: string, image: string): Promise<unknown> {
    return this.setService(name, (spec) => ({ ...spec, template: { ...spec.template, spec: { ...spec.template.spec, image } } }));
  }

  async world(): Promise<World> {
    const { value } = await this.store.view((transaction) => worldIn(transaction, this.clock.now()));
    return value;
  }

  async service(name: string): Promise<Service> {
    const found = (await this.world()).services.find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`no service ${name}`);
    return found;
  }

  /** Engines do what they are asked for; whether anything changed. `some`: which of the tasks get a turn. */
  async work(some: (task: Task) => boolean = () => true): Promise<boolean> {
    let changed = false;
    const { tasks: all } = await this.world();
    const steps = all.filter(some).map(({ metadata }) => ({ tasks, nodes }: Transaction) => {
      const task = tasks.get(metadata.name, metadata.namespace);
      const nodeName = task?.spec.nodeName;
      if (task === undefined || nodeName === undefined || this.off.has(nodeName) || nodes.get(nodeName) === undefined) return;
      const state = isAssigned(task) && !isOver(task) ? this.#next(task) : undefined;
      if (state === undefined || state === stateOf(task)) return;
      changed = true;
      const at = timestamp(this.clock.now());
      const startedAt = state === "running" ? { startedAt: at } : {};
      tasks.update({ ...task, status: { ...task.status, ...startedAt, state, since: at } });
    });
    await this.store.batch(steps, byUser);
    this.onWorld(await this.world());
    return changed;
  }

  /** As a reconciler that decides now, and is held up before it does anything. */
  async decideForLater(): Promise<void> {
    this.#late = decide({ ...(await this.world()), now: this.clock.now() }, this.#policy).actions;
  }

  async carryOutLate(): Promise<void> {
    const steps = this.#late.map((action) => (transaction: Transaction) => void carryOut(transaction, action));
    this.#late = [];
    await this.store.batch(steps, byUser);
    this.onWorld(await this.world());
  }

  /** Reconcilers and engines in turns until none has anything to do now. Does not let time pass. */
  async rest(): Promise<void> {
    for (let count = 0; count < roundsMax; count += 1) {
      const rounds = await Promise.all(this.reconcilers.map((reconciler) => reconciler.round()));
      this.onWorld(await this.world());
      const worked = await this.work();
      if (!worked && rounds.every(({ decided }) => decided === 0)) return;
    }
    throw new Error(`not at rest after ${roundsMax} rounds`);
  }

  /** Rests, and lets time pass to when something is due, for `seconds` at the most. */
  async pass(seconds: number): Promise<void> {
    const end = this.clock.now() + seconds * 1_000;
    for (;;) {
      await this.rest();
      const [first] = this.reconcilers;
      const { wakeAt } = first === undefined ? { wakeAt: undefined } : await first.round();
      if (wakeAt === undefined || wakeAt > end) break;
      this.clock.advance(Math.max(0, wakeAt - this.clock.now()));
    }
    this.clock.advance(Math.max(0, end - this.clock.now()));
    await this.rest();
  }

  #next(task: Task): TaskState | undefined {
    if (!isWanted(task)) return "shutdown";
    if (task.spec.desiredState !== "running") return "ready";
    if (taskStateRank(stateOf(task)) < taskStateRank("running")) {
      const fate = this.#fateOf(task);
      if (fate === "never") return "starting";
      return fate === "fails" ? "failed" : "running";
    }
    return undefined;
  }
}

/** Tasks that run and are meant to, of a service. */
export const runningOf = ({ tasks }: World, service = "web"): Task[] =>
  tasks.filter((task) => task.spec.serviceName === service && isWanted(task) && stateOf(task) === "running");
export const imagesOf = (tasks: readonly Task[]): string[] =>
  [...new Set(tasks.map(({ spec }) => spec.template.spec.image))].sort();
export const nodesOf = (tasks: readonly Task[]): string[] => tasks.map(({ spec }) => spec.nodeName ?? "").sort();
