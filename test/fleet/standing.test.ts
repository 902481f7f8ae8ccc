/** Containers that people made take room from services' tasks, too: memory, CPUs and ports, from the moment they are to be made. */
import { describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { standingOf, takesRoom } from "../../shared/fleet/placement/standing.ts";
import { carryOut } from "../../shared/fleet/reconcile/commit.ts";
import { decide } from "../../shared/fleet/reconcile/decide.ts";
import { isNews } from "../../shared/fleet/reconcile/news.ts";
import { Reconciler } from "../../shared/fleet/reconcile/reconciler.ts";
import { defaultPolicy, isAssigned, stateOf } from "../../shared/fleet/reconcile/world.ts";
import { type Container, containerKind } from "../../shared/kinds/container.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { serviceKind } from "../../shared/kinds/service.ts";
import type { WatchEvent } from "../../shared/state/event.ts";
import type { Store } from "../../shared/state/store.ts";
import { openStore } from "../state/watched-ports.ts";
import { bodyOf, change, containersOf, type FleetWorld, openFleet } from "./fleet-world.ts";
import { nodeAt, now, serviceAt, templateOf } from "./objects.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";

const gibi = 2 ** 30;

async function addService({ store }: FleetWorld, replicas: number, spec: object): Promise<void> {
  const parsed = serviceKind.spec.parse({ replicas, template: { spec: { image: "busybox", ...spec } } });
  const metadata = { name: "web", namespace: "default" };
  await change(store, ({ services }) => services.create({ apiVersion, kind: "Service", metadata, spec: parsed }));
}

async function tasksOf({ store }: FleetWorld): Promise<readonly (string | undefined)[][]> {
  const { value } = await store.view(({ tasks }) => tasks.find());
  return value.map((task) => [stateOf(task), task.spec.nodeName ?? task.status?.message]);
}

const containerAt = (spec: object, status?: object): Container => ({
  apiVersion,
  kind: "Container",
  metadata: { name: "own", namespace: "default", uid: "u", resourceVersion: "1", generation: 1, creationTimestamp: "" },
  spec: containerKind.spec.parse({ nodeName: "a", origin: "user", image: "own:1", ...spec }),
  ...(status && { status: containerKind.status.parse(status) }),
});
const shows = (hostPort: number | undefined) => ({ state: "running", ports: [{ containerPort: 80, hostPort }] });

describe("what a container takes of its node", () => {
  const cpus = { reservations: { cpus: 1 } };
  it.each<readonly [string, Container, boolean]>([
    ["one that asked for nothing", containerAt({}), false],
    ["one that is to be made", containerAt(cpus), true],
    ["one that has ended", containerAt(cpus, { state: "exited" }), false],
    ["a task's", containerAt({ origin: "task", taskName: "web.1", ...cpus }, { state: "running" }), false],
    ["one whose port the engine chose", containerAt({}, shows(49_153)), true],
    ["one that publishes none", containerAt({}, shows(undefined)), false],
    ["one that was found with a port", containerAt({ origin: "foreign" }, shows(8_080)), true],
  ])("%s", (_, container, takes) => {
    expect(takesRoom(container)).toBe(takes);
  });

  it("each port once, whatever its image is called", () => {
    const reservations = { cpus: 0.5, memory: 7, hostPorts: ["8080/tcp", "53/udp"] };
    const { nodeName, tenant } = standingOf(containerAt({ image: "not a name", reservations }, shows(8_080)));
    expect([nodeName, tenant.service]).toEqual(["a", undefined]);
    expect(tenant.template.spec).toMatchObject({
      image: "not a name",
      resources: { reservations: { cpus: 0.5, memory: "7" } },
      ports: [
        { hostPort: 8_080, protocol: "tcp" },
        { hostPort: 53, protocol: "udp" },
      ],
    });
  });

  it("and one that takes nothing has its place among those that run there", () => {
    const world = { now, nodes: [nodeAt("a"), nodeAt("b")], services: [serviceAt("web")], tasks: [] };
    const placedWith = (standing: readonly Container[]) =>
      decide({ ...world, standing: standing.map(standingOf) }).actions.flatMap((action) =>
        action.do === "replace" ? [action.create.nodeName] : [],
      );
    expect(placedWith([])).toEqual(["a"]);
    expect(placedWith([containerAt({})])).toEqual(["b"]);
  });
});

describe("a container that comes between decision and commit", () => {
  const asks = templateOf({ resources: { reservations: { cpus: 3 } }, ports: [{ containerPort: 80, hostPort: 8_080 }] });
  it.each([
    ["takes the memory or CPUs", "a", { cpus: 2 }, 0],
    ["takes the port", "a", { hostPorts: ["8080/tcp"] }, 0],
    ["takes what is left beside it", "a", { cpus: 1, hostPorts: ["8080/udp"] }, 1],
    ["takes another node's", "b", { cpus: 4 }, 1],
  ])("%s", async (_, nodeName, taking, assigned) => {
    const fleet = await SimulatedFleet.open();
    for (const name of ["a", "b"]) await fleet.addNode(name);
    await fleet.addService("web", { replicas: 1, template: asks });
    const { actions } = decide({ ...(await fleet.world()), now: fleet.clock.now() });
    expect(actions.flatMap((action) => (action.do === "replace" ? [action.create.nodeName] : []))).toEqual(["a"]);
    await fleet.addContainer("own", nodeName, taking);
    for (const action of actions) await fleet.update((transaction) => carryOut(transaction, action));
    expect((await fleet.world()).tasks.filter(isAssigned)).toHaveLength(assigned);
    await fleet.rest();
    expect((await fleet.world()).tasks.map(stateOf)).toEqual(["running"]);
  });
});

describe("what wakes the reconciler", () => {
  const of = (kind: string, revision: number) => ({ kind, type: "delete", revision }) as WatchEvent;
  it.each<readonly [string, readonly WatchEvent[], boolean, boolean]>([
    ["a task", [of("Task", 8)], false, true],
    ["what its own commits led to", [of("Task", 7), of("Container", 7)], true, false],
    ["a container while all have room", [of("Container", 8)], false, false],
    ["a container while a task waits", [of("Container", 8)], true, true],
    ["a container and a node", [of("Container", 8), of("Node", 8)], false, true],
  ])("%s", (_, events, isWaiting, isHeard) => {
    expect(isNews(events, { seen: 7, isWaiting })).toBe(isHeard);
  });
});

describe("people's containers and services on one fleet", () => {
  it.each([
    ["memory", { Memory: 5 * gibi }, { resources: { reservations: { memory: "5Gi" } } }, "insufficient memory on 2 nodes"],
    ["CPUs", { NanoCpus: 3e9 }, { resources: { reservations: { cpus: 3 } } }, "insufficient cpus on 2 nodes"],
    [
      "a port",
      { PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
      { ports: [{ containerPort: 80, hostPort: 8080 }] },
      "host port already in use on 2 nodes",
    ],
  ])("%s that a container took is no task's until it is removed", async (_, HostConfig, spec, refusal) => {
    const world = await openFleet(2);
    const { store, clock, logger } = world.common;
    const reconciler = new Reconciler({ store, clock, logger });
    const body = bodyOf({ HostConfig } as never);
    const { container } = await world.fleet.containers.create({ body, pull: "never", nodes: ["node-a"] });
    await addService(world, 2, spec);
    await reconciler.settle();
    expect(await tasksOf(world)).toEqual([
      ["assigned", "node-b"],
      ["pending", `no suitable node (${refusal})`],
    ]);
    await world.fleet.containers.remove(container.status?.containerId ?? "", { force: true });
    await reconciler.settle();
    expect(await tasksOf(world)).toEqual([
      ["assigned", "node-b"],
      ["assigned", "node-a"],
    ]);
  });

  it("of tasks and containers that come at once none overbooks a node", async () => {
    const world = await openFleet(4);
    await addService(world, 4, { resources: { reservations: { memory: "5Gi" } } });
    const body = bodyOf({ HostConfig: { Memory: 5 * gibi } } as never);
    const { store, clock, logger } = world.common;
    const [own] = await Promise.all([
      Promise.allSettled(Array.from({ length: 4 }, () => world.fleet.containers.create({ body, pull: "never" }))),
      new Reconciler({ store, clock, logger }).settle(),
    ]);
    await new Reconciler({ store, clock, logger }).settle();
    const made = own.filter(({ status }) => status === "fulfilled").length;
    const { value: tasks } = await store.view((transaction) => transaction.tasks.find());
    const nodes = tasks.filter(isAssigned).map(({ spec }) => spec.nodeName ?? "");
    expect(made + nodes.length).toBe(4);
    expect(new Set(nodes).size).toBe(nodes.length);
    expect(containersOf(world).map((count, place) => count + (nodes.includes(nodeNames[place] ?? "") ? 1 : 0))).toEqual([
      1, 1, 1, 1,
    ]);
  });
});

const nodeNames = ["node-a", "node-b", "node-c", "node-d"];

/** Before everything is looked at again. */
const soonMs = 10_000;

async function assignedTo(store: Store): Promise<string | undefined> {
  const { value } = await store.view(({ tasks }) => tasks.find().find(isAssigned));
  return value?.spec.nodeName;
}

describe("the reconciler's loop", () => {
  const asks = { replicas: 1, template: { spec: { image: "app:1", resources: { reservations: { cpus: 3 } } } } };
  async function whileRunning(fleet: SimulatedFleet, store: Store, act: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const running = new Reconciler({ store, clock: systemClock, logger: silentLogger, policy: defaultPolicy }).run(stop.signal);
    try {
      await act();
    } finally {
      stop.abort();
      await running;
      store.close();
      fleet.store.close();
    }
  }

  it.each<readonly [string, (container: Container) => Container | undefined]>([
    ["ended", (container) => ({ ...container, status: { state: "exited" } })],
    ["was removed", () => undefined],
  ])("gives the room of a container that %s to a task that waits, long before it looks at everything again", async (_, end) => {
    const fleet = await SimulatedFleet.open();
    await fleet.addNode("a");
    await fleet.addContainer("own", "a", { cpus: 2 });
    await fleet.addService("web", asks);
    const store = openStore(fleet.ports, systemClock);
    await whileRunning(fleet, store, async () => {
      await expect.poll(async () => (await fleet.world()).tasks.map(stateOf), { timeout: soonMs }).toEqual(["pending"]);
      await fleet.update(({ containers }) => {
        const [own] = containers.find();
        const now = own === undefined ? undefined : end(own);
        if (now !== undefined) containers.update(now);
        else containers.delete("own", { namespace: "default" });
      });
      await expect.poll(() => assignedTo(fleet.store), { timeout: soonMs }).toBe("a");
    });
  });

  it("hears of containers, too, while one has taken what a round had decided on", async () => {
    const fleet = await SimulatedFleet.open({ reconcilers: 2 });
    const [, late] = fleet.reconcilers;
    for (const name of ["a", "b"]) await fleet.addNode(name);
    await fleet.addService("web", asks);
    expect(await late?.round()).toMatchObject({ decided: 2, done: 2, isWaiting: false });
    await fleet.addService("api", asks);
    fleet.ports.appends.push(async (append) => {
      await fleet.addContainer("own", "b", { cpus: 2 });
      return append();
    });
    expect(await late?.round()).toMatchObject({ decided: 3, done: 2, isWaiting: true });
    expect(await late?.round()).toMatchObject({ isWaiting: true });
    expect((await fleet.world()).tasks.map(stateOf)).toEqual(["pending", "assigned"]);
  });
});
