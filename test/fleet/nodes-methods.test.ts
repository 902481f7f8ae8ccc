/** The source's methods on nodes: what they change, what they refuse, and who may stand in between. */
import { describe, expect, it } from "vitest";
import { systemIds } from "../../shared/base/ids.ts";
import { DuplicateNodeAddressError, InvalidNodeError, NodeBusyError, NoSuchNodeError } from "../../shared/fleet/nodes/errors.ts";
import { Hooks, hooksMax } from "../../shared/fleet/nodes/hooks.ts";
import { Lease, Leases } from "../../shared/fleet/nodes/lease.ts";
import { metadataOf } from "../../shared/fleet/nodes/metadata.ts";
import { Nodes } from "../../shared/fleet/nodes/nodes.ts";
import { nodeNameFor } from "../../shared/fleet/nodes/registration.ts";
import { healingPurpose, nodeLease } from "../../shared/fleet/nodes/treatment.ts";
import type { Cells } from "../../shared/log/ports.ts";
import { addressOf, NodeFleet, StillClock } from "./nodes-fleet.ts";

async function fleet() {
  const clock = new StillClock();
  const made = await NodeFleet.open(clock);
  return { made, clock, nodes: made.nodes };
}
const namesOf = (nodes: readonly { readonly metadata: { readonly name: string } }[]): string[] =>
  nodes.map(({ metadata }) => metadata.name);

describe("register", () => {
  it("makes a node that the healer has yet to look at, named by its address", async () => {
    const { made, nodes, clock } = await fleet();
    const node = await nodes.register({ address: "tcp://Node-A:2375/", metadata: { zone: "a" }, tlsSecretName: "tls" });
    expect(node).toMatchObject({
      kind: "Node",
      metadata: { name: "node-a-2375", labels: { zone: "a" } },
      spec: {
        address: "tcp://Node-A:2375/",
        availability: "active",
        membership: "accepted",
        tls: { secretRef: { name: "tls" } },
      },
    });
    expect(await nodes.status(node)).toBe("waiting");
    await nodes.register({ address: addressOf("b"), name: "b" });
    await clock.until(made.healer().round());
    expect(await nodes.status(await nodes.get("b"))).toBe("ready");
  });

  it.each([
    ["tcp://10.0.0.1:2375", "10.0.0.1-2375"],
    ["unix:///var/run/docker.sock", "unix-var-run-docker.sock"],
    ["tcp://[::1]:2375", "1-2375"],
    ["https://Docker.Example.com", "docker.example.com-443"],
    ["http://a-.b/engines/one/", "a.b-80-engines-one"],
    [`tcp://${"x".repeat(300)}:2375`, "x".repeat(246)],
  ])("%s is named %s", (address, name) => {
    expect(nodeNameFor(address)).toBe(name);
  });

  it("refuses an empty or a bad address, and one that is there in any form", async () => {
    const { nodes } = await fleet();
    await expect(nodes.register({ address: " " })).rejects.toThrow("Invalid address");
    for (const bad of ["host:2375", "ftp://a:1", "tcp://user:password@a:1"]) {
      await expect(nodes.register({ address: bad })).rejects.toThrow(InvalidNodeError);
    }
    await expect(nodes.register({ address: "tcp://a:1", name: "Not A Name" })).rejects.toThrow("metadata.name");
    await nodes.register({ address: "tcp://a:80" });
    for (const same of ["tcp://a:80", "http://A/", "tcp://a:80/"]) {
      await expect(nodes.register({ address: same })).rejects.toEqual(new DuplicateNodeAddressError(same, "a-80"));
    }
    expect(namesOf(await nodes.unfilteredNodes())).toEqual(["a-80"]);
  });

  it("of one address at once is registered once; of one name they are two", async () => {
    const { made, nodes } = await fleet();
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => nodes.register({ address: "tcp://a:1" })));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await made.add("b-1", { address: "tcp://elsewhere:1" });
    const { metadata } = await nodes.register({ address: "tcp://b:1" });
    expect(metadata.name).toMatch(/^b-1-[0-9a-f]{6}$/);
    await expect(nodes.register({ address: "tcp://c:1", name: "b-1" })).rejects.toMatchObject({ name: "AlreadyExistsError" });
  });

  it("hooks may change it or veto it, in order; the first that throws is the last that is asked", async () => {
    const { made, nodes } = await fleet();
    const seen: string[] = [];
    made.hooks.addHook("beforeNodeRegister", (node) => ({ ...node, metadata: { ...node.metadata, pool: "default" } }));
    made.hooks.addHook("beforeNodeRegister", async ({ address, metadata }) => {
      seen.push(`${address} ${metadata?.["pool"]}`);
      if (address.includes("vetoed")) throw new Error("not this one");
      return undefined;
    });
    made.hooks.addHook("beforeNodeRegister", ({ address }) => void seen.push(address) as undefined);
    await expect(nodes.register({ address: "tcp://vetoed:1" })).rejects.toThrow("not this one");
    const node = await nodes.register({ address: "tcp://a:1" });
    expect(metadataOf(node)).toEqual({ pool: "default" });
    expect(seen).toEqual(["tcp://vetoed:1 default", "tcp://a:1 default", "tcp://a:1"]);
    expect(namesOf(await nodes.unfilteredNodes())).toEqual(["a-1"]);
  });
});

