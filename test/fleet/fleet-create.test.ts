/** Containers are made on a node that the scheduler chooses, with up to five tries, and a failed try leaves nothing behind. */
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { NameInUseError } from "../../shared/fleet/containers/errors.ts";
import type { Rows } from "../../shared/fleet/engine/call.ts";
import type { ProgressRow } from "../../shared/fleet/engine/transfers.ts";
import { EngineError } from "../../shared/fleet/engine-errors.ts";
import { InvalidOptionError, NodeError, NoNodesError, TriesExceededError } from "../../shared/fleet/fleet/errors.ts";
import { PlacementScheduler } from "../../shared/fleet/fleet/placement-scheduler.ts";
import { RoundRobin } from "../../shared/fleet/fleet/round-robin.ts";
import { NoSuchNodeError } from "../../shared/fleet/nodes/errors.ts";
import type { Fault } from "../../shared/fleet/simulated/faults.ts";
import { bodyOf, change, containersOf, type FleetWorld, nodeName, openFleet } from "./fleet-world.ts";

const unreachable: Fault = { kind: "unreachable" };
const failing: Fault = { kind: "failing", status: 500, message: "no space left on device" };
const isCreate = (call: string): boolean => call === "container create";
/** busybox is on every node, and in no registry. */
const make = { body: bodyOf(), pull: "never" } as const;

async function objectsOf({ store }: FleetWorld) {
  return (await store.view(({ containers }) => containers.find())).value;
}
async function nodeOf({ store }: FleetWorld, place: number) {
  return (await store.view(({ nodes }) => nodes.get(nodeName(place)))).value;
}

