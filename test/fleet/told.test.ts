/** What the reconciler tells people: conditions of services and nodes, written only when they change, and Events, each recorded by one. */
import { describe, expect, it } from "vitest";
import type { Task } from "../../shared/kinds/task.ts";
import type { EventToRecord } from "../../shared/state/core-events/event-recorder.ts";
import { runningOf, SimulatedFleet } from "./simulated-fleet.ts";

const template = (spec: object = {}) => ({ spec: { image: "app:1", ...spec } });
const failing = (image: string) => ({
  fateOf: (task: Task) => (task.spec.template.spec.image === image ? ("fails" as const) : ("runs" as const)),
});

async function fleetOf(nodes: readonly string[], options: Parameters<typeof SimulatedFleet.open>[0] = {}) {
  const fleet = await SimulatedFleet.open(options);
  for (const name of nodes) await fleet.addNode(name);
  return fleet;
}

const line = ({ type, reason, involvedObject, message }: EventToRecord): string =>
  `${type} ${reason} ${involvedObject.kind}/${involvedObject.name}: ${message}`;

/** Those since the last look. */
const told = (fleet: SimulatedFleet): string[] => fleet.events.splice(0).map(line);

async function conditionsOf(fleet: SimulatedFleet) {
  const { status } = await fleet.service("web");
  return status?.conditions?.map(({ type, status: holds, reason }) => `${type}=${holds} ${reason}`);
}

async function drained(fleet: SimulatedFleet, name: string) {
  const node = (await fleet.world()).nodes.find(({ metadata }) => metadata.name === name);
  return node?.status?.conditions?.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);
}

describe("scaling", () => {
  it("is told once a change of the spec, by one of two reconcilers", async () => {
    const fleet = await fleetOf(["a", "b"], { reconcilers: 2 });
    await fleet.addService("web", { replicas: 3, template: template() });
    await fleet.rest();
    expect(told(fleet)).toEqual(["Normal ScalingUp Service/web: from 0 to 3 tasks"]);
    expect(await conditionsOf(fleet)).toEqual([
      "Available=True MinimumReplicasAvailable",
      "Progressing=True NewGenerationAvailable",
    ]);
    await fleet.setService("web", (spec) => ({ ...spec, replicas: 5 }));
    await fleet.rest();
    await fleet.setService("web", (spec) => ({ ...spec, replicas: 1 }));
    await fleet.rest();
    expect(told(fleet)).toEqual([
      "Normal ScalingUp Service/web: from 3 to 5 tasks",
      "Normal ScalingDown Service/web: from 5 to 1 tasks",
    ]);
    expect((await fleet.service("web")).status?.readyReplicas).toBe(1);
  });

  it("a fleet at rest is told nothing, and writes nothing", async () => {
    const fleet = await fleetOf(["a"]);
    await fleet.addService("web", { replicas: 2, template: template() });
    await fleet.rest();
    told(fleet);
    const { resourceVersion } = (await fleet.service("web")).metadata;
    await fleet.pass(7_200);
    expect([told(fleet), (await fleet.service("web")).metadata.resourceVersion]).toEqual([[], resourceVersion]);
  });
});

describe("what fits nowhere", () => {
  it("is told with the rule that refused how many nodes, and again when another rule refuses", async () => {
    const fleet = await fleetOf(["a", "b"]);
    await fleet.addService("web", { replicas: 3, template: template({ resources: { reservations: { cpus: 3 } } }) });
    await fleet.rest();
    expect(told(fleet)).toEqual([
      "Normal ScalingUp Service/web: from 0 to 3 tasks",
      "Warning FailedPlacement Service/web: 1 of 3 tasks fit nowhere: no suitable node (insufficient cpus on 2 nodes)",
    ]);
    expect(await conditionsOf(fleet)).toEqual([
      "Available=False MinimumReplicasUnavailable",
      "Progressing=True ReplicasStarting",
    ]);
    await fleet.setNode("b", { spec: { availability: "pause" } });
    await fleet.rest();
    expect(told(fleet)).toEqual([
      "Warning FailedPlacement Service/web: 1 of 3 tasks fit nowhere: no suitable node (1 node not available for new tasks (pause or drain); insufficient cpus on 1 node)",
    ]);
  });

  it("for longer than the deadline: it no longer progresses; a node that takes it makes it progress again", async () => {
    const fleet = await fleetOf(["a"], { policy: { progressDeadlineMs: 60_000 } });
    await fleet.addService("web", { replicas: 2, template: template({ resources: { reservations: { cpus: 3 } } }) });
    await fleet.pass(59);
    expect((await conditionsOf(fleet))?.[1]).toBe("Progressing=True ReplicasStarting");
    told(fleet);
    await fleet.pass(2);
    expect((await conditionsOf(fleet))?.[1]).toBe("Progressing=False ProgressDeadlineExceeded");
    const message = "1 of 2 tasks fit nowhere: no suitable node (insufficient cpus on 1 node)";
    expect(told(fleet)).toEqual([`Warning ProgressDeadlineExceeded Service/web: no progress for 60 s: ${message}`]);
    await fleet.addNode("b");
    await fleet.rest();
    expect(await conditionsOf(fleet)).toEqual([
      "Available=True MinimumReplicasAvailable",
      "Progressing=True NewGenerationAvailable",
    ]);
  });

  it("a task by hand is told of itself", async () => {
    const fleet = await fleetOf([]);
    await fleet.addService("web", { replicas: 0, template: template() });
    const { template: given } = (await fleet.service("web")).spec;
    await fleet.update(({ tasks }) =>
      tasks.create({
        apiVersion: "windlass.dev/v1",
        kind: "Task",
        metadata: { name: "one" },
        spec: { desiredState: "running", template: given },
      }),
    );
    await fleet.rest();
    expect(told(fleet)).toEqual(["Warning FailedPlacement Task/one: no suitable node (there are no nodes)"]);
  });
});