describe("unregister", () => {
  it("removes one or many, by name or address; unknown ones are passed over unless all are", async () => {
    const { made, nodes } = await fleet();
    for (const name of ["a", "b", "c"]) await made.add(name);
    await nodes.unregister("a");
    await nodes.unregister("tcp://B:2375/", "gone");
    expect(namesOf(await nodes.unfilteredNodes())).toEqual(["c"]);
    await expect(nodes.unregister("a", "b")).rejects.toEqual(new NoSuchNodeError("a, b"));
    await expect(nodes.unregister()).rejects.toThrow(NoSuchNodeError);
  });

  it("asks a hook for each before the first goes", async () => {
    const { made, nodes } = await fleet();
    for (const name of ["a", "b"]) await made.add(name);
    const asked: string[] = [];
    made.hooks.addHook("beforeNodeUnregister", ({ metadata }) => {
      asked.push(metadata.name);
      if (metadata.name === "b") throw new Error("in use");
      return undefined;
    });
    await expect(nodes.unregister("a", "none", "b")).rejects.toThrow("in use");
    expect([asked, namesOf(await nodes.unfilteredNodes())]).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    await nodes.unregister("a");
    await expect(nodes.unregister("none")).rejects.toThrow("no such node: none");
    expect(asked).toEqual(["a", "b", "a"]);
  });

  it("300 at once go; one that a finalizer holds is marked and stays", async () => {
    const { made, nodes } = await fleet();
    const names = Array.from({ length: 300 }, (_, n) => `node-${n}`);
    await made.addMany(names);
    await made.change("node-7", (node) => ({ ...node, metadata: { ...node.metadata, finalizers: ["example.com/hold"] } }));
    await nodes.unregister(...names);
    const left = await nodes.unfilteredNodes();
    expect(left.map(({ metadata }) => [metadata.name, metadata.deletionTimestamp !== undefined])).toEqual([["node-7", true]]);
    await expect(nodes.register({ address: addressOf("node-7"), name: "other" })).rejects.toThrow(
      /is registered already, as node node-7, which is being removed: try again when it has gone$/,
    );
    expect(await nodes.nodes()).toEqual([]);
  });
});

