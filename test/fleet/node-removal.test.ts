/** A node whose deletion is asked for: its tasks end, go on elsewhere where a service wants them, and only then does it go. */
import { describe, expect, it } from "vitest";
import type { Action } from "../../shared/fleet/reconcile/actions.ts";
import { carryOut } from "../../shared/fleet/reconcile/commit.ts";
import { decide } from "../../shared/fleet/reconcile/decide.ts";
import { tasksFinalizer } from "../../shared/fleet/reconcile/hold.ts";
import { stateOf, type World } from "../../shared/fleet/reconcile/world.ts";
import { containerKind } from "../../shared/kinds/container.ts";
import type { Node } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { ago, type NodeOptions, nodeAt, now, serviceAt, taskAt, templateOf } from "./objects.ts";
import { nodesOf, runningOf, SimulatedFleet } from "./simulated-fleet.ts";

const template = (spec: object = {}) => ({ spec: { image: "app:1", ...spec } });

async function fleetOf(...nodes: readonly string[]): Promise<SimulatedFleet> {
  const fleet = await SimulatedFleet.open();
  for (const name of nodes) await fleet.addNode(name);
  return fleet;
}
const nodeNames = async (fleet: SimulatedFleet) => (await fleet.world()).nodes.map(({ metadata }) => metadata.name);
const finalizersOf = async (fleet: SimulatedFleet, name: string) =>
  (await fleet.world()).nodes.find(({ metadata }) => metadata.name === name)?.metadata.finalizers;

/** What the agent of a node that is not simulated here would have: the container of a task. */
const addContainer = (fleet: SimulatedFleet, name: string, origin: "task" | "user", nodeName = "a") =>
  fleet.update(({ containers }) =>
    containers.create({
      apiVersion,
      kind: "Container",
      metadata: { name, namespace: "default" },
      spec: containerKind.spec.parse({ nodeName, origin, image: "app:1", ...(origin === "task" && { taskName: name }) }),
    }),
  );
const removeContainer = (fleet: SimulatedFleet, name: string) =>
  fleet.update(({ containers }) => containers.delete(name, { namespace: "default" }));

describe("the finalizer", () => {
  it("comes with the first task, in its entry, once; a node that never had a task goes at once", async () => {
    const fleet = await fleetOf("a", "b");
    await fleet.setNode("b", { spec: { availability: "pause" } });
    await fleet.addService("web", { replicas: 2, template: template() });
    await fleet.reconcilers[0]?.round();
    const { nodes, tasks } = await fleet.world();
    const [a, b] = nodes;
    expect([a?.metadata.finalizers, b?.metadata.finalizers]).toEqual([[tasksFinalizer], undefined]);
    const revision = ({ metadata }: { readonly metadata: { readonly resourceVersion: string } }) =>
      Math.floor(Number(metadata.resourceVersion) / 1_000);
    expect(new Set([a, ...tasks].map((object) => (object === undefined ? -1 : revision(object)))).size).toBe(1);
    await fleet.setService("web", (spec) => ({ ...spec, replicas: 5 }));
    await fleet.rest();
    expect((await fleet.world()).nodes[0]?.metadata.resourceVersion).toBe(a?.metadata.resourceVersion);
    await fleet.removeNode("b");
    expect(await nodeNames(fleet)).toEqual(["a"]);
  });

  it("comes with a task by hand, and beside those of others", async () => {
    const fleet = await fleetOf("a");
    await fleet.update(({ nodes, tasks }) => {
      const node = nodes.get("a");
      if (node) nodes.update({ ...node, metadata: { ...node.metadata, finalizers: ["example.com/hold"] } });
      tasks.create({
        apiVersion,
        kind: "Task",
        metadata: { name: "one" },
        spec: { desiredState: "running", nodeName: "a", template: templateOf() },
      });
    });
    await fleet.rest();
    expect(await finalizersOf(fleet, "a")).toEqual(["example.com/hold", tasksFinalizer]);
    await fleet.removeNode("a");
    await fleet.rest();
    expect(await finalizersOf(fleet, "a")).toEqual(["example.com/hold"]);
    expect((await fleet.world()).tasks).toEqual([]);
  });

  it("comes back where somebody took it away while tasks are there", async () => {
    const fleet = await fleetOf("a");
    await fleet.addService("web", { replicas: 1, template: template() });
    await fleet.rest();
    await fleet.update(({ nodes }) => {
      const node = nodes.get("a");
      if (node === undefined) return;
      const { finalizers: _, ...metadata } = node.metadata;
      nodes.update({ ...node, metadata });
    });
    await fleet.rest();
    expect(await finalizersOf(fleet, "a")).toEqual([tasksFinalizer]);
  });

  it("comes to 300 nodes at once, in entries that fit", async () => {
    const fleet = await SimulatedFleet.open();
    const names = Array.from({ length: 300 }, (_, index) => `node-${index}`);
    for (const name of names) await fleet.addNode(name);
    await fleet.addService("web", { replicas: 300, template: template() });
    await fleet.reconcilers[0]?.round();
    const { nodes, tasks } = await fleet.world();
    expect([tasks.length, nodes.filter(({ metadata }) => metadata.finalizers?.includes(tasksFinalizer)).length]).toEqual([
      300, 300,
    ]);
  });
});