describe("updates", () => {
  it("are told at their beginning and end", async () => {
    const fleet = await fleetOf(["a", "b"], { reconcilers: 2 });
    await fleet.addService("web", { replicas: 3, template: template(), update: { monitor: "1s" } });
    await fleet.rest();
    told(fleet);
    await fleet.setImage("web", "app:2");
    for (const reconciler of fleet.reconcilers) await reconciler.round();
    expect((await conditionsOf(fleet))?.[1]).toBe("Progressing=True Updating");
    await fleet.pass(60);
    expect(told(fleet)).toEqual([
      "Normal UpdateStarted Service/web: tasks of generation 2 replace those before them, 1 at a time",
      "Normal UpdateCompleted Service/web: update completed",
    ]);
  });

  it("one that fails is told as paused, and as resumed when the spec changes", async () => {
    const fleet = await fleetOf(["a"], failing("bad:1"));
    await fleet.addService("web", { replicas: 2, template: template(), update: { monitor: "1s" } });
    await fleet.rest();
    told(fleet);
    await fleet.setImage("web", "bad:1");
    await fleet.pass(60);
    expect(told(fleet).map((each) => each.split(":")[0])).toEqual([
      "Normal UpdateStarted Service/web",
      "Warning UpdatePaused Service/web",
    ]);
    expect((await conditionsOf(fleet))?.[1]).toBe("Progressing=False UpdatePaused");
    await fleet.setService("web", (spec) => ({ ...spec, update: { ...spec.update, maxFailureRatio: 1 } }));
    await fleet.rest();
    expect(told(fleet)[0]).toMatch(/^Normal UpdateResumed /);
  });

  it("one that is rolled back is told so, with the task that failed", async () => {
    const fleet = await fleetOf(["a"], failing("bad:1"));
    const update = { monitor: "1s", failureAction: "rollback" };
    await fleet.addService("web", { replicas: 2, template: template(), update, rollback: { monitor: "1s" } });
    await fleet.rest();
    told(fleet);
    await fleet.setImage("web", "bad:1");
    await fleet.pass(120);
    expect(told(fleet)).toEqual([
      "Normal UpdateStarted Service/web: tasks of generation 2 replace those before them, 1 at a time",
      expect.stringMatching(
        /^Warning UpdateRolledBack Service\/web: update rolled back due to failure or early termination of task web\./,
      ),
      "Normal RollbackCompleted Service/web: rollback completed",
    ]);
    expect((await conditionsOf(fleet))?.[1]).toBe("Progressing=True RolledBack");
  });
});

describe("nodes", () => {
  it("a lost node: how many tasks went where, and why", async () => {
    const fleet = await fleetOf(["a", "b", "c"]);
    await fleet.addService("web", { replicas: 6, template: template() });
    await fleet.rest();
    told(fleet);
    fleet.off.add("a");
    await fleet.setNode("a", { state: "down" });
    await fleet.rest();
    expect(told(fleet)).toEqual(["Normal TaskMoved Service/web: 2 tasks of a moved: 1 on b, 1 on c; node a is down"]);
    expect(runningOf(await fleet.world())).toHaveLength(6);
  });

  it("draining: the condition counts what is left, and goes when the node takes tasks again", async () => {
    const fleet = await fleetOf(["a", "b"], { reconcilers: 2 });
    await fleet.addService("web", { replicas: 4, template: template() });
    await fleet.rest();
    told(fleet);
    await fleet.setNode("a", { spec: { availability: "drain" } });
    for (const reconciler of fleet.reconcilers) await reconciler.round();
    expect(await drained(fleet, "a")).toEqual(["Drained=False TasksLeft: 2 tasks are left"]);
    let moved = 0;
    await fleet.work(({ spec }) => spec.nodeName === "a" && moved++ === 0);
    for (const reconciler of fleet.reconcilers) await reconciler.round();
    expect(await drained(fleet, "a")).toEqual(["Drained=False TasksLeft: 1 task is left"]);
    await fleet.rest();
    expect(await drained(fleet, "a")).toEqual(["Drained=True NoTasksLeft: no tasks are left"]);
    expect(told(fleet)).toEqual([
      "Normal Draining Node/a: the node is drained: 2 tasks are left",
      "Normal TaskMoved Service/web: 2 tasks of a moved: 2 on b; node a is drained",
      "Normal NodeDrained Node/a: no tasks are left on the node",
    ]);
    await fleet.setNode("a", { spec: { availability: "active" } });
    await fleet.rest();
    expect(await drained(fleet, "a")).toBeUndefined();
  });

  it("what others say of the node meanwhile is kept", async () => {
    const fleet = await fleetOf(["a"]);
    await fleet.setNode("a", { spec: { availability: "drain" } });
    await fleet.decideForLater();
    await fleet.setNode("a", { state: "disconnected" });
    await fleet.carryOutLate();
    const [node] = (await fleet.world()).nodes;
    expect([node?.status?.state, node?.status?.conditions?.[0]?.status]).toEqual(["disconnected", "True"]);
  });
});
