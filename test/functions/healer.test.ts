/** The healer's handler: it repairs what nobody woke the publisher for, strips, sweeps, measures, and stops in time. */
import { describe, expect, it } from "vitest";
import type { Wake, WakeQueue } from "../../functions/aws/wake-queue.ts";
import type { Workshop } from "../../functions/aws/workshop.ts";
import { healHandler } from "../../functions/healer/heal.ts";
import { publishHandler } from "../../functions/publisher/publish.ts";
import { clusterKind } from "../../shared/kinds/cluster.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { partOf } from "../../shared/state/derive/rounds.ts";
import { Publisher } from "../../shared/state/publisher.ts";
import type { Store } from "../../shared/state/store.ts";
import { type Installation, install, makeCluster, writeNodes } from "./installation.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { expectSettled } from "./settled.ts";
import { contextOf } from "./stream.ts";

const dayMs = 24 * 3600 * 1_000;
const place = { namespace: "Windlass", stack: "Test" };
type Metrics = { readonly [name: string]: unknown };

/** One round; the metrics of all, and those of clusters by their names. */
async function heal(
  workshop: Workshop,
  ms = 60_000,
  queue: WakeQueue = new MemoryQueue(workshop.clock),
): Promise<{ readonly all: Metrics; readonly of: ReadonlyMap<unknown, Metrics> }> {
  const lines: Metrics[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line));
  await healHandler({ open: async () => workshop, queue, place, write })({}, contextOf(ms));
  const [all = {}, ...clusters] = lines;
  return { all, of: new Map(clusters.map((line) => [line["Cluster"], line])) };
}

/** Rested: applied and published to the head. */
async function publishAll({ open, records }: Installation): Promise<void> {
  const workshop = await open();
  await publishHandler(async () => workshop)({ Records: records.splice(0) }, contextOf(60_000));
}

const own = async (
  store: Store,
  name: string,
  owner: { readonly name: string; readonly uid: string } | undefined,
): Promise<string> => {
  const ownerReferences =
    owner === undefined ? undefined : [{ apiVersion: "windlass.dev/v1", kind: "Node", ...owner, blockOwnerDeletion: true }];
  const metadata = { name, ...(ownerReferences !== undefined && { ownerReferences }) };
  const made = {
    apiVersion: "windlass.dev/v1",
    kind: "Node",
    metadata,
    spec: nodeKind.spec.parse({ address: "tcp://10.0.0.1:2375" }),
  } as const;
  return (await store.update((transaction) => transaction.of(nodeKind).create(made).metadata.uid, { actor: "test" })).value;
};
const namesIn = async (store: Store): Promise<readonly string[]> =>
  (await store.view((transaction) => transaction.nodes.find().map(({ metadata }) => metadata.name))).value;

describe("lag", () => {
  it("that nobody noted is found and repaired within a minute, and measured", async () => {
    const installation = await install();
    const store = await makeCluster(installation, "a");
    await publishAll(installation);
    await writeNodes(store, 2);
    installation.clock.ms += 30_000;
    const workshop = await installation.open();
    const { all, of } = await heal(workshop);
    expect(of.get("a")).toMatchObject({ Stack: "Test", LagEntries: 5, LagSeconds: expect.closeTo(30, 0) });
    expect(all).toMatchObject({
      LaggingClusters: 1,
      LagEntries: 5,
      HealFailures: 0,
      _aws: { CloudWatchMetrics: [{ Namespace: "Windlass", Dimensions: [["Stack"]] }] },
    });
    await expectSettled(installation.ports, store.uid, installation.bus.taken);
    expect((await heal(workshop)).all).toMatchObject({ LaggingClusters: 0, LagSeconds: 0 });
  });

  it("of the last seconds is the publisher's own affair", async () => {
    const installation = await install();
    const store = await makeCluster(installation, "a");
    await publishAll(installation);
    await writeNodes(store, 1);
    const before = await installation.ports.objects.markers(store.uid);
    expect((await heal(await installation.open())).all).toMatchObject({ LaggingClusters: 0 });
    expect(await installation.ports.objects.markers(store.uid)).toEqual(before);
  });

  it("that is known is repaired at once, and forgotten then; what fails stays known", async () => {
    const installation = await install();
    const store = await makeCluster(installation, "a");
    await publishAll(installation);
    await writeNodes(store, 1);
    const workshop = await installation.open();
    await workshop.notes.add(store.uid, { sweep: false });
    installation.bus.fault = () => {
      throw new Error("out");
    };
    expect((await heal(workshop)).all).toMatchObject({ HealFailures: 1 });
    expect(await workshop.notes.list(10)).toHaveLength(1);
    installation.bus.fault = undefined;
    expect((await heal(workshop)).all).toMatchObject({ HealFailures: 0, LaggingClusters: 1 });
    expect(await workshop.notes.list(10)).toEqual([]);
    await expectSettled(installation.ports, store.uid, installation.bus.taken);
  });

  it("a note on a cluster that is gone is forgotten", async () => {
    const { open } = await install();
    const workshop = await open();
    await workshop.notes.add("gone", { sweep: true });
    expect((await heal(workshop)).all).toMatchObject({ HealFailures: 0 });
    expect(await workshop.notes.list(10)).toEqual([]);
  });

  it("a note that is written anew while its cluster is repaired stays", async () => {
    const workshop = await (await install()).open();
    await workshop.notes.add("a", { sweep: true });
    const [note] = await workshop.notes.list(10);
    await workshop.notes.add("a", { sweep: false });
    if (note !== undefined) await workshop.notes.remove(note);
    expect(await workshop.notes.list(10)).toEqual([{ uid: "a", sweep: true, version: 2 }]);
  });
});