describe("create", () => {
  it("spreads containers over the nodes, and each has an object with its engine's id and a name", async () => {
    const world = await openFleet(3);
    for (let count = 0; count < 6; count += 1) await world.fleet.containers.create(make);
    expect(containersOf(world)).toEqual([2, 2, 2]);
    const objects = await objectsOf(world);
    const ids = world.engines.flatMap(({ world: { containers } }) => [...containers.keys()]);
    expect(objects.map(({ status }) => status?.containerId).sort()).toEqual(ids.sort());
    expect(new Set(objects.map(({ spec }) => spec.containerName)).size).toBe(6);
  });

  it("round robin takes the nodes in turns", async () => {
    const world = await openFleet(3, { scheduler: new RoundRobin() });
    const nodes: string[] = [];
    for (let count = 0; count < 4; count += 1) nodes.push((await world.fleet.containers.create(make)).node.metadata.name);
    expect(nodes).toEqual(["node-a", "node-b", "node-c", "node-a"]);
  });

  it("a try that fails goes to another node; no container and no object of it stays", async () => {
    const world = await openFleet(2, { scheduler: new RoundRobin() });
    world.engines[0]?.faults.set(failing, isCreate);
    const { node } = await world.fleet.containers.create(make);
    expect(node.metadata.name).toBe("node-b");
    expect(containersOf(world)).toEqual([0, 1]);
    expect(await objectsOf(world)).toHaveLength(1);
    expect((await nodeOf(world, 0))?.status).toMatchObject({ failures: 1 });
  });

  it("one of which the node said nothing counts no more: its container is a stale attempt, and the object is another node's", async () => {
    const world = await openFleet(2, { scheduler: new RoundRobin() });
    world.engines[0]?.faults.set({ kind: "cut" }, isCreate);
    const { container } = await world.fleet.containers.create(make);
    expect(containersOf(world)).toEqual([1, 1]);
    const [object, ...others] = await objectsOf(world);
    expect(others).toEqual([]);
    expect(object?.spec.nodeName).toBe("node-b");
    const [stale] = world.engines[0]?.world.containers.values() ?? [];
    expect(stale?.name).toMatch(/^wl-[0-9a-f]{24}$/);
    expect(stale?.name).not.toBe(container.spec.attempt?.id);
  });

  it("five tries at the most: then it says so, with the last error, and no object stays", async () => {
    const world = await openFleet(7, { scheduler: new RoundRobin() });
    for (const { faults } of world.engines) faults.set(failing, isCreate);
    const error = await world.fleet.containers.create(make).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TriesExceededError);
    expect((error as Error).message).toBe(
      "CreateContainer: maximum number of tries exceeded, last error: no space left on device",
    );
    expect(new Set((error as TriesExceededError).tries.map(({ nodeName: name }) => name)).size).toBe(5);
    expect(await objectsOf(world)).toEqual([]);
    expect(containersOf(world).reduce((sum, count) => sum + count, 0)).toBe(0);
  });

  it("when no node is left to try, both the scheduler's error and the one before it are told", async () => {
    const world = await openFleet(1);
    world.engines[0]?.faults.set(failing, isCreate);
    const error = await world.fleet.containers.create(make).catch((thrown: unknown) => thrown);
    expect((error as Error).message).toMatch(/error in scheduler: no suitable node .*; last error: .*no space left on device/);
  });

  it("on a node that is named there is one try", async () => {
    const world = await openFleet(2);
    world.engines[1]?.faults.set(failing, isCreate);
    const error = await world.fleet.containers.create({ ...make, nodes: ["node-b"] }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NodeError);
    expect((error as NodeError).message).toBe('error in docker node "node-b" running command "create": no space left on device');
    expect((error as NodeError).cause).toBeInstanceOf(EngineError);
    const { node } = await world.fleet.containers.create({ ...make, nodes: ["tcp://node-a:2375"] });
    expect(node.metadata.name).toBe("node-a");
    expect(containersOf(world)).toEqual([1, 0]);
  });

  it("a node that is not there is no busy one, and an empty name is refused", async () => {
    const { fleet } = await openFleet(1);
    await expect(fleet.containers.create({ ...make, nodes: ["node-x"] })).rejects.toThrow(NoSuchNodeError);
    await expect(fleet.containers.create({ ...make, nodes: [""] })).rejects.toThrow(/^nodes: /);
  });

  it("what the request itself is to blame for ends it at once, and no node is blamed", async () => {
    const world = await openFleet(3);
    for (const { faults } of world.engines) faults.set({ kind: "failing", status: 400, message: "bad parameter" }, isCreate);
    await expect(world.fleet.containers.create(make)).rejects.toThrow(NodeError);
    expect(await Promise.all([0, 1, 2].map(async (place) => (await nodeOf(world, place))?.status?.failures))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await objectsOf(world)).toEqual([]);
  });

  it("a node that can't be reached is reported, and takes no part until it answers again", async () => {
    const world = await openFleet(2, { scheduler: new RoundRobin() });
    world.engines[0]?.faults.set(unreachable);
    await world.fleet.containers.create(make);
    expect((await nodeOf(world, 0))?.status).toMatchObject({ state: "disconnected", failures: 1 });
    expect((await world.fleet.nodes.nodes()).map(({ metadata }) => metadata.name)).toEqual(["node-b"]);
    world.engines[0]?.faults.set(undefined);
    await world.healer.round();
    expect(await world.fleet.nodes.nodes()).toHaveLength(2);
  });

  it("a name that is taken is refused in Docker's words, on whatever node its holder is", async () => {
    const world = await openFleet(2);
    await world.fleet.containers.create({ ...make, name: "web" });
    await expect(world.fleet.containers.create({ ...make, name: "web" })).rejects.toThrow(NameInUseError);
    expect(await objectsOf(world)).toHaveLength(1);
  });

  it("fifty at once that want one name: one gets it, and nothing of the others is left", async () => {
    const world = await openFleet(5);
    const all = await Promise.allSettled(
      Array.from({ length: 50 }, () => world.fleet.containers.create({ ...make, name: "web" })),
    );
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await objectsOf(world)).toHaveLength(1);
    expect(containersOf(world).reduce((sum, count) => sum + count, 0)).toBe(1);
  });

  it("a caller that leaves ends it, and its object goes", async () => {
    const world = await openFleet(1);
    world.engines[0]?.faults.set({ kind: "hang" }, isCreate);
    const leaving = new AbortController();
    const made = world.fleet.containers.create({ ...make, signal: leaving.signal });
    await expect.poll(async () => (await objectsOf(world)).length).toBe(1);
    leaving.abort(new Error("gone"));
    await expect(made).rejects.toThrow("gone");
    expect(await objectsOf(world)).toEqual([]);
    expect((await nodeOf(world, 0))?.status?.failures).toBeUndefined();
  });

  it("bad options are refused by name", async () => {
    const { fleet } = await openFleet(1);
    const bad = [
      [{ body: bodyOf({ Image: "" }) }, "body.Image"],
      [{ ...make, inactivityMs: 0 }, "inactivityMs"],
      [{ ...make, inactivityMs: 3_600_001 }, "inactivityMs"],
      [{ ...make, nodes: Array.from({ length: 10_001 }, () => "node-a") }, "nodes"],
      [{ ...make, schedulerOptions: { constraint: [] } }, "schedulerOptions.constraint"],
      [{ ...make, schedulerOptions: { constraints: ["zone"] } }, "schedulerOptions.constraints.0"],
      [{ ...make, schedulerOptions: "zone" }, "schedulerOptions"],
    ] as const;
    for (const [options, field] of bad) {
      const error = await fleet.containers.create(options).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect((error as InvalidOptionError).field).toBe(field);
    }
  });
});

