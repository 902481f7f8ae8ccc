/** The reconciler on a store: what becomes of services as nodes, tasks and templates change. */
import { describe, expect, it } from "vitest";
import { isOver, isWanted, stateOf } from "../../shared/fleet/reconcile/world.ts";
import { imagesOf, nodesOf, runningOf, SimulatedFleet } from "./simulated-fleet.ts";

const template = (spec: object = {}) => ({ spec: { image: "app:1", ...spec } });
const failing = (image: string) => ({
  fateOf: (task: { spec: { template: { spec: { image: string } } } }) =>
    task.spec.template.spec.image === image ? ("fails" as const) : ("runs" as const),
});

async function fleetOf(nodes: readonly string[], options: Parameters<typeof SimulatedFleet.open>[0] = {}) {
  const fleet = await SimulatedFleet.open(options);
  for (const name of nodes) await fleet.addNode(name);
  return fleet;
}

describe("replicated services", () => {
  it("get as many tasks as replicas say, spread over the nodes, owned by the service", async () => {
    const fleet = await fleetOf(["a", "b"]);
    await fleet.addService("web", { replicas: 4, template: { metadata: { labels: { app: "web" } }, spec: { image: "app:1" } } });
    await fleet.rest();
    const world = await fleet.world();
    expect(nodesOf(runningOf(world))).toEqual(["a", "a", "b", "b"]);
    expect(world.tasks.map(({ metadata }) => metadata.name)).toEqual(["web.1.1", "web.2.1", "web.3.1", "web.4.1"]);
    expect(world.tasks[0]?.metadata).toMatchObject({
      labels: { app: "web" },
      ownerReferences: [{ kind: "Service", name: "web", controller: true }],
    });
    expect(world.services[0]?.status).toMatchObject({ replicas: 4, readyReplicas: 4, updatedReplicas: 4, observedGeneration: 1 });
    expect(world.services[0]?.status?.conditions).toMatchObject([
      { type: "Available", status: "True" },
      { type: "Progressing", status: "True", reason: "NewGenerationAvailable" },
    ]);
  });

  it("scale down where most tasks of the service are, and leave nothing behind", async () => {
    const fleet = await fleetOf(["a", "b"]);
    await fleet.addService("web", { replicas: 6, template: template() });
    await fleet.rest();
    await fleet.setService("web", (spec) => ({ ...spec, replicas: 2 }));
    await fleet.rest();
    const { tasks } = await fleet.world();
    expect([tasks.length, nodesOf(tasks)]).toEqual([2, ["a", "b"]]);
    await fleet.setService("web", (spec) => ({ ...spec, replicas: 0 }));
    await fleet.rest();
    expect((await fleet.world()).tasks).toEqual([]);
  });

  it("what fits nowhere waits, says why, and is placed when a node can take it", async () => {
    const fleet = await fleetOf(["a"]);
    await fleet.addService("web", { replicas: 2, template: template({ resources: { reservations: { cpus: 3 } } }) });
    await fleet.rest();
    const { tasks, services } = await fleet.world();
    expect(tasks.map(stateOf)).toEqual(["running", "pending"]);
    expect(tasks[1]?.status?.message).toBe("no suitable node (insufficient cpus on 1 node)");
    expect(services[0]?.status?.message).toBe("1 of 2 tasks fit nowhere: no suitable node (insufficient cpus on 1 node)");
    await fleet.addNode("b");
    await fleet.rest();
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["a", "b"]);
    expect((await fleet.service("web")).status?.message).toBeUndefined();
  });

  it("more tasks than an entry holds are made in one round", async () => {
    const fleet = await fleetOf(["a", "b"]);
    await fleet.addService("web", { replicas: 450, template: template() });
    const round = await fleet.reconcilers[0]?.round();
    const { tasks } = await fleet.world();
    expect([round?.done, tasks.length, new Set(tasks.map(({ spec }) => spec.slot)).size]).toEqual([451, 450, 450]);
  });

  it("a deleted task is made again; one of a service that is being deleted is not", async () => {
    const fleet = await fleetOf(["a"]);
    await fleet.addService("web", { replicas: 1, template: template() });
    await fleet.rest();
    await fleet.update(({ tasks }) => tasks.delete("web.1.1", { namespace: "default" }));
    await fleet.rest();
    expect(runningOf(await fleet.world())).toHaveLength(1);
    await fleet.update(({ services, tasks }) => {
      const service = services.get("web", "default");
      if (service !== undefined)
        services.update({
          ...service,
          metadata: { ...service.metadata, deletionTimestamp: "2030-01-01T00:00:00Z", finalizers: ["x.y/z"] },
        });
      tasks.delete("web.1.1", { namespace: "default" });
    });
    await fleet.rest();
    expect((await fleet.world()).tasks).toEqual([]);
  });

  it("two that want the last room of a node: one gets it, the other waits", async () => {
    const fleet = await fleetOf(["a"]);
    for (const name of ["web", "api"])
      await fleet.addService(name, { replicas: 1, template: template({ resources: { reservations: { cpus: 3 } } }) });
    await fleet.rest();
    expect((await fleet.world()).tasks.map(stateOf).sort()).toEqual(["pending", "running"]);
  });

  it("a task by hand is placed once, and neither moved nor restarted", async () => {
    const fleet = await fleetOf(["a"], failing("bad:1"));
    const task = (name: string, image: string) => ({
      apiVersion: "windlass.dev/v1",
      kind: "Task",
      metadata: { name },
      spec: { desiredState: "running" as const, template: { spec: { ...template({ image }).spec } } },
    });
    await fleet.addService("web", { replicas: 0, template: template() });
    const { spec } = (await fleet.service("web")).spec.template;
    await fleet.update(({ tasks }) => {
      tasks.create({ ...task("one", "app:1"), spec: { desiredState: "running", template: { spec } } });
      tasks.create({
        ...task("two", "bad:1"),
        spec: { desiredState: "running", template: { spec: { ...spec, image: "bad:1" } } },
      });
    });
    await fleet.pass(600);
    expect((await fleet.world()).tasks.map((each) => [each.metadata.name, stateOf(each)])).toEqual([
      ["one", "running"],
      ["two", "failed"],
    ]);
    await fleet.setNode("a", { spec: { availability: "drain" } });
    await fleet.rest();
    expect((await fleet.world()).tasks.map(stateOf)).toEqual(["shutdown", "failed"]);
  });
});