describe("look-ups", () => {
  it("get: by name, or by address in any form", async () => {
    const { made, nodes } = await fleet();
    await made.add("a");
    for (const reference of ["a", "tcp://a:2375", "http://A:2375/"]) expect((await nodes.get(reference)).metadata.name).toBe("a");
    for (const reference of ["b", "tcp://a:2376", ""])
      await expect(nodes.get(reference)).rejects.toEqual(new NoSuchNodeError(reference));
  });

  it("nodes: the enabled ones; unfiltered: all; by metadata: those that have every pair", async () => {
    const { made, nodes, clock } = await fleet();
    await nodes.register({ address: addressOf("a"), name: "a", metadata: { zone: "a", pool: "one" } });
    await nodes.register({ address: addressOf("b"), name: "b", metadata: { zone: "a", pool: "two words" } });
    await nodes.register({ address: addressOf("c"), name: "c", metadata: { zone: "a" }, creationStatus: "pending" });
    made.engine("b").faults.set({ kind: "unreachable" });
    await clock.until(made.healer().round());
    expect(namesOf(await nodes.nodes())).toEqual(["a"]);
    expect(namesOf(await nodes.unfilteredNodes())).toEqual(["a", "b", "c"]);
    expect(namesOf(await nodes.nodesForMetadata({ zone: "a" }))).toEqual(["a"]);
    expect(namesOf(await nodes.unfilteredNodesForMetadata({ zone: "a" }))).toEqual(["a", "b", "c"]);
    expect(namesOf(await nodes.unfilteredNodesForMetadata({ zone: "a", pool: "two words" }))).toEqual(["b"]);
    expect(await nodes.unfilteredNodesForMetadata({ zone: "a", pool: "three" })).toEqual([]);
    expect(namesOf(await nodes.unfilteredNodesForMetadata({}))).toEqual(["a", "b", "c"]);
  });
});

describe("update", () => {
  it("merges metadata, removes a key whose value is empty, and sets the creation status; all else stays", async () => {
    const { made, nodes } = await fleet();
    await made.add("a", { role: "manager" });
    await nodes.update("a", { metadata: { zone: "a", note: "made by hand, on a Friday" } });
    const node = await nodes.update("tcp://a:2375", { metadata: { zone: "", disk: "ssd" }, creationStatus: "error" });
    expect(metadataOf(node)).toEqual({ disk: "ssd", note: "made by hand, on a Friday" });
    expect(node.metadata.labels).toEqual({ disk: "ssd" });
    expect(node.metadata.annotations).toEqual({
      "metadata.windlass.dev/note": "made by hand, on a Friday",
      "windlass.dev/creation-status": "error",
    });
    expect(node.spec).toMatchObject({ address: "tcp://a:2375", role: "manager", availability: "pause" });
    expect(await nodes.status(node)).toBe("error");
    const head = await made.head();
    await nodes.update("a", { metadata: { disk: "ssd", gone: "" } });
    expect(await made.head()).toBe(head);
  });

  it("a value moves between label and annotation as it can be one; other annotations are not metadata", async () => {
    const { made, nodes } = await fleet();
    await made.add("a");
    await made.change("a", (node) => ({ ...node, metadata: { ...node.metadata, annotations: { "example.com/own": "1" } } }));
    for (const value of ["plain", "two words", "plain", "ü"]) {
      expect(metadataOf(await nodes.update("a", { metadata: { "example.com": value } }))).toEqual({ "example.com": value });
    }
    expect((await nodes.update("a", { metadata: { "example.com": "" } })).metadata.annotations).toEqual({
      "example.com/own": "1",
    });
    await expect(nodes.update("a", { metadata: { "no key": "1" } })).rejects.toThrow(InvalidNodeError);
    await expect(nodes.update("a", { metadata: { "example.com/key": "two words" } })).rejects.toThrow("can't be a key");
  });

  it("unknown and busy are different, and who heals it is told", async () => {
    const { made, nodes, clock } = await fleet();
    await made.add("a");
    const { uid } = (await nodes.get("a")).metadata;
    await expect(nodes.update("b", {})).rejects.toEqual(new NoSuchNodeError("b"));
    const leases = new Leases({ cells: made.ports.cells, uid: "life", clock, ids: { uuid: () => "t" }, owner: "healer-1" });
    const lease = await leases.take(nodeLease(uid), 60_000, healingPurpose);
    const until = clock.now() + 60_000;
    await expect(nodes.update("a", {})).rejects.toEqual(new NodeBusyError("a", { heldBy: "healer-1", until }));
    expect(await nodes.status(await nodes.get("a"))).toBe("healing");
    clock.jump(60_000);
    expect(await nodes.status(await nodes.get("a"))).toBe("waiting");
    await nodes.update("a", { metadata: { zone: "a" } });
    if (lease instanceof Lease) await lease.release();
    await leases.take(nodeLease(uid), 60_000, "checking");
    await nodes.update("a", { metadata: { zone: "b" } });
  });

  it("of a node that is replaced before the change changes neither: nobody has asked whether the new one is busy", async () => {
    const { made, clock } = await fleet();
    await made.add("a");
    const { cells } = made.ports;
    const replaced: Cells = {
      put: (...put) => cells.put(...put),
      delete: (...cell) => cells.delete(...cell),
      list: (...range) => cells.list(...range),
      get: async (uid, key) => {
        await made.remove("a");
        await made.add("a");
        return cells.get(uid, key);
      },
    };
    const nodes = new Nodes({ store: made.store, cells: replaced, clock, ids: systemIds, hooks: made.hooks });
    await expect(nodes.update("a", { metadata: { zone: "a" } })).rejects.toEqual(new NoSuchNodeError("a"));
    expect(metadataOf(await nodes.get("a"))).toEqual({});
  });
});