describe("a node that is being removed", () => {
  it("its tasks run elsewhere, then it goes; people are told what it waits for", async () => {
    const fleet = await fleetOf("a", "b");
    await fleet.addService("web", { replicas: 4, template: template() });
    await fleet.rest();
    fleet.events.length = 0;
    await fleet.removeNode("a");
    await fleet.reconcilers[0]?.round();
    const [a] = (await fleet.world()).nodes;
    expect(a?.status?.conditions?.map(({ type, status, message }) => `${type}=${status}: ${message}`)).toEqual([
      "Drained=False: 2 tasks are left",
    ]);
    await fleet.rest();
    expect(await nodeNames(fleet)).toEqual(["b"]);
    expect(nodesOf((await fleet.world()).tasks)).toEqual(["b", "b", "b", "b"]);
    expect(runningOf(await fleet.world())).toHaveLength(4);
    expect(fleet.events.map(({ reason, message }) => `${reason} ${message}`)).toEqual([
      "Draining the node is being removed: 2 tasks are left",
      "TaskMoved 2 tasks of a moved: 2 on b; node a is being removed",
      "NodeDrained no tasks are left on the node",
      "NodeReleased no tasks are left on the node, nor containers of them",
    ]);
  });

  it("the last one: its service waits for another, and says why", async () => {
    const fleet = await fleetOf("a");
    await fleet.addService("web", { replicas: 1, template: template() });
    await fleet.rest();
    await fleet.removeNode("a");
    await fleet.reconcilers[0]?.round();
    const waiting = (await fleet.world()).tasks.find((task) => stateOf(task) === "pending");
    expect(waiting?.status?.message).toBe("no suitable node (1 node being removed)");
    await fleet.rest();
    expect([await nodeNames(fleet), (await fleet.world()).tasks.map(stateOf)]).toEqual([[], ["pending"]]);
    await fleet.addNode("b");
    await fleet.rest();
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["b"]);
  });

  it("a global service's task, paused or not, goes with it", async () => {
    const fleet = await fleetOf("a", "b");
    await fleet.addService("web", { mode: "global", template: template() });
    await fleet.rest();
    await fleet.setNode("a", { spec: { availability: "pause" } });
    await fleet.removeNode("a");
    await fleet.rest();
    expect([await nodeNames(fleet), nodesOf((await fleet.world()).tasks)]).toEqual([["b"], ["b"]]);
  });

  it("waits for a container of a task, not for one that people made", async () => {
    const fleet = await fleetOf("a");
    await fleet.addService("web", { replicas: 1, template: template() });
    await fleet.rest();
    await addContainer(fleet, "web.1.1", "task");
    await addContainer(fleet, "theirs", "user");
    await fleet.removeNode("a");
    await fleet.pass(5);
    const [a] = (await fleet.world()).nodes;
    expect(a?.status?.conditions?.[0]?.message).toBe("no tasks are left; 1 of their containers is");
    await removeContainer(fleet, "web.1.1");
    await fleet.pass(2);
    expect(await nodeNames(fleet)).toEqual([]);
  });

  it("that is lost is not waited for, nor that does not answer for long", async () => {
    for (const state of ["down", "disconnected"] as const) {
      const fleet = await fleetOf("a", "b");
      await fleet.addService("web", { replicas: 2, template: template() });
      await fleet.rest();
      await addContainer(fleet, "web.1.1", "task");
      fleet.off.add("a");
      await fleet.removeNode("a");
      await fleet.setNode("a", { state });
      await fleet.rest();
      if (state === "disconnected") {
        expect(await nodeNames(fleet)).toEqual(["a", "b"]);
        fleet.clock.advance(61_000);
        await fleet.rest();
      }
      expect([await nodeNames(fleet), nodesOf(runningOf(await fleet.world()))]).toEqual([["b"], ["b", "b"]]);
      expect(fleet.events.at(-1)).toMatchObject({ type: "Warning", reason: "NodeReleased" });
    }
  });

  it("a job that is done there stays done, and holds nothing", async () => {
    const fleet = await fleetOf("a", "b");
    await fleet.setNode("b", { spec: { availability: "pause" } });
    await fleet.addService("job", { replicas: 1, template: template({ restartPolicy: { condition: "none" } }) });
    await fleet.rest();
    await fleet.update(({ tasks }) => {
      for (const task of tasks.find()) tasks.update({ ...task, status: { state: "complete", exitCode: 0 } });
    });
    await fleet.rest();
    await fleet.setNode("b", { spec: { availability: "active" } });
    await fleet.removeNode("a");
    await fleet.pass(120);
    expect([await nodeNames(fleet), (await fleet.world()).tasks.map(stateOf)]).toEqual([["b"], ["complete"]]);
  });

  it("what ended there before goes with it: history, and tasks by hand", async () => {
    const service = serviceAt("web", { spec: { replicas: 1 } });
    const tasks = [
      taskAt("web.1.1", { service, slot: 1, node: "a", desired: "shutdown", state: "failed", since: ago(99) }),
      taskAt("web.1.2", { service, slot: 1, node: "b", state: "running" }),
      taskAt("by-hand", { node: "a", state: "complete", since: ago(9) }),
    ];
    const { actions } = decide({
      now,
      standing: [],
      nodes: [nodeAt("a", { deleted: ago(1) }), nodeAt("b")],
      services: [service],
      tasks,
    });
    expect(actions.flatMap((action) => (action.do === "delete" ? [action.task.metadata.name] : [])).sort()).toEqual([
      "by-hand",
      "web.1.1",
    ]);
  });
});