describe("global services", () => {
  it("run one task on each node that fits, also on those that come later", async () => {
    const fleet = await fleetOf(["a", "b"]);
    await fleet.addNode("c", { availability: "pause" });
    await fleet.addNode("d", {}, { zone: "x" });
    await fleet.addService("web", { mode: "global", template: template({ constraints: ["node.labels.zone!=x"] }) });
    await fleet.rest();
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["a", "b"]);
    await fleet.addNode("e");
    await fleet.setNode("c", { spec: { availability: "active" } });
    await fleet.rest();
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["a", "b", "c", "e"]);
  });

  it("a paused node keeps its task, a drained and a lost one do not, and they come back", async () => {
    const fleet = await fleetOf(["a", "b", "c"]);
    await fleet.addService("web", { mode: "global", template: template() });
    await fleet.rest();
    await fleet.setNode("a", { spec: { availability: "pause" } });
    await fleet.setNode("b", { spec: { availability: "drain" } });
    fleet.off.add("c");
    await fleet.setNode("c", { state: "down" });
    await fleet.rest();
    expect((await fleet.world()).tasks.map(({ spec }) => spec.nodeName)).toEqual(["a"]);
    fleet.off.clear();
    await fleet.setNode("b", { spec: { availability: "active" } });
    await fleet.setNode("c", { state: "ready" });
    await fleet.rest();
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["a", "b", "c"]);
  });

  it("an update leaves the task of a paused node alone until it takes tasks again", async () => {
    const fleet = await fleetOf(["a", "b"]);
    await fleet.addService("web", { mode: "global", template: template(), update: { monitor: "1s" } });
    await fleet.rest();
    await fleet.setNode("a", { spec: { availability: "pause" } });
    await fleet.setImage("web", "app:2");
    await fleet.pass(60);
    expect(runningOf(await fleet.world()).map(({ spec }) => [spec.nodeName, spec.template.spec.image])).toEqual([
      ["a", "app:1"],
      ["b", "app:2"],
    ]);
    await fleet.setNode("a", { spec: { availability: "active" } });
    await fleet.pass(60);
    expect(imagesOf(runningOf(await fleet.world()))).toEqual(["app:2"]);
  });

  it("leave a node that a new constraint shuts out", async () => {
    const fleet = await fleetOf(["a", "b"]);
    await fleet.addService("web", { mode: "global", template: template() });
    await fleet.rest();
    await fleet.setService("web", (spec) => ({ ...spec, template: template({ constraints: ["node.name!=a"] }) }) as typeof spec);
    await fleet.pass(60);
    expect((await fleet.world()).tasks.map(({ spec }) => spec.nodeName)).toEqual(["b", "b"]);
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["b"]);
  });
});

