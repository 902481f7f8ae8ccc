/** Deciding where tasks go, on 1,000 nodes: swarmkit's own scheduler benchmark, decide alone and with what is then committed. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { systemClock } from "../../../shared/base/clock.ts";
import { deepFreeze } from "../../../shared/base/json.ts";
import { silentLogger } from "../../../shared/base/logger.ts";
import { decide } from "../../../shared/fleet/reconcile/decide.ts";
import { tasksFinalizer } from "../../../shared/fleet/reconcile/hold.ts";
import { Reconciler } from "../../../shared/fleet/reconcile/reconciler.ts";
import type { World } from "../../../shared/fleet/reconcile/world.ts";
import { type Node, nodeKind } from "../../../shared/kinds/node.ts";
import { apiVersion } from "../../../shared/kinds/object.ts";
import { type Service, serviceKind } from "../../../shared/kinds/service.ts";
import { type Task, taskKind } from "../../../shared/kinds/task.ts";
import { openSqlite } from "../../../shared/log/sqlite/open.ts";
import type { Store } from "../../../shared/state/store.ts";
import type { Transaction } from "../../../shared/state/transaction.ts";
import { measure, median, type Timed, type Timing } from "../measure.ts";
import { type Context, duration, type Group, type Row, range, timeBar } from "../report.ts";
import { beginStore, byBench, openExclusiveMemory, type Ports } from "../store/open.ts";

type Case = {
  readonly name: string;
  readonly tasks: number;
  readonly services: number;
  /** new: services without tasks; waiting: tasks without nodes, as in swarmkit's benchmark; settled: nothing to do. */
  readonly from: "new" | "waiting" | "settled";
  readonly reservations?: boolean;
  /** A tenth of what swarmkit took. */
  readonly barUs?: number;
  /** With the commits, too. */
  readonly commits?: boolean;
};

const swarmkitUs: Readonly<Record<number, number>> = { 10000: 1_800_000, 100000: 22_600_000 };

const cases: readonly Case[] = [
  { name: "10,000 waiting tasks of one service", tasks: 10_000, services: 1, from: "waiting", barUs: 180_000, commits: true },
  { name: "100,000 waiting tasks of one service", tasks: 100_000, services: 1, from: "waiting", barUs: 2_300_000, commits: true },
  { name: "10,000 new tasks of 1 service", tasks: 10_000, services: 1, from: "new", barUs: 180_000, commits: true },
  { name: "100,000 new tasks of 1 service", tasks: 100_000, services: 1, from: "new", barUs: 2_300_000, commits: true },
  { name: "100,000 new tasks of 1,000 services", tasks: 100_000, services: 1_000, from: "new", barUs: 2_300_000, commits: true },
  {
    name: "100,000 new tasks with reservations",
    tasks: 100_000,
    services: 100,
    from: "new",
    reservations: true,
    barUs: 2_300_000,
  },
  { name: "100,000 settled tasks, nothing to do", tasks: 100_000, services: 100, from: "settled" },
];

const nodes = 1_000;
const quickShare = 1_000;
/** The world's objects are built anew for each round: what is remembered about a frozen template is no head start. */
const freshTemplate = (reservations: boolean): object => ({
  spec: { image: "busybox:latest", ...(reservations && { resources: { reservations: { cpus: 0.1, memory: "32Mi" } } }) },
});