describe("when it is let go", () => {
  const ask = (options: NodeOptions, more: Partial<World> = {}) => askOf(nodeAt("a", { deleted: ago(1), ...options }), more);
  const askOf = (node: Node, more: Partial<World> = {}) => {
    const { actions, wakeAt } = decide({ now, standing: [], nodes: [node], services: [], tasks: [], ...more });
    return [actions.flatMap((action) => (action.do === "release" ? [action.isLost] : [])), wakeAt && wakeAt - now];
  };
  const running = taskAt("one", { node: "a" });
  const containersLeft = new Map([["a", 2]]);
  it.each([
    ["nothing is left", ask({}), [[false], undefined]],
    ["a task is left", ask({}, { tasks: [running] }), [[], undefined]],
    ["a task of another node is left", ask({}, { tasks: [taskAt("one", { node: "b" })] }), [[false], undefined]],
    ["containers are left: soon again", ask({}, { containersLeft }), [[], 1_000]],
    ["containers are left for long", ask({ deleted: ago(100) }, { containersLeft }), [[], 10_000]],
    ["containers are left for ever", ask({ deleted: ago(9_999) }, { containersLeft }), [[], 30_000]],
    ["it is down", ask({ state: "down" }, { containersLeft }), [[true], undefined]],
    ["it is silent for a moment", ask({ state: "disconnected", since: ago(9) }, { containersLeft }), [[], 1_000]],
    ["it is silent for long", ask({ state: "disconnected", since: ago(61) }, { containersLeft }), [[true], undefined]],
    ["somebody else holds it", ask({ finalizers: ["example.com/hold"] }), [[], undefined]],
    ["nobody has asked for its deletion", askOf(nodeAt("a")), [[], undefined]],
  ] as const)("%s", (_, found, expected) => {
    expect(found).toEqual(expected);
  });

  /** A node that was decided to be let go; `meanwhile`: what happens before that is carried out. Whether it was. */
  async function late(meanwhile: (fleet: SimulatedFleet) => Promise<unknown>, state: "ready" | "down" = "ready") {
    const fleet = await fleetOf("a");
    await fleet.addService("web", { replicas: 1, template: template() });
    await fleet.rest();
    await fleet.setService("web", (spec) => ({ ...spec, replicas: 0 }));
    await fleet.rest();
    await fleet.setNode("a", { state });
    await fleet.removeNode("a");
    const { actions } = decide({ ...(await fleet.world()), now: fleet.clock.now() });
    const releases = actions.filter((action): action is Action & { do: "release" } => action.do === "release");
    expect(releases).toHaveLength(1);
    await meanwhile(fleet);
    let carried = false;
    await fleet.update((transaction) => {
      for (const release of releases) carried = carryOut(transaction, release);
    });
    return carried;
  }

  it("is judged anew when it is carried out", async () => {
    expect(await late(async () => undefined)).toBe(true);
    expect(await late((fleet) => addContainer(fleet, "web.1.1", "task"))).toBe(false);
    expect(await late((fleet) => addContainer(fleet, "theirs", "user"))).toBe(true);
    expect(await late((fleet) => addContainer(fleet, "web.1.1", "task"), "down")).toBe(true);
    expect(await late((fleet) => fleet.setNode("a", { state: "ready" }), "down")).toBe(false);
    const addTask = (fleet: SimulatedFleet) =>
      fleet.update(({ tasks }) => {
        const spec = { desiredState: "running" as const, nodeName: "a", template: templateOf() };
        tasks.create({ apiVersion, kind: "Task", metadata: { name: "one" }, spec, status: { state: "running" } });
      });
    expect(await late(addTask)).toBe(false);
    const another = async (fleet: SimulatedFleet) => {
      await fleet.update(({ nodes }) => nodes.delete("a"));
      await fleet.addNode("a");
    };
    expect(await late(another)).toBe(false);
  });

  it("a task that was decided to go there meanwhile goes elsewhere", async () => {
    const fleet = await fleetOf("a");
    await fleet.addService("web", { replicas: 1, template: template() });
    await fleet.decideForLater();
    await fleet.update(({ nodes }) => {
      const node = nodes.get("a");
      if (node) nodes.update({ ...node, metadata: { ...node.metadata, finalizers: ["example.com/hold"] } });
    });
    await fleet.removeNode("a");
    await fleet.carryOutLate();
    expect((await fleet.world()).tasks).toEqual([]);
    expect(await finalizersOf(fleet, "a")).toEqual(["example.com/hold"]);
  });
});