describe("restarts", () => {
  const ended = async (restartPolicy: object, seconds: number) => {
    const fleet = await fleetOf(["a"], failing("bad:1"));
    await fleet.addService("web", { replicas: 1, template: template({ image: "bad:1", restartPolicy }) });
    await fleet.pass(seconds);
    return fleet;
  };
  const attempts = async (fleet: SimulatedFleet) =>
    (await fleet.world()).tasks.filter((task) => stateOf(task) === "failed").length;

  it("none: a task that ended is not replaced, and its place is not given to another", async () => {
    const fleet = await ended({ condition: "none" }, 600);
    expect((await fleet.world()).tasks.map((task) => [stateOf(task), task.spec.desiredState])).toEqual([["failed", "shutdown"]]);
  });

  it("the delay doubles with each failure: 1, 2, 4 seconds", async () => {
    const fleet = await ended({ delay: "1s" }, 0);
    const counts: number[] = [];
    for (let second = 0; second < 8; second += 1) {
      counts.push(await attempts(fleet));
      await fleet.pass(1);
    }
    expect(counts).toEqual([1, 2, 2, 3, 3, 3, 3, 4]);
  });

  it("maxAttempts bounds restarts for ever, or within the window", async () => {
    expect(await attempts(await ended({ delay: "1s", maxAttempts: 2 }, 3_600))).toBe(3);
    const windowed = await ended({ delay: "1s", maxAttempts: 2, window: "1h" }, 3_000);
    expect(await attempts(windowed)).toBe(3);
  });

  it("only the newest of what ended are kept, and restarts are counted on the task", async () => {
    const fleet = await ended({ delay: "1s" }, 3_600);
    const { tasks } = await fleet.world();
    expect(tasks.filter(isOver).length).toBeLessThanOrEqual(6);
    expect(Math.max(...tasks.map(({ spec }) => spec.restarts ?? 0))).toBeGreaterThan(8);
  });
});

describe("nodes", () => {
  it("drain: tasks move when the old one has stopped; pause: they stay", async () => {
    const fleet = await fleetOf(["a", "b"]);
    await fleet.addService("web", { replicas: 4, template: template({ restartPolicy: { condition: "none" } }) });
    await fleet.rest();
    await fleet.setNode("a", { spec: { availability: "pause" } });
    await fleet.rest();
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["a", "a", "b", "b"]);
    await fleet.setNode("a", { spec: { availability: "drain" } });
    for (const reconciler of fleet.reconcilers) await reconciler.settle();
    const moving = (await fleet.world()).tasks.filter(({ spec }) => spec.desiredState === "ready");
    expect(nodesOf(moving)).toEqual(["b", "b"]);
    await fleet.rest();
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["b", "b", "b", "b"]);
  });

  it("loss: a silent node's tasks move after the grace time, one that is down loses them at once", async () => {
    const fleet = await fleetOf(["a", "b", "c"], { policy: { lossGraceMs: 30_000 } });
    await fleet.addService("web", { replicas: 3, template: template() });
    await fleet.rest();
    fleet.off.add("a").add("b");
    await fleet.setNode("a", { state: "disconnected" });
    await fleet.pass(20);
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["a", "b", "c"]);
    await fleet.setNode("b", { state: "down" });
    await fleet.rest();
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["a", "c", "c"]);
    await fleet.pass(20);
    const world = await fleet.world();
    expect(nodesOf(runningOf(world))).toEqual(["c", "c", "c"]);
    const given = world.tasks.filter((task) => stateOf(task) === "orphaned");
    expect(given.map(({ status }) => status?.message?.replace(/since .*/, "since"))).toEqual([
      "node a has not answered since",
      "node b is down",
    ]);
  });

  it("a node that was removed, or whose labels no longer fit, loses its tasks", async () => {
    const fleet = await fleetOf(["b"]);
    await fleet.addNode("a", {}, { disk: "ssd" });
    await fleet.addNode("c", {}, { disk: "ssd" });
    await fleet.addService("web", { replicas: 2, template: template({ constraints: ["node.labels.disk==ssd"] }) });
    await fleet.rest();
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["a", "c"]);
    await fleet.update(({ nodes }) => nodes.delete("a"));
    await fleet.update(({ nodes }) => {
      const node = nodes.get("b");
      if (node !== undefined) nodes.update({ ...node, metadata: { ...node.metadata, labels: { disk: "ssd" } } });
      const other = nodes.get("c");
      if (other !== undefined) nodes.update({ ...other, metadata: { ...other.metadata, labels: { disk: "hdd" } } });
    });
    await fleet.rest();
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["b", "b"]);
  });

  it("a replacement waits for a stop that hangs, but not for ever", async () => {
    const fleet = await fleetOf(["a", "b"], { policy: { stopTimeoutMs: 60_000 } });
    await fleet.addService("web", { replicas: 1, template: template({ stopGracePeriod: "10s" }) });
    await fleet.rest();
    fleet.off.add("a");
    await fleet.setNode("a", { spec: { availability: "drain" } });
    await fleet.pass(60);
    expect(nodesOf(runningOf(await fleet.world()))).toEqual([]);
    await fleet.pass(11);
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["b"]);
  });
});

