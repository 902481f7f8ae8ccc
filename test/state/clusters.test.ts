/** Names, lives and seals: an installation finds its clusters again, and a name follows its cluster. */
import { describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { clusterKind } from "../../shared/kinds/cluster.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { Clusters, withCluster } from "../../shared/state/clusters.ts";
import { GoneError, InvalidObjectError, SealedError } from "../../shared/state/errors.ts";
import type { Store } from "../../shared/state/store.ts";
import { node } from "../conformance/objects-of.ts";

const options = { actor: "tester" };
/** A clock that stands still. */
const now = 1_790_000_000_000;
const clock = { ...systemClock, now: () => now };
const installation = () => {
  const ports = openMemory({ exclusive: false });
  const open = () =>
    Clusters.open({ ...ports, registry: createRegistry(builtinKinds), clock, ids: systemIds, logger: silentLogger });
  return { ports, open };
};

describe("clusters", () => {
  it("the first start makes the root and the default cluster, later ones and racing ones find them", async () => {
    const { open } = installation();
    const all = await Promise.all([open(), open(), open()]);
    const again = await open();
    const uids = async (clusters: Clusters) => [clusters.root.uid, (await clusters.resolve("default"))?.uid];
    const wanted = await uids(again);
    for (const clusters of all) expect(await uids(clusters)).toEqual(wanted);
    expect(new Set(wanted).size).toBe(2);
    expect(
      (await again.root.view((tx) => tx.clusters.find())).value.map(({ metadata }) => [metadata.name, metadata.uid]),
    ).toEqual([["default", wanted[1]]]);
  });

  it("a cluster is ready once its log has begun, and says how long its entries are kept", async () => {
    const clusters = await installation().open();
    const retention = async (text: string) => {
      await clusters.root.update((tx) => {
        const cluster = tx.clusters.get("default");
        if (cluster !== undefined) tx.of(clusterKind).update({ ...cluster, spec: { ...cluster.spec, retention: text } });
      }, options);
      return [...(await clusters.retentions()).values()];
    };
    expect((await clusters.root.view((tx) => tx.clusters.get("default"))).value?.status).toMatchObject({ state: "ready" });
    const week = 7 * 24 * 3_600_000;
    expect([...(await clusters.retentions()).values()]).toEqual([week, week]);
    expect(await retention("1h")).toEqual([week, 3_600_000]);
    expect(await retention("never")).toEqual([week, Number.POSITIVE_INFINITY]);
  });

  it("a log's first revision is its creation time in milliseconds", async () => {
    const { ports, open } = installation();
    const store = await (await open()).resolve("default");
    expect((await ports.objects.markers(store?.uid ?? ""))?.first).toBe(now);
  });

  it("a name that no cluster has leads nowhere", async () => {
    const clusters = await installation().open();
    expect(await clusters.resolve("other")).toBeUndefined();
    expect(await withCluster(clusters, "other", async () => 1)).toBeUndefined();
  });

  it("kinds live where they belong: clusters in the root, all others in a cluster", async () => {
    const clusters = await installation().open();
    const store = await clusters.resolve("default");
    await expect(clusters.root.update((tx) => tx.nodes.create(node("a")), options)).rejects.toBeInstanceOf(InvalidObjectError);
    await expect(store?.view((tx) => tx.clusters.find())).rejects.toBeInstanceOf(InvalidObjectError);
  });

  it("a removed cluster's name may be taken again: the new life begins above the seal, whatever the clock says", async () => {
    const { ports, open } = installation();
    const [here, there] = [await open(), await open()];
    const former = await here.resolve("default");
    await there.resolve("default");
    if (former === undefined) throw new Error("the default cluster is there");
    // More commits than milliseconds have passed.
    for (const name of ["a", "b", "c"]) await former.update((tx) => tx.nodes.create(node(name)), options);
    const { revision } = former;
    expect(await here.remove("default", options)).toBe(true);
    expect(await here.remove("default", options)).toBe(false);
    await here.root.update(
      (tx) =>
        tx
          .of(clusterKind)
          .create({ apiVersion, kind: "Cluster", metadata: { name: "default" }, spec: clusterKind.spec.parse({}) }),
      options,
    );
    const over = await former.view((tx) => tx.nodes.find()).catch((error: unknown) => error);
    expect(await here.isOver(former, over)).toBe(true);
    const seen = await withCluster(there, "default", async (store) => {
      const { value } = await store.view((tx) => tx.nodes.find());
      await expect(store.watchFrom({ revision, place: 999 })).rejects.toBeInstanceOf(GoneError);
      return { store, value };
    });
    expect(seen?.value).toEqual([]);
    expect(seen?.store.uid).not.toBe(former.uid);
    expect((await ports.objects.markers(seen?.store.uid ?? ""))?.first).toBeGreaterThan(revision + 1);
  });

  it("who hears late that a cluster is over leaves alone what has its name by now", async () => {
    const clusters = await installation().open();
    let remade: Store | undefined;
    const seen = await withCluster(clusters, "default", async (store) => {
      if (remade !== undefined) return store;
      await clusters.remove("default", options);
      const named = { apiVersion, kind: "Cluster", metadata: { name: "default" } } as const;
      await clusters.root.update((tx) => tx.of(clusterKind).create({ ...named, spec: clusterKind.spec.parse({}) }), options);
      remade = await clusters.resolve("default");
      throw new SealedError(store.uid);
    });
    expect(remade).toBeDefined();
    expect(seen).toBe(remade);
    expect(clusters.open()).toEqual([clusters.root, remade]);
  });

  it("a removal that was interrupted after its seal is carried on", async () => {
    const clusters = await installation().open();
    const store = await clusters.resolve("default");
    await store?.seal(options);
    expect(await clusters.remove("default", options)).toBe(true);
    expect(await clusters.resolve("default")).toBeUndefined();
  });
});