describe("of many clusters", () => {
  it("each has its turn within a day, and a minute has a bounded number", () => {
    const uids = Array.from({ length: 25_000 }, (_, index) => `uid-${String(index).padStart(5, "0")}`);
    const seen = new Set<string>();
    let looked = "";
    for (let minute = 0; minute < 1_001; minute += 1) {
      const next = partOf(uids, looked);
      expect(next.part.length).toBeLessThanOrEqual(25);
      for (const uid of next.part) seen.add(uid);
      looked = next.looked;
    }
    expect(seen.size).toBe(uids.length);
  });

  it("few are looked at all each minute, whatever was before", () => {
    expect(partOf(["a", "b"], "a")).toEqual({ part: ["a", "b"], looked: "" });
    expect(partOf([], "")).toEqual({ part: [], looked: "" });
  });
});

describe("once a day", () => {
  it("entries past the retention become stubs, where they are applied and published", async () => {
    const installation = await install();
    const store = await makeCluster(installation, "a");
    await writeNodes(store, 2);
    await publishAll(installation);
    const workshop = await installation.open();
    await heal(workshop);
    const head = store.revision;
    expect(await installation.ports.objects.markers(store.uid)).toMatchObject({ stripped: store.first - 1 });
    installation.clock.ms += 7 * dayMs;
    await writeNodes(await makeCluster(installation, "b"), 1);
    await heal(workshop);
    expect(await installation.ports.objects.markers(store.uid)).toMatchObject({ stripped: head });
    expect((await installation.memory.log.read(store.uid, { after: head - 1, limit: 1, consistent: true })).kind).toBe("trimmed");
  });

  it("garbage that no entry told of is collected; not again until the next day", async () => {
    const installation = await install();
    const store = await makeCluster(installation, "a");
    const workshop = await installation.open();
    await heal(workshop);
    await own(store, "orphan", { name: "never-there", uid: "uid-of-none" });
    // By one that knows of no garbage: only the sweep can find it now.
    await new Publisher({ ...workshop, sink: { publish: async () => undefined } }).run(store.uid);
    expect(await namesIn(store)).toEqual(["orphan"]);
    installation.clock.ms += dayMs - 60_000;
    await heal(workshop);
    expect(await namesIn(store)).toEqual(["orphan"]);
    installation.clock.ms += 60_000;
    await heal(workshop);
    expect(await namesIn(store)).toEqual([]);
  });
});