describe("updates", () => {
  const serviceOf = (update: object, spec: object = {}) => ({
    replicas: 4,
    template: template(spec),
    update: { monitor: "5s", ...update },
  });
  const updated = async (update: object, options: Parameters<typeof SimulatedFleet.open>[0] = {}, spec: object = {}) => {
    const fleet = await fleetOf(["a", "b"], options);
    await fleet.addService("web", serviceOf(update, spec));
    await fleet.rest();
    return fleet;
  };

  it("replace parallelism tasks at a time, the next after the delay, and complete after the monitored time", async () => {
    const fleet = await updated({ parallelism: 2, delay: "10s" });
    await fleet.setImage("web", "app:2");
    await fleet.rest();
    expect((await fleet.service("web")).status?.update).toMatchObject({
      state: "updating",
      formerTemplate: { spec: { image: "app:1" } },
    });
    expect(
      runningOf(await fleet.world())
        .map(({ spec }) => spec.template.spec.image)
        .sort(),
    ).toEqual(["app:1", "app:1", "app:2", "app:2"]);
    await fleet.pass(10);
    expect(imagesOf(runningOf(await fleet.world()))).toEqual(["app:2"]);
    await fleet.pass(20);
    const { update, updatedReplicas } = (await fleet.service("web")).status ?? {};
    expect([update?.state, update?.formerTemplate, updatedReplicas]).toEqual(["completed", undefined, 4]);
  });

  it("a failure pauses: what runs stays, what breaks stays of its template, a change of the spec goes on", async () => {
    const fleet = await updated({ failureAction: "pause" }, failing("bad:1"), { restartPolicy: { delay: "1s" } });
    await fleet.setImage("web", "bad:1");
    await fleet.pass(60);
    const { update } = (await fleet.service("web")).status ?? {};
    expect(update?.state).toBe("paused");
    expect(update?.message).toMatch(/^update paused due to failure or early termination of task web\.\d\.\d$/);
    const running = runningOf(await fleet.world());
    expect([running.length, imagesOf(running)]).toEqual([3, ["app:1"]]);
    await fleet.setNode("a", { spec: { availability: "drain" } });
    await fleet.pass(60);
    expect(runningOf(await fleet.world())).toHaveLength(3);
    await fleet.setImage("web", "app:3");
    await fleet.pass(120);
    expect(runningOf(await fleet.world()).map(({ spec }) => spec.template.spec.image)).toEqual(Array(4).fill("app:3"));
    expect((await fleet.service("web")).status?.update?.state).toBe("completed");
  });

  it("a failure rolls back: the spec and all tasks end at the former template", async () => {
    const fleet = await updated({ failureAction: "rollback" }, failing("bad:1"));
    await fleet.setImage("web", "bad:1");
    await fleet.pass(120);
    const service = await fleet.service("web");
    expect([service.spec.template.spec.image, service.status?.update?.state]).toEqual(["app:1", "rollback_completed"]);
    const running = runningOf(await fleet.world());
    expect([running.length, imagesOf(running)]).toEqual([4, ["app:1"]]);
  });

  it("one that is under way ends also when the next change leaves nothing to replace", async () => {
    const fleet = await fleetOf(["a"]);
    await fleet.addService("web", { replicas: 1, template: template(), update: { monitor: "1s" } });
    await fleet.rest();
    await fleet.setImage("web", "app:2");
    await fleet.rest();
    expect((await fleet.service("web")).status?.update?.state).toBe("updating");
    await fleet.setService("web", (spec) => ({ ...spec, replicas: 0 }));
    await fleet.rest();
    await fleet.setImage("web", "app:3");
    await fleet.pass(60);
    expect((await fleet.service("web")).status?.update?.state).toBe("completed");
  });

  it("go on where every node is as full as a service may make it: who goes leaves its room to who comes", async () => {
    const fleet = await fleetOf(["a", "b"]);
    await fleet.addService("web", {
      replicas: 2,
      template: template({ placement: { maxReplicas: 1 } }),
      update: { monitor: "1s" },
    });
    await fleet.rest();
    await fleet.setImage("web", "app:2");
    await fleet.pass(60);
    expect(imagesOf(runningOf(await fleet.world()))).toEqual(["app:2"]);
    expect(nodesOf(runningOf(await fleet.world()))).toEqual(["a", "b"]);
  });

  it("maxFailureRatio: so many may fail", async () => {
    let failures = 1;
    const fleet = await updated(
      { failureAction: "pause", maxFailureRatio: 0.25 },
      { fateOf: ({ spec }) => (spec.template.spec.image === "flaky:1" && failures-- > 0 ? "fails" : "runs") },
    );
    await fleet.setImage("web", "flaky:1");
    await fleet.pass(120);
    expect((await fleet.service("web")).status?.update?.state).toBe("completed");
    expect(runningOf(await fleet.world())).toHaveLength(4);
  });

  it("start-first: no place is ever without a running task, and a new task that never runs ends nothing", async () => {
    const fleet = await updated({ order: "start-first", parallelism: 2 });
    const counts = new Set<number>();
    fleet.onWorld = (world) => void counts.add(runningOf(world).length);
    await fleet.setImage("web", "app:2");
    await fleet.pass(60);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(4);
    expect([imagesOf(runningOf(await fleet.world())), runningOf(await fleet.world()).length]).toEqual([["app:2"], 4]);
  });

  it("start-first: a failing new task is tried again with back-off, the old one runs on", async () => {
    const fleet = await updated({ order: "start-first", failureAction: "continue" }, failing("bad:1"), {
      restartPolicy: { delay: "10s" },
    });
    await fleet.setImage("web", "bad:1");
    await fleet.pass(15);
    const { tasks } = await fleet.world();
    expect(imagesOf(runningOf(await fleet.world()))).toEqual(["app:1"]);
    expect(tasks.filter((task) => stateOf(task) === "failed").length).toBeLessThanOrEqual(8);
  });

  it("health gates: a new task that does not become healthy holds the update", async () => {
    const fleet = await updated({}, { fateOf: ({ spec }) => (spec.template.spec.image === "slow:1" ? "never" : "runs") });
    await fleet.setImage("web", "slow:1");
    await fleet.pass(3_600);
    expect(runningOf(await fleet.world())).toHaveLength(3);
    expect((await fleet.service("web")).status).toMatchObject({
      readyReplicas: 3,
      updatedReplicas: 1,
      update: { state: "updating" },
    });
  });

  it("a second change while the first is under way goes to the newest, and would roll back to the last that held", async () => {
    const fleet = await updated({ failureAction: "rollback", delay: "60s" }, failing("bad:1"));
    await fleet.setImage("web", "app:2");
    await fleet.rest();
    await fleet.setImage("web", "bad:1");
    await fleet.pass(600);
    expect((await fleet.service("web")).spec.template.spec.image).toBe("app:1");
    expect(imagesOf(runningOf(await fleet.world()))).toEqual(["app:1"]);
  });

  it("parallelism 0 replaces all at once, more than one entry holds", async () => {
    const fleet = await fleetOf(["a", "b"]);
    await fleet.addService("web", { replicas: 150, template: template(), update: { parallelism: 0, monitor: "0s" } });
    await fleet.rest();
    await fleet.setImage("web", "app:2");
    for (const reconciler of fleet.reconcilers) await reconciler.settle();
    expect(
      (await fleet.world()).tasks.filter((task) => isWanted(task) && task.spec.template.spec.image === "app:2"),
    ).toHaveLength(150);
    await fleet.pass(10);
    expect((await fleet.service("web")).status?.update?.state).toBe("completed");
  });
});