export const decideGroup: Group = {
  title: "placement: decide on 1,000 nodes",
  workloads: cases.map(({ name }) => name),
  async run(wanted, context) {
    const chosen = cases.filter(({ name }) => wanted.has(name)).map((one) => scaled(one, context));
    const alone = await measure(chosen.map(decideWorkload), context);
    const committing = chosen.filter(({ commits }) => commits === true);
    // A commit writes more than it decides: fewer rounds tell as much.
    const few = { ...context, rounds: Math.min(context.rounds, 3) };
    const memory = await measure(
      committing.map((one) => commitWorkload(one, { name: "memory", open: openMemoryPorts })),
      few,
    );
    const sqlite = await measure(
      committing.map((one) => commitWorkload(one, { name: "SQLite", open: () => openSqlitePorts(context) })),
      few,
    );
    return {
      title: this.title,
      columns: ["decide", "all rounds", "swarmkit", "with commits, memory", "with commits, SQLite"],
      rows: chosen.map((one, index) => {
        const at = committing.indexOf(one);
        return row(one, { alone: alone[index] ?? [], memory: memory[at], sqlite: sqlite[at] });
      }),
      notes: [
        "Seconds for all of the tasks. decide is pure: it is given frozen objects and answers with actions. With commits: a Reconciler reads the world from a store, decides, and commits in entries of up to 200 changes; a fresh store each round.",
        "swarmkit: BenchmarkScheduler10kTasks1kNodes and 100kTasks1kNodes as published, on an older laptop; its figures are scheduling in memory with its store's transactions. The bars: a tenth of it for deciding alone; all of it with commits in memory, as its own store's are.",
      ],
    };
  },
};

const scaled = (one: Case, { quick }: Context): Case =>
  quick ? { ...one, tasks: one.tasks / quickShare, services: Math.ceil(one.services / quickShare) } : one;

function decideWorkload(one: Case): Timed {
  let world: World = { now: 0, nodes: [], services: [], tasks: [], standing: [] };
  return {
    name: one.name,
    operations: 1,
    prepare: () => {
      world = worldOf(one);
    },
    run: () => {
      const { actions } = decide(world);
      const expected = one.from === "settled" ? 0 : one.tasks;
      if (actions.length < expected) throw new Error(`${actions.length} actions for ${expected} tasks`);
      world = { ...world, tasks: [], services: [] };
    },
  };
}

type Opened = { readonly ports: Ports; readonly close: () => Promise<void> };

function commitWorkload(one: Case, { name, open }: { readonly name: string; readonly open: () => Opened }): Timed {
  let opened: Opened | undefined;
  let store: Store | undefined;
  const close = async (): Promise<void> => {
    store?.close();
    await opened?.close();
    [store, opened] = [undefined, undefined];
  };
  return {
    name: `${one.name}, ${name}`,
    operations: 1,
    prepare: async () => {
      opened = open();
      store = await beginStore(opened.ports);
      await fill(store, worldOf(one));
    },
    run: async () => {
      if (store === undefined) throw new Error("prepared before");
      const reconciler = new Reconciler({ store, clock: systemClock, logger: silentLogger });
      // A store that lags too far behind refuses more for a while: that is part of what is measured.
      for (let done = 0; done < one.tasks; ) {
        const round = await reconciler.round();
        done += round.done;
        if (done < one.tasks) await systemClock.sleep(Math.max(0, (round.wakeAt ?? 0) - systemClock.now()));
      }
      await close();
    },
  };
}

const openMemoryPorts = (): Opened => ({ ports: openExclusiveMemory(), close: async () => undefined });

function openSqlitePorts({ folder }: Context): Opened {
  const ports = openSqlite(join(folder, `fleet-${randomUUID()}`), { pid: process.pid });
  return { ports, close: async () => void (await ports.close()) };
}

async function fill(store: Store, world: World): Promise<void> {
  const steps = [
    ...world.nodes.map(
      ({ metadata: { name }, ...node }) =>
        (tx: Transaction) =>
          void tx.nodes.create({ ...node, metadata: { name } }),
    ),
    ...world.services.map(
      ({ metadata: { name, namespace = "default" }, ...service }) =>
        (tx: Transaction) =>
          void tx.services.create({ ...service, metadata: { name, namespace } }),
    ),
    ...world.tasks.map(
      ({ metadata: { name, namespace = "default" }, ...task }) =>
        (tx: Transaction) =>
          void tx.tasks.create({ ...task, metadata: { name, namespace } }),
    ),
  ];
  await store.batch(steps, byBench);
  await store.view((transaction) => [transaction.nodes.find(), transaction.services.find(), transaction.tasks.find()].length);
}

