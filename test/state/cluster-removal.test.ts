/** A cluster's end, stopped at any request and carried on by another process: at last nothing of it is left but stubs and the seal. */
import { describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { type Cluster, clusterKind } from "../../shared/kinds/cluster.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { type MemoryStore, openMemory } from "../../shared/log/memory/open.ts";
import { ClusterKeeper } from "../../shared/state/cluster-keeper.ts";
import { Clusters, withCluster } from "../../shared/state/clusters.ts";
import { dying, writeOrRemove } from "../../shared/state/garbage/deletion.ts";
import type { Store } from "../../shared/state/store.ts";
import { node } from "../conformance/objects-of.ts";

const options = { actor: "tester" };
class Crash extends Error {}

/** Ports that fail once `left` requests are spent, before or after they are carried out. */
class Budget {
  left = Number.POSITIVE_INFINITY;
  after = false;

  wrap<P extends object>(port: P): P {
    return new Proxy(port, {
      get: (target, name) => {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== "function") return member;
        if (name === "head") return member.bind(target);
        return async (...args: unknown[]) => {
          if (!this.after) this.#spend();
          const result = await (member as (...args: unknown[]) => Promise<unknown>).apply(target, args);
          if (this.after) this.#spend();
          return result;
        };
      },
    });
  }

  #spend(): void {
    this.left -= 1;
    if (this.left < 0) throw new Crash();
  }
}

async function installation(exclusive: boolean) {
  const memory = openMemory({ exclusive, appliesOnAppend: exclusive });
  const budget = new Budget();
  const ports = { log: budget.wrap(memory.log), objects: budget.wrap(memory.objects), cells: budget.wrap(memory.cells) };
  const common = { registry: createRegistry(builtinKinds), clock: systemClock, ids: systemIds, logger: silentLogger };
  const open = () => Clusters.open({ ...common, ...ports });
  const clusters = await open();
  const store = await make(clusters, "doomed");
  for (const name of ["a", "b", "c"]) await store.update((tx) => tx.nodes.create(node(name)), options);
  await memory.cells.put(store.uid, { key: "lease", value: {}, when: "absent" });
  return { memory, budget, common, open, clusters, store };
}

async function make(clusters: Clusters, name: string): Promise<Store> {
  const spec = clusterKind.spec.parse({});
  await clusters.root.update(
    (tx) => tx.of(clusterKind).create({ apiVersion, kind: "Cluster", metadata: { name }, spec }),
    options,
  );
  const store = await clusters.resolve(name);
  if (store === undefined) throw new Error("it was just made");
  return store;
}

async function mark(clusters: Clusters, name: string): Promise<void> {
  await clusters.root.update((tx) => {
    const cluster = tx.clusters.get(name);
    if (cluster !== undefined) writeOrRemove(tx, clusterKind, dying(clusterKind, cluster, { propagation: undefined, now: 0 }));
  }, options);
}

async function expectGone(memory: MemoryStore, uid: string, seal: number): Promise<void> {
  expect(await memory.objects.markers(uid)).toBeUndefined();
  expect((await memory.objects.page(uid, { prefix: "", limit: 10 })).rows).toEqual([]);
  expect(await memory.cells.list(uid, "", 10)).toEqual([]);
  expect((await memory.log.read(uid, { after: seal - 2, limit: 1, consistent: true })).kind).toBe("trimmed");
  const end = await memory.log.read(uid, { after: seal - 1, limit: 10, consistent: true });
  expect(end).toMatchObject({ kind: "entries", entries: [{ entry: { seal: true, revision: seal } }] });
}

describe("a cluster's end", () => {
  it.each([
    [true, false],
    [true, true],
    [false, false],
    [false, true],
  ])("is carried on after a crash at any request (exclusive: %s, after it: %s)", async (exclusive, after) => {
    for (let requests = 0, ended = false; !ended; requests += 1) {
      const { memory, budget, common, open, clusters, store } = await installation(exclusive);
      await mark(clusters, "doomed");
      Object.assign(budget, { left: requests, after });
      const first = new ClusterKeeper({ ...common, clusters });
      ended = await first.round().then(
        () => budget.left >= 0,
        () => false,
      );
      budget.left = Number.POSITIVE_INFINITY;
      const next = await open();
      const keeper = new ClusterKeeper({ ...common, clusters: next });
      while ((await keeper.round()) === "more");
      expect((await next.list()).map(({ metadata }) => metadata.name)).toEqual(["default"]);
      const seal = Number((await memory.cells.get("installation", "seal/doomed"))?.value["revision"]);
      await expectGone(memory, store.uid, seal);
      const successor = await make(next, "doomed");
      expect((await successor.view((tx) => tx.nodes.find())).value).toEqual([]);
      expect(successor.first).toBeGreaterThan(seal);
    }
  });

  it("a process that knew it finds its name free, and nobody begins its life again", async () => {
    const { memory, common, open, clusters, store } = await installation(false);
    const other = await open();
    const seen = await other.resolve("doomed");
    await seen?.view((tx) => tx.nodes.find());
    await mark(clusters, "doomed");
    const keeper = new ClusterKeeper({ ...common, clusters });
    while ((await keeper.round()) === "more");
    expect(await withCluster(other, "doomed", (there) => there.view((tx) => tx.nodes.find()))).toBeUndefined();
    expect(await memory.objects.markers(store.uid)).toBeUndefined();
  });

  it("two keepers at once do no harm", async () => {
    const { memory, common, open, clusters, store } = await installation(false);
    await mark(clusters, "doomed");
    const keepers = [clusters, await open()].map((each) => new ClusterKeeper({ ...common, clusters: each }));
    await Promise.all(
      keepers.map(async (keeper) => {
        while ((await keeper.round()) === "more");
      }),
    );
    expect(await memory.objects.markers(store.uid)).toBeUndefined();
    expect((await clusters.list()).map(({ metadata }) => metadata.name)).toEqual(["default"]);
  });

  it("one whose nodes take their time holds up nobody, also not those that are deleted later", async () => {
    const { memory, common } = await installation(false);
    const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()];
    const clear = (cluster: Cluster): Promise<boolean> => {
      if (cluster.metadata.name !== "doomed") return Promise.resolve(true);
      asked.resolve();
      return gate.promise;
    };
    const clusters = await Clusters.open({ ...common, ...memory, clear });
    for (const name of ["a", "b"]) await (await make(clusters, name)).update((tx) => tx.nodes.create(node(name)), options);
    const stop = new AbortController();
    const running = new ClusterKeeper({ ...common, clusters }).run(stop.signal);
    const left = async () => (await clusters.list()).map(({ metadata }) => metadata.name).sort();
    try {
      for (const name of ["doomed", "a"]) await mark(clusters, name);
      await asked.promise;
      await expect.poll(left).toEqual(["b", "default", "doomed"]);
      await mark(clusters, "b");
      await expect.poll(left).toEqual(["default", "doomed"]);
      gate.resolve(true);
      await expect.poll(left).toEqual(["default"]);
    } finally {
      gate.resolve(true);
      stop.abort();
      await running;
      clusters.close();
    }
  });
});