describe("hooks before a container is made", () => {
  it("may change what is made, and see where", async () => {
    const world = await openFleet(1);
    const seen: string[] = [];
    world.fleet.hooks.addHook("beforeContainerCreate", (subject) => {
      seen.push(subject.nodeName);
      return { ...subject, body: { ...subject.body, Labels: { added: "yes" } } };
    });
    await world.fleet.containers.create(make);
    const [made] = world.engines[0]?.world.containers.values() ?? [];
    expect(made?.labels).toMatchObject({ added: "yes" });
    expect(seen).toEqual(["node-a"]);
  });

  it("a veto is no failure of a node: another is tried, and when all are refused nothing was made", async () => {
    const world = await openFleet(2, { scheduler: new RoundRobin() });
    world.fleet.hooks.addHook("beforeContainerCreate", ({ nodeName: name }) => {
      if (name === "node-a") throw new Error("not there");
    });
    const { node } = await world.fleet.containers.create(make);
    expect(node.metadata.name).toBe("node-b");
    world.fleet.hooks.addHook("beforeContainerCreate", () => {
      throw new Error("nowhere");
    });
    await expect(world.fleet.containers.create(make)).rejects.toThrow(
      /maximum number of tries exceeded, last error: (nowhere|not there)/,
    );
    expect(await objectsOf(world)).toHaveLength(1);
    for (const place of [0, 1]) expect((await nodeOf(world, place))?.status).toMatchObject({ state: "ready" });
    for (const place of [0, 1]) expect((await nodeOf(world, place))?.status?.lastError).toBeUndefined();
  });
});