describe("its time", () => {
  it("is kept: what is not done by then is done in the next minute", async () => {
    const installation = await install();
    const stores = [];
    for (const name of ["a", "b", "c"]) stores.push(await makeCluster(installation, name));
    for (const store of stores) await writeNodes(store, 1);
    installation.clock.ms += 60_000;
    const workshop = await installation.open();
    expect((await heal(workshop, 10_000)).all).toMatchObject({ LaggingClusters: 0 });
    await heal(workshop);
    for (const store of stores) await expectSettled(installation.ports, store.uid, installation.bus.taken);
  });

  it("clusters with nodes are woken in requests of ten, those without in none", async () => {
    const installation = await install();
    const uids: string[] = [];
    for (let cluster = 0; cluster < 21; cluster += 1) {
      const store = await makeCluster(installation, `a-${cluster}`);
      if (cluster > 0) await writeNodes(store, 1);
      if (cluster > 0) uids.push(store.uid);
    }
    await publishAll(installation);
    const sent: (readonly Wake[])[] = [];
    const send = async (wakes: readonly Wake[]): Promise<void> => void sent.push(wakes);
    expect((await heal(await installation.open(), undefined, { send })).all).toMatchObject({ HealFailures: 0 });
    expect(sent.map(({ length }) => length)).toEqual([10, 10]);
    expect(new Set(sent.flat().map(({ cluster }) => cluster))).toEqual(new Set(uids));
  });

  it("is not all spent on a queue that takes no wake-ups", async () => {
    const installation = await install();
    const { clock } = installation;
    // With the root and the default cluster fewer than are looked at in one minute.
    for (let cluster = 0; cluster < 15; cluster += 1) await writeNodes(await makeCluster(installation, `a-${cluster}`), 1);
    const lagging = await makeCluster(installation, "lagging");
    await publishAll(installation);
    await writeNodes(lagging, 1);
    clock.ms += 60_000;
    const send = async (): Promise<void> => {
      clock.ms += 10_000;
      throw new Error("out");
    };
    // 20 seconds and what it needs to end; the first request takes half of them.
    const { all } = await heal(await installation.open(), 35_000, { send });
    expect(all).toMatchObject({ LaggingClusters: 1, HealFailures: 15 });
  });
});

describe("garbage", () => {
  /** An owner with two levels below it, marked so that they must go before it. */
  const family = async (installation: Installation): Promise<Store> => {
    const store = await makeCluster(installation, "a");
    const uid = await own(store, "owner", undefined);
    const child = await own(store, "child", { name: "owner", uid });
    await own(store, "grandchild", { name: "child", uid: child });
    await publishAll(installation);
    return store;
  };
  const remove = (store: Store) => store.update((transaction) => transaction.of(nodeKind).delete("owner"), { actor: "test" });

  it("is collected by the publisher that hears of the deletion, whatever the bus does", async () => {
    const installation = await install();
    const store = await family(installation);
    installation.bus.fault = () => {
      throw new Error("out");
    };
    await remove(store);
    while (installation.records.length > 0) await publishAll(installation);
    expect(await namesIn(store)).toEqual([]);
  });

  it.each([false, true])(
    "is collected after a crash at any step, by wake-ups and minutes (the last step was done: %s)",
    async (after) => {
      let steps = 0;
      for (let ended = false; !ended; steps += 1) {
        const installation = await install();
        const store = await family(installation);
        await remove(store);
        const fault = { left: Number.POSITIVE_INFINITY, after };
        const crashing = await installation.open(fault);
        fault.left = steps;
        await publishHandler(async () => crashing)({ Records: installation.records.splice(0) }, contextOf(60_000));
        ended = fault.left >= 0;
        // The wake-up is lost; only the minutes are left.
        installation.records.splice(0);
        const workshop = await installation.open();
        for (let minute = 0; minute < 5; minute += 1) {
          installation.clock.ms += 60_000;
          await heal(workshop);
        }
        expect(await namesIn(store)).toEqual([]);
        await expectSettled(installation.ports, store.uid, installation.bus.taken);
      }
      expect(steps).toBeGreaterThan(10);
    },
  );

  it("of a cluster that is deleted goes with its first wake-ups", async () => {
    const installation = await install();
    const store = await makeCluster(installation, "a");
    await writeNodes(store, 3);
    await publishAll(installation);
    const metadata = { name: "a", deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [clusterKind.finalizer ?? ""] };
    await installation.clusters.root.update(
      (transaction) => {
        const there = transaction.clusters.get("a");
        if (there === undefined) throw new Error("it is there");
        const { resourceVersion: _, ...before } = there.metadata;
        return transaction.of(clusterKind).update({ ...there, metadata: { ...before, ...metadata } });
      },
      { actor: "test" },
    );
    while (installation.records.length > 0) await publishAll(installation);
    expect((await installation.clusters.list()).map(({ metadata: { name } }) => name)).toEqual(["default"]);
    expect(await installation.ports.objects.markers(store.uid)).toBeUndefined();
  });
});
