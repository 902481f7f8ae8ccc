/** A deleted cluster's end on its nodes: what it made there goes, what others made stays, and a dead node holds it for a bounded time. */
import { describe, expect, it, onTestFinished } from "vitest";
import { systemIds } from "../../shared/base/ids.ts";
import { type Logger, silentLogger } from "../../shared/base/logger.ts";
import { Agents } from "../../shared/fleet/agent/agents.ts";
import { Clearance, clearHoldMs } from "../../shared/fleet/clearance.ts";
import { Attempts, type CreateContainer } from "../../shared/fleet/containers/attempts.ts";
import { clusterUidLabel, newAttemptId, ownLabels } from "../../shared/fleet/containers/labels.ts";
import type { Engine } from "../../shared/fleet/engine.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import { clusterKind } from "../../shared/kinds/cluster.ts";
import { networkKind } from "../../shared/kinds/network.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { taskKind } from "../../shared/kinds/task.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { ClusterKeeper } from "../../shared/state/cluster-keeper.ts";
import { Clusters } from "../../shared/state/clusters.ts";
import { dying, writeOrRemove } from "../../shared/state/garbage/deletion.ts";
import type { Store } from "../../shared/state/store.ts";
import { runs } from "./commands.ts";
import { LeapClock } from "./leap-clock.ts";
import { noSecrets } from "./map-secrets.ts";

const byUser = { actor: "user" };

const request = (node: string): CreateContainer => ({
  spec: { nodeName: node, origin: "user", image: "busybox" },
  body: { Image: "busybox", Cmd: runs },
  actor: "user",
  deadlineMs: 10_000,
});

/** Two clusters, `doomed` and `other`, that share the engines of a and b; rows are written by nobody but where `appliesOnAppend`. */
class Doomed {
  readonly clock = new LeapClock();
  readonly engines = new Map<string, SimulatedEngine>();
  readonly warnings: string[] = [];
  readonly #memory;
  readonly #clusters: Clusters[] = [];
  /** Steps in between engines and whoever uses them. */
  wrap: (engine: Engine) => Engine = (engine) => engine;