describe("placement of a container", () => {
  it("follows its options, and says which rule refused how many nodes", async () => {
    const world = await openFleet(2);
    await change(world.store, ({ nodes }) => {
      const node = nodes.get("node-b");
      if (node !== undefined) nodes.update({ ...node, metadata: { ...node.metadata, labels: { disk: "ssd" } } });
    });
    const wish = (value: string) => ({ ...make, schedulerOptions: { constraints: [`node.labels.disk==${value}`] } });
    expect((await world.fleet.containers.create(wish("ssd"))).node.metadata.name).toBe("node-b");
    const error = await world.fleet.containers.create(wish("tape")).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NoNodesError);
    expect((error as Error).message).toBe("no suitable node (scheduling constraints not satisfied on 2 nodes)");
  });

  it("says of nodes that are not enabled what they are, and chooses among those that are named only", async () => {
    const world = await openFleet(3);
    const among = { ...make, among: ["node-c", "node-x"] };
    expect((await world.fleet.containers.create(among)).node.metadata.name).toBe("node-c");
    expect((await world.fleet.containers.create(among)).node.metadata.name).toBe("node-c");
    for (const name of ["node-a", "node-b"]) await world.fleet.nodes.update(name, { creationStatus: "disabled" });
    await world.fleet.nodes.update("node-c", { creationStatus: "pending" });
    await expect(world.fleet.containers.create(make)).rejects.toThrow("no suitable node (2 nodes disabled; 1 node pending)");
    await expect((await openFleet(0)).fleet.containers.create(make)).rejects.toThrow("no suitable node (there are no nodes)");
  });

  it("of one that the scheduler made up, and of one that throws, nothing is made", async () => {
    const world = await openFleet(2);
    const [node] = await world.fleet.nodes.nodes();
    const other = await openFleet(1, { scheduler: { schedule: async () => node as NonNullable<typeof node> } });
    await expect(other.fleet.containers.create(make)).rejects.toThrow("which is no enabled node");
    const broken = await openFleet(1, { scheduler: { schedule: () => Promise.reject(new Error("no idea")) } });
    await expect(broken.fleet.containers.create(make)).rejects.toThrow("no idea");
    expect([...containersOf(other), ...containersOf(broken)]).toEqual([0, 0]);
  });

  it("what containers asked for is taken from the moment they are made: memory, CPUs and ports", async () => {
    const world = await openFleet(1);
    const asks = (HostConfig: object) => world.fleet.containers.create({ ...make, body: bodyOf({ HostConfig } as never) });
    const published = { PortBindings: { "80/tcp": [{ HostPort: "8080" }] } };
    const { container } = await asks({ Memory: 5 * 2 ** 30, NanoCpus: 3e9, ...published });
    expect(container.spec.reservations).toEqual({ memory: 5 * 2 ** 30, cpus: 3, hostPorts: ["8080/tcp"] });
    await expect(asks({ Memory: 4 * 2 ** 30 })).rejects.toThrow("no suitable node (insufficient memory on 1 node)");
    await expect(asks({ NanoCpus: 2e9 })).rejects.toThrow("no suitable node (insufficient cpus on 1 node)");
    await expect(asks(published)).rejects.toThrow("no suitable node (host port already in use on 1 node)");
    await asks({ Memory: 3 * 2 ** 30, NanoCpus: 1e9, PortBindings: { "80/tcp": [{ HostPort: "8081" }] } });
    await world.fleet.containers.remove(container.status?.containerId ?? "");
    await asks({ Memory: 5 * 2 ** 30, ...published });
    expect(containersOf(world)).toEqual([2]);
  });

  it("what they take follows an update that their engine carried out, and one that it refused changes nothing", async () => {
    const world = await openFleet(1);
    const asks = (HostConfig: object) => world.fleet.containers.create({ ...make, body: bodyOf({ HostConfig } as never) });
    const published = { PortBindings: { "80/tcp": [{ HostPort: "8080" }] } };
    const { container } = await asks({ Memory: 2 ** 30, ...published });
    const id = container.status?.containerId ?? "";
    const update = (body: JsonObject) => world.fleet.containers.update(id, body);
    const taken = async () => (await world.fleet.containers.find(id)).container.spec.reservations;
    await update({ Memory: 5 * 2 ** 30, NanoCpus: 3e9, MemorySwap: -1 });
    expect(await taken()).toEqual({ memory: 5 * 2 ** 30, cpus: 3, hostPorts: ["8080/tcp"] });
    await expect(asks({ Memory: 4 * 2 ** 30 })).rejects.toThrow("no suitable node (insufficient memory on 1 node)");
    await expect(asks({ NanoCpus: 2e9 })).rejects.toThrow("no suitable node (insufficient cpus on 1 node)");
    const before = world.store.revision;
    await update({ Memory: 0, NanoCpus: 0, RestartPolicy: { Name: "always" } });
    expect(world.store.revision).toBe(before);
    const refusal = { kind: "failing", status: 409, message: "it needs more than that" } as const;
    world.engines[0]?.faults.set(refusal, (call) => call === "container update");
    await expect(update({ Memory: 2 ** 30 })).rejects.toThrow("it needs more than that");
    expect(await taken()).toMatchObject({ memory: 5 * 2 ** 30 });
    world.engines[0]?.faults.set(undefined);
    await update({ Memory: -1 });
    expect(await taken()).toEqual({ cpus: 3, hostPorts: ["8080/tcp"] });
    await asks({ Memory: 8 * 2 ** 30 });
  });

  it("a port that the engine chose is taken as soon as the object shows it, and one that has ended takes nothing", async () => {
    const world = await openFleet(1);
    const { container } = await world.fleet.containers.create(make);
    const shown = (state: "running" | "exited") =>
      change(world.store, ({ containers }) => {
        const current = containers.get(container.metadata.name, "default");
        const ports = [{ containerPort: 80, hostPort: 8080, protocol: "tcp" as const }];
        if (current !== undefined) containers.update({ ...current, status: { ...current.status, state, ports } });
      });
    const body = bodyOf({ HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "8080" }] } } });
    await shown("running");
    await expect(world.fleet.containers.create({ ...make, body })).rejects.toThrow("host port already in use on 1 node");
    await shown("exited");
    await world.fleet.containers.create({ ...make, body });
  });

  it("of many at once none overbooks a node: each that sees its room taken is placed anew, the last finds none", async () => {
    const world = await openFleet(8);
    const large = { ...make, body: bodyOf({ HostConfig: { Memory: 5 * 2 ** 30 } }) };
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => world.fleet.containers.create(large)));
    expect(containersOf(world)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    const refused = all.filter((one) => one.status === "rejected");
    expect(refused.map(({ reason }) => String(reason))).toEqual(
      [1, 2].map(() => "NoNodesError: no suitable node (insufficient memory on 8 nodes)"),
    );
    expect(await objectsOf(world)).toHaveLength(8);
  });

  it("what an earlier try has left takes no room from the next one of the same container", async () => {
    const world = await openFleet(1);
    const body = bodyOf({ HostConfig: { Memory: 5 * 2 ** 30 } });
    const { container, node } = await world.fleet.containers.create({ ...make, body });
    const scheduler = new PlacementScheduler({ random: () => 0 });
    const asked = { nodes: [node], store: world.store, body, options: undefined, avoid: new Set<string>() };
    const own = { ...asked, object: { namespace: "default", name: container.metadata.name } };
    const others = { ...asked, object: { namespace: "default", name: "c-0" } };
    expect((await scheduler.schedule(own)).metadata.name).toBe("node-a");
    await expect(scheduler.schedule(others)).rejects.toThrow(NoNodesError);
    const { value: admitted } = await world.store.view((transaction) =>
      [own, others].map((request) => scheduler.admits(transaction, node, request)),
    );
    expect(admitted).toEqual([true, false]);
  });

  it("what an engine warns of is handed on, whatever it says", async () => {
    const world = await openFleet(1);
    const warn = (Warnings: unknown) => {
      for (const { faults } of world.engines)
        faults.lie = (call, answer) => (isCreate(call) ? { ...(answer as object), Warnings } : answer);
      return world.fleet.containers.create(make).then(({ warnings }) => warnings);
    };
    expect(await warn(["no swap limit support", 7])).toEqual(["no swap limit support"]);
    for (const nothing of [null, undefined, "text", {}]) expect(await warn(nothing)).toEqual([]);
    expect(await warn(Array.from({ length: 101 }, () => "x".repeat(1_025)))).toEqual(
      Array.from({ length: 100 }, () => "x".repeat(1_024)),
    );
  });
});