describe("atomicUpdate", () => {
  it("100 at once on stores of their own all count", async () => {
    const { made, nodes, clock } = await fleet();
    await made.add("a");
    const other = new NodesOnOtherStores(made);
    const add = (node: Parameters<Parameters<typeof nodes.atomicUpdate>[1]>[0]) => ({
      metadata: { count: String(Number(metadataOf(node)["count"] ?? 0) + 1) },
    });
    const all = Array.from({ length: 100 }, (_, n) => other.of(n % 5).atomicUpdate(addressOf("a"), add));
    await clock.until(Promise.all(all));
    expect(metadataOf(await nodes.get("a"))).toEqual({ count: "100" });
  });

  it("what the function throws comes out, and nothing is written", async () => {
    const { made, nodes } = await fleet();
    await made.add("a");
    const head = await made.head();
    const fail = (): never => {
      throw new Error("changed my mind");
    };
    await expect(nodes.atomicUpdate("a", fail)).rejects.toThrow("changed my mind");
    await expect(nodes.atomicUpdate("b", fail)).rejects.toThrow(NoSuchNodeError);
    expect(await made.head()).toBe(head);
  });
});

class NodesOnOtherStores {
  readonly #all: readonly NodeFleet["nodes"][];
  constructor(made: NodeFleet) {
    this.#all = Array.from({ length: 5 }, () => made.nodesOn(made.openStore()));
  }
  of(index: number): NodeFleet["nodes"] {
    return this.#all[index] as NodeFleet["nodes"];
  }
}

describe("hooks", () => {
  it("are kept by event, in order, and bounded; the list that is given is a copy", async () => {
    const hooks = new Hooks();
    expect(hooks.hooks("beforeContainerCreate")).toEqual([]);
    for (let count = 0; count < hooksMax; count += 1)
      hooks.addHook("beforeContainerCreate", (subject) => ({ ...subject, name: `${subject.name}x` }));
    expect(() => hooks.addHook("beforeContainerCreate", () => undefined)).toThrow(`at most ${hooksMax}`);
    expect([hooks.hooks("beforeContainerCreate").length, hooks.hooks("beforeNodeRegister").length]).toEqual([hooksMax, 0]);
    (hooks.hooks("beforeContainerCreate") as unknown[]).length = 0;
    const subject = { namespace: "default", name: "", nodeName: "a", body: { Image: "busybox" } };
    expect((await hooks.run("beforeContainerCreate", subject)).name).toBe("x".repeat(hooksMax));
    expect(await hooks.run("beforeNodeRegister", { address: "tcp://a:1" })).toEqual({ address: "tcp://a:1" });
  });
});