const metadata = (name: string, index: number) => ({
  name,
  uid: `${name}-uid-${index}`,
  resourceVersion: "1000",
  generation: 1,
  creationTimestamp: "2026-01-02T03:04:05Z",
});

function worldOf(one: Case): World {
  const template = freshTemplate(one.reservations === true);
  const spec = nodeKind.spec.parse({ address: "tcp://10.0.0.1:2375" });
  const status = nodeKind.status.parse({ state: "ready", engine: { resources: { cpus: 64, memory: 2 ** 38 } } });
  // As nodes have that were given tasks.
  const held = one.from === "settled" ? { finalizers: [tasksFinalizer] } : {};
  const perService = one.tasks / one.services;
  const serviceSpec = serviceKind.spec.parse({ template, replicas: perService });
  const services = Array.from({ length: one.services }, (_, index): Service => {
    const name = `service-${index}`;
    return deepFreeze({
      apiVersion,
      kind: "Service",
      metadata: { ...metadata(name, index), namespace: "default" },
      spec: serviceSpec,
    });
  });
  const world: World = {
    now: Date.UTC(2026, 0, 3),
    nodes: Array.from(
      { length: nodes },
      (_, index): Node =>
        deepFreeze({ apiVersion, kind: "Node", metadata: { ...metadata(`node-${index}`, index), ...held }, spec, status }),
    ),
    services,
    tasks: one.from === "new" ? [] : services.flatMap((service) => tasksOf(service, perService, one.from === "settled")),
    standing: [],
  };
  return one.from === "settled" ? settled(world) : world;
}

/** With what the reconciler tells of the services, so that there is nothing left to do. */
function settled(world: World): World {
  const told = new Map(
    decide(world).actions.flatMap((action) => (action.do === "service" ? [[action.service, action.status] as const] : [])),
  );
  return {
    ...world,
    services: world.services.map((service) => deepFreeze({ ...service, status: told.get(service) ?? service.status }) as Service),
  };
}

/** Each with a template of its own, equal to the service's: as they are read from a store. */
function tasksOf({ metadata: { name: serviceName }, spec: { template } }: Service, count: number, isPlaced: boolean): Task[] {
  const parsed = taskKind.spec.parse({ serviceName, template });
  return Array.from({ length: count }, (_, index): Task => {
    const name = `${serviceName}.${index + 1}.1`;
    const spec = { ...parsed, slot: index + 1, template: structuredClone(template) };
    return deepFreeze({
      apiVersion,
      kind: "Task",
      metadata: { ...metadata(name, index), namespace: "default" },
      spec: isPlaced ? { ...spec, nodeName: `node-${index % nodes}` } : spec,
      status: { state: isPlaced ? "running" : "pending" },
    });
  });
}

type Times = { readonly alone: Timing; readonly memory: Timing | undefined; readonly sqlite: Timing | undefined };

function row({ name, tasks, from, barUs }: Case, { alone, memory, sqlite }: Times): Row {
  const us = median(alone);
  const original = from === "settled" ? undefined : swarmkitUs[tasks];
  const text = (timing: Timing | undefined): string => (timing === undefined ? "" : duration(median(timing)));
  return {
    workload: name,
    cells: [duration(us), range(alone, duration), original === undefined ? "" : duration(original), text(memory), text(sqlite)],
    figures: {
      decideUs: us,
      ...(memory !== undefined && { memoryUs: median(memory) }),
      ...(sqlite !== undefined && { sqliteUs: median(sqlite) }),
    },
    bars: [
      ...(barUs === undefined ? [] : [timeBar(`at most ${duration(barUs)}`, us <= barUs)]),
      ...(memory === undefined || original === undefined
        ? []
        : [timeBar("with commits, memory: swarmkit's", median(memory) <= original)]),
    ],
  };
}