  constructor(appliesOnAppend = true) {
    this.#memory = openMemory({ exclusive: appliesOnAppend, appliesOnAppend });
    for (const name of ["a", "b"]) {
      const address = `tcp://${name}:2375`;
      this.engines.set(address, new SimulatedEngine({ address, clock: this.clock, random: Math.random }));
    }
    onTestFinished(() => {
      for (const clusters of this.#clusters) clusters.close();
      for (const { world } of this.engines.values()) world.clear();
    });
  }

  engine(name: string): SimulatedEngine {
    const engine = this.engines.get(`tcp://${name}:2375`);
    if (engine === undefined) throw new Error(`no engine ${name}`);
    return engine;
  }

  /** Another process's. */
  async open(): Promise<Clusters> {
    const { clock, warnings } = this;
    const logger: Logger = {
      log: (level, message, fields) => void (level === "warn" && warnings.push(`${message} ${JSON.stringify(fields)}`)),
    };
    const open = async ({ address }: { readonly address: string }): Promise<Engine> =>
      this.wrap((this.engines.get(address) as SimulatedEngine).open());
    const clearance = new Clearance({ ...this.#memory, open, secrets: noSecrets, clock, logger });
    const registry = createRegistry(builtinKinds);
    const common = { ...this.#memory, registry, clock, ids: systemIds, logger: silentLogger };
    const clusters = await Clusters.open({ ...common, clear: (cluster) => clearance.clear(cluster) });
    this.#clusters.push(clusters);
    return clusters;
  }

  async make(clusters: Clusters, name: string): Promise<Store> {
    const spec = clusterKind.spec.parse({});
    await clusters.root.update(
      (tx) => tx.of(clusterKind).create({ apiVersion, kind: "Cluster", metadata: { name }, spec }),
      byUser,
    );
    const store = await clusters.resolve(name);
    if (store === undefined) throw new Error("it was just made");
    for (const node of ["a", "b"]) {
      const nodeSpec = nodeKind.spec.parse({ address: `tcp://${node}:2375` });
      await store.update(
        ({ nodes }) =>
          nodes.create({ apiVersion, kind: "Node", metadata: { name: node }, spec: nodeSpec, status: { state: "ready" } }),
        byUser,
      );
    }
    return store;
  }

  /** A container of a task in a network on a, and one that people made on b. */
  async fill(store: Store): Promise<void> {
    const template = { spec: { image: "busybox", command: runs, networks: ["net"] } };
    const spec = taskKind.spec.parse({ nodeName: "a", desiredState: "running", template });
    await store.update(({ networks, tasks }) => {
      networks.create({ apiVersion, kind: "Network", metadata: { name: "net" }, spec: networkKind.spec.parse({}) });
      const metadata = { name: "web.1", namespace: "default" };
      tasks.create({ apiVersion, kind: "Task", metadata, spec, status: { state: "assigned" } });
    }, byUser);
    await this.agents(store).round();
    await this.attempts(store).create(request("b"));
  }

  attempts(store: Store): Attempts {
    return new Attempts(this.#common(store));
  }

  agents(store: Store): Agents {
    return new Agents({ ...this.#common(store), cells: this.#memory.cells, secrets: noSecrets });
  }

  #common(store: Store) {
    const engines = { of: async (node: { readonly spec: { readonly address: string } }) => this.#engineAt(node.spec.address) };
    return { store, engines, clock: this.clock, ids: systemIds, logger: silentLogger };
  }

  #engineAt(address: string): Engine {
    return this.wrap((this.engines.get(address) as SimulatedEngine).open());
  }

  async mark(clusters: Clusters, name = "doomed"): Promise<void> {
    const now = this.clock.now();
    await clusters.root.update((tx) => {
      const there = tx.clusters.get(name);
      if (there !== undefined) writeOrRemove(tx, clusterKind, dying(clusterKind, there, { propagation: undefined, now }));
    }, byUser);
  }

  /** Rounds of a keeper until nothing more can be done at once. */
  async keep(clusters: Clusters) {
    const keeper = new ClusterKeeper({ clusters, clock: this.clock, logger: silentLogger });
    for (;;) {
      const round = await keeper.round();
      if (round !== "more") return round;
    }
  }

  /** Labels of containers by their engines' names. */
  uids(name: string): readonly (string | undefined)[] {
    return [...this.engine(name).world.containers.values()].map(({ labels }) => labels[clusterUidLabel]);
  }

  networks(name: string): readonly string[] {
    return [...this.engine(name).world.networks.values()]
      .filter(({ network }) => network.Labels?.[clusterUidLabel] !== undefined)
      .map(({ network }) => network.Name);
  }

  isThere(uid: string): Promise<boolean> {
    return this.#memory.objects.markers(uid).then((markers) => markers !== undefined);
  }
}

describe("a deleted cluster", () => {
  it.each([true, false])(
    "takes its containers and networks with it, and no others (rows are up to date: %s)",
    async (applies) => {
      const world = new Doomed(applies);
      const clusters = await world.open();
      const doomed = await world.make(clusters, "doomed");
      await world.fill(doomed);
      expect([world.uids("a"), world.networks("a"), world.uids("b")]).toEqual([[doomed.uid], ["net"], [doomed.uid]]);
      const other = await world.make(clusters, "other");
      await world.attempts(other).create(request("a"));
      const engine = world.engine("a").open();
      const labels = ownLabels({
        clusterUid: doomed.uid,
        attempt: newAttemptId(systemIds),
        container: { namespace: "default", name: "c" },
      });
      await engine.containers.create({ name: "foreign", body: { Image: "busybox", Cmd: runs } });
      await engine.containers.create({ name: "of-a-committed-image", body: { Image: "busybox", Cmd: runs, Labels: labels } });
      await engine.networks.create({ Name: "theirs" });
      await world.mark(clusters);
      expect(await world.keep(clusters)).toBe("done");
      expect(world.uids("a").toSorted()).toEqual([doomed.uid, other.uid, undefined].toSorted());
      expect([world.uids("b"), world.networks("a")]).toEqual([[], []]);
      expect([...world.engine("a").world.networks.values()].map(({ network }) => network.Name)).toContain("theirs");
      expect([await world.isThere(doomed.uid), await world.isThere(other.uid)]).toEqual([false, true]);
      expect(world.warnings).toEqual([]);
    },
  );

  it("waits for a node that is out, and not for ever: then a warning names it", async () => {
    const world = new Doomed();
    const clusters = await world.open();
    const doomed = await world.make(clusters, "doomed");
    await world.fill(doomed);
    world.engine("a").faults.set({ kind: "unreachable" });
    await world.mark(clusters);
    expect(await world.keep(clusters)).toBe("waiting");
    expect([world.uids("b"), await world.isThere(doomed.uid), await clusters.resolve("doomed")]).toEqual([[], true, undefined]);
    world.clock.leap(clearHoldMs - 60_000);
    expect(await world.keep(clusters)).toBe("waiting");
    expect(world.warnings).toEqual([]);
    world.clock.leap(60_000);
    expect(await world.keep(clusters)).toBe("done");
    expect(await world.isThere(doomed.uid)).toBe(false);
    expect(world.warnings).toEqual([expect.stringContaining('"a: ')]);
    expect(world.uids("a")).toEqual([doomed.uid]);
  });

  it("does not wait for a node that nobody has looked at yet, unless it may have containers all the same", async () => {
    for (const why of ["none", "adopts", "container"]) {
      const adopts = why === "adopts" ? ["another-uid"] : undefined;
      const world = new Doomed();
      const clusters = await world.open();
      const doomed = await world.make(clusters, "doomed");
      if (why === "container") await world.attempts(doomed).create(request("a"));
      for (const name of ["a", "b"]) world.engine(name).faults.set({ kind: "unreachable" });
      await doomed.update(({ nodes }) => {
        for (const { status: _, ...node } of nodes.find()) nodes.update(node);
      }, byUser);
      await clusters.root.update((tx) => {
        const there = tx.clusters.get("doomed");
        if (there !== undefined && adopts) tx.of(clusterKind).update({ ...there, spec: { ...there.spec, adopts } });
      }, byUser);
      await world.mark(clusters);
      expect(await world.keep(clusters)).toBe(why === "none" ? "done" : "waiting");
    }
  });

  it("goes on when the node comes back", async () => {
    const world = new Doomed();
    const clusters = await world.open();
    const doomed = await world.make(clusters, "doomed");
    await world.fill(doomed);
    world.engine("a").faults.set({ kind: "unreachable" });
    const removing = clusters.remove("doomed", byUser);
    await expect.poll(() => world.uids("b")).toEqual([]);
    world.engine("a").faults.set(undefined);
    await expect
      .poll(async () => {
        world.clock.leap(1_000);
        return world.isThere(doomed.uid);
      })
      .toBe(false);
    expect([await removing, world.uids("a"), world.warnings]).toEqual([true, [], []]);
  });

  it("of which a container was removed when its keeper died is cleared by the next", async () => {
    const world = new Doomed();
    const clusters = await world.open();
    const doomed = await world.make(clusters, "doomed");
    for (let count = 0; count < 3; count += 1) await world.attempts(doomed).create(request("a"));
    let removed = 0;
    world.wrap = (engine) => ({
      ...engine,
      containers: {
        ...engine.containers,
        remove: async (...given) => {
          removed += 1;
          if (removed > 1) throw new Error("the process died");
          await engine.containers.remove(...given);
        },
      },
    });
    await world.mark(clusters);
    expect(await world.keep(clusters)).toBe("waiting");
    expect(world.uids("a")).toHaveLength(2);
    world.wrap = (engine) => engine;
    expect(await world.keep(await world.open())).toBe("done");
    expect([world.uids("a"), await world.isThere(doomed.uid)]).toEqual([[], false]);
  });
});

describe("a container that is made while its cluster is deleted", () => {
  /** The engine's create, held until `go`. */
  async function making() {
    const world = new Doomed();
    const clusters = await world.open();
    const doomed = await world.make(clusters, "doomed");
    const { promise: going, resolve: go } = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    world.wrap = (engine) => ({
      ...engine,
      containers: {
        ...engine.containers,
        create: async (...given) => {
          asked.resolve();
          await going;
          return engine.containers.create(...given);
        },
      },
    });
    return { world, clusters, doomed, go, asked: asked.promise };
  }

  it("is removed by who made it", async () => {
    const { world, clusters, doomed, go, asked } = await making();
    const made = world.attempts(doomed).create(request("a"));
    await asked;
    await world.mark(clusters);
    expect(await world.keep(clusters)).toBe("waiting");
    go();
    await expect(made).rejects.toMatchObject({ name: "SealedError" });
    expect(world.uids("a")).toEqual([]);
    world.clock.leap(20_000);
    expect(await world.keep(clusters)).toBe("done");
  });

  it("is waited for until its deadline, should its maker have died", async () => {
    const { world, clusters, doomed, go, asked } = await making();
    const { wrap } = world;
    world.wrap = (engine) => {
      const held = wrap(engine);
      const remove = async (): Promise<void> => Promise.reject(new Error("the process died"));
      return { ...held, containers: { ...held.containers, remove } };
    };
    const made = world.attempts(doomed).create(request("a"));
    await asked;
    world.wrap = (engine) => engine;
    await world.mark(clusters);
    expect(await world.keep(clusters)).toBe("waiting");
    go();
    await expect(made).rejects.toMatchObject({ name: "SealedError" });
    expect(world.uids("a")).toEqual([doomed.uid]);
    world.clock.leap(20_000);
    expect(await world.keep(clusters)).toBe("done");
    expect(world.uids("a")).toEqual([]);
  });

  it("for a task is removed as well", async () => {
    const { world, clusters, doomed, go, asked } = await making();
    const template = { spec: { image: "busybox", command: runs } };
    const spec = taskKind.spec.parse({ nodeName: "a", desiredState: "running", template });
    const metadata = { name: "web.1", namespace: "default" };
    await doomed.update(
      ({ tasks }) => tasks.create({ apiVersion, kind: "Task", metadata, spec, status: { state: "assigned" } }),
      byUser,
    );
    const round = world
      .agents(doomed)
      .round()
      .catch(() => undefined);
    await asked;
    await world.mark(clusters);
    expect(await world.keep(clusters)).toBe("waiting");
    go();
    await round;
    expect(world.uids("a")).toEqual([]);
    world.clock.leap(120_000);
    expect(await world.keep(clusters)).toBe("done");
  });
});