describe("pulls before a container is made", () => {
  it("always by default; one that fails does not count for an image without a registry, which the node may have", async () => {
    const world = await openFleet(1);
    await world.fleet.containers.create({ body: bodyOf() });
    expect(containersOf(world)).toEqual([1]);
    const error = await world.fleet.containers.create({ body: bodyOf({ Image: "absent" }) }).catch((thrown: unknown) => thrown);
    expect((error as Error).message).toMatch(/No such image: absent:latest \(it could not be pulled: /);
    expect((await nodeOf(world, 0))?.status?.failures).toBeUndefined();
  });

  it("one of a registry's image must succeed, on each node that is tried, and no node is blamed for a registry", async () => {
    const world = await openFleet(2);
    const error = await world.fleet.containers
      .create({ body: bodyOf({ Image: "registry.test:5000/team/web:1" }) })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TriesExceededError);
    expect((error as Error).message).toMatch(/manifest unknown/);
    expect(await world.fleet.nodes.nodes()).toHaveLength(2);
  });

  it("who is told of progress and throws ends it, though the image needs no registry", async () => {
    const world = await openFleet(1);
    const [engine] = world.engines;
    const opened = engine?.open();
    if (engine === undefined || opened === undefined) throw new Error("there is a node");
    const rows: Rows<ProgressRow> = {
      async *[Symbol.asyncIterator]() {
        yield { status: "Pulling" };
      },
      close: () => undefined,
    };
    engine.open = () => ({ ...opened, transfers: { ...opened.transfers, pull: async () => rows } });
    const onRow = () => Promise.reject(new Error("the client left"));
    await expect(world.fleet.containers.create({ body: bodyOf(), onRow })).rejects.toThrow(/the client left/);
    expect([containersOf(world), await objectsOf(world)]).toEqual([[0], []]);
  });

  it("missing pulls where it is not, with the credentials of the call or of a secret, and progress is told", async () => {
    const world = await openFleet(2);
    const image = "registry.test:5000/team/web:1";
    await world.fleet.images.tag("busybox", { repo: "registry.test:5000/team/web", tag: "1" });
    await world.fleet.images.push(image);
    await world.fleet.images.remove(image);
    world.registry.credentials = { username: "me", password: "s3cret" };
    world.secrets.set("registry", { username: "me", password: "s3cret" });
    const rows: string[] = [];
    const asked = { body: bodyOf({ Image: image }), pull: "missing", onRow: (name: string) => void rows.push(name) } as const;
    await expect(world.fleet.containers.create({ ...asked, nodes: ["node-a"] })).rejects.toThrow(/no basic auth credentials/);
    await world.fleet.containers.create({ ...asked, nodes: ["node-a"], auth: { username: "me", password: "s3cret" } });
    await world.fleet.containers.create({ ...asked, nodes: ["node-b"], pullSecretRef: { name: "registry" } });
    expect(new Set(rows)).toEqual(new Set(["node-a", "node-b"]));
    rows.length = 0;
    await world.fleet.containers.create({ ...asked, nodes: ["node-b"] });
    expect(rows).toEqual([]);
    const { value: all } = await world.store.view(({ images, containers }) => [...images.find(), ...containers.find()]);
    expect(JSON.stringify(all)).not.toContain("s3cret");
  });

  it("an engine that can't be reached while it pulls is a failed node", async () => {
    const world = await openFleet(1);
    world.engines[0]?.faults.set(unreachable, (call) => call === "image pull");
    await expect(world.fleet.containers.create({ body: bodyOf() })).rejects.toThrow(/can't be reached/);
    expect((await nodeOf(world, 0))?.status?.failures).toBe(1);
  });
});
