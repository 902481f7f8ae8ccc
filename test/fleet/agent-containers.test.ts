/** Container objects follow their engines: what is shown, what is removed, what is never touched, and what engines may do to that. */
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { attemptLabel, clusterUidLabel } from "../../shared/fleet/containers/labels.ts";
import type { ContainerDetails, ContainerSummary } from "../../shared/fleet/engine/containers.ts";
import type { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import { AgentFleet } from "./agent-fleet.ts";
import { runs } from "./commands.ts";

const body = { Image: "busybox", Cmd: runs };
const attempt = `wl-${"ab".repeat(12)}`;
const labelled = (uid: string, id = attempt) => ({ ...body, Labels: { [clusterUidLabel]: uid, [attemptLabel]: id } });

/** As an engine with a health check would show it. */
function setHealth(engine: SimulatedEngine, id: string, Status: string): void {
  engine.faults.lie = (call, answer) => {
    const details = answer as ContainerDetails;
    if (call !== "container inspect" || details.Id !== id || !details.State.Running) return answer;
    return { ...details, State: { ...details.State, Health: { Status, Log: [{ Output: "no answer\n" }] } } };
  };
  engine.world.tell("container", `health_status: ${Status}`, id, {});
}

describe("containers", () => {
  it("foreign ones are shown and never touched", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const theirs = engine.world.create("theirs", { ...body, Labels: { app: "x" } });
    theirs.start();
    const strangers = engine.world.create(attempt, labelled("another-cluster"));
    const inherited = engine.world.create("of-a-committed-image", labelled(fleet.store.uid));
    await fleet.agents().round();
    for (const one of [theirs, strangers, inherited]) {
      const object = await fleet.container(one.id.slice(0, 32));
      expect(object?.spec).toEqual({ nodeName: "a", origin: "foreign", image: "busybox" });
      expect(object?.status).toMatchObject({ state: one.state, containerId: one.id, engineName: one.name });
    }
    expect((await fleet.container(theirs.id.slice(0, 32)))?.status?.labels).toEqual({ app: "x" });
    expect(engine.world.containers.size).toBe(3);
  });

  it("foreign ones that went are shown no more; one whose object was deleted is shown again", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const [one, other] = [engine.world.create("one", body), engine.world.create("other", body)];
    const agents = fleet.agents();
    await agents.round();
    engine.world.remove(one);
    await fleet.update(({ containers }) => containers.delete(other.id.slice(0, 32), { namespace: "default" }));
    await agents.round();
    expect((await fleet.containers()).map(({ status }) => status?.engineName)).toEqual(["other"]);
  });

  it("stale attempts are removed: of no object, of an adopted cluster, of an object with another container", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    engine.world.create(attempt, labelled(fleet.store.uid)).start();
    const second = `wl-${"cd".repeat(12)}`;
    engine.world.create(second, labelled("former-life", second));
    await fleet.agents({ adopted: async () => ["former-life"] }).round();
    expect([engine.world.containers.size, await fleet.containers()]).toEqual([0, []]);
  });

  it("an object that is deleted takes its container with it, soon", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const spec = { nodeName: "a", origin: "user" as const, containerName: "web", image: "busybox" };
    const { container: object } = await fleet.attempts().create({ spec, body, actor: "user", deadlineMs: 1_000 });
    fleet.run();
    await fleet.until(async () => (await fleet.container(object.metadata.name))?.status?.imageId !== undefined);
    await fleet.update(({ containers }) => containers.delete(object.metadata.name, { namespace: "default" }));
    await fleet.until(() => engine.world.containers.size === 0);
  });

  it("a task whose container somebody removes has failed, at once where events are heard", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await fleet.addTask("web.1");
    fleet.run();
    await fleet.until(async () => (await fleet.state("web.1")) === "running");
    const [made] = engine.world.containers.values();
    if (made) engine.world.remove(made);
    await fleet.until(async () => (await fleet.state("web.1")) === "failed");
    expect((await fleet.task("web.1"))?.status?.message).toBe(`its container ${made?.id.slice(0, 12)} is no longer on node a`);
    await fleet.until(async () => (await fleet.containers()).length === 0);
  });

  it("an engine that lost its data: its tasks failed, its objects go", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    for (const name of ["web.1", "web.2"]) await fleet.addTask(name);
    engine.world.create("theirs", body);
    const agents = fleet.agents();
    await agents.round();
    engine.loseData();
    await agents.round();
    expect([await fleet.state("web.1"), await fleet.state("web.2")]).toEqual(["failed", "failed"]);
    expect([await fleet.containers(), engine.world.containers.size]).toEqual([[], 0]);
  });

  it("health: running when it is healthy, failed and stopped when it is unhealthy", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    engine.faults.lie = (call, answer) => {
      const details = answer as ContainerDetails;
      return call === "container inspect" && details.State.Running
        ? { ...details, State: { ...details.State, Health: { Status: "starting" } } }
        : answer;
    };
    await fleet.addTask("web.1", { spec: { healthCheck: { command: ["true"] } } });
    fleet.run();
    await fleet.until(async () => (await fleet.container("web.1"))?.status?.health === "starting");
    expect((await fleet.task("web.1"))?.status).not.toHaveProperty("startedAt");
    expect(await fleet.state("web.1")).toBe("starting");
    const [made] = engine.world.containers.values();
    setHealth(engine, made?.id ?? "", "healthy");
    await fleet.until(async () => (await fleet.state("web.1")) === "running");
    setHealth(engine, made?.id ?? "", "unhealthy");
    await fleet.until(async () => (await fleet.state("web.1")) === "failed");
    await fleet.until(() => made?.state === "exited");
    expect((await fleet.task("web.1"))?.status?.message).toBe("its health check failed");
    expect(fleet.told.find(({ reason }) => reason === "Unhealthy")?.message).toBe("its health check failed: no answer");
  });

  it("missed events are repaired by the next relist, a stream that was cut by a new one", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const theirs = engine.world.create("theirs", body);
    const shown = async () => (await fleet.container(theirs.id.slice(0, 32)))?.status?.state;
    fleet.run();
    await fleet.until(async () => (await shown()) === "created");
    const [listener] = engine.world.listeners;
    if (listener) engine.world.listeners.delete(listener);
    theirs.start();
    await fleet.until(async () => (await shown()) === "running", { leaps: true });
    engine.faults.cutStreams();
    await fleet.until(() => engine.world.listeners.size > 0, { leaps: true });
    await theirs.stop();
    await fleet.until(async () => (await shown()) === "exited");
  });

  it("an older answer never stands over a newer one", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const theirs = engine.world.create("theirs", body);
    const { promise: slow, resolve: go } = Promise.withResolvers<void>();
    let inspects = 0;
    fleet.wrap = (real) => ({
      ...real,
      containers: {
        ...real.containers,
        inspect: async (...given) => {
          const answer = await real.containers.inspect(...given);
          inspects += 1;
          if (inspects === 2) await slow;
          return answer;
        },
      },
    });
    const agents = fleet.run();
    const state = async () => (await fleet.container(theirs.id.slice(0, 32)))?.status?.state;
    await fleet.until(async () => (await state()) === "created");
    const first = agents.look("a", theirs.id);
    await fleet.until(() => inspects === 2);
    theirs.start();
    const second = agents.look("a", theirs.id);
    await Promise.race([second, delay(100)]);
    go();
    await Promise.all([first, second]);
    expect(await state()).toBe("running");
  });

  it("a node that is down: its containers are lost; back again: as they are, and without what is stale", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    engine.world.create("theirs", body);
    for (const name of ["kept", "moved", "gone"]) await fleet.addTask(name);
    const agents = fleet.agents();
    await agents.round();
    await fleet.setNode("a", "down");
    await agents.round();
    const states = async () => (await fleet.containers()).map(({ status }) => status?.state);
    expect(await states()).toEqual(["lost", "lost", "lost", "lost"]);
    expect((await fleet.container("kept"))?.status?.message).toBe("node a is down");
    await fleet.update(({ tasks }) => {
      const moved = tasks.get("moved", "default");
      if (moved) tasks.update({ ...moved, status: { state: "orphaned" } });
      tasks.delete("gone", { namespace: "default" });
    });
    await agents.round();
    expect(await states()).toHaveLength(4);
    await fleet.setNode("a", "ready");
    await agents.round();
    expect([engine.world.containers.size, await states()]).toEqual([2, ["created", "running"]]);
    expect((await fleet.container("kept"))?.status).not.toHaveProperty("message");
    expect(await fleet.problems()).toEqual([]);
  });

  it("a node that was taken away: what people made there stays as lost, and is found when the engine is back, by any name", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    engine.world.create("theirs", body);
    await fleet.addTask("web.1");
    const spec = { nodeName: "a", origin: "user" as const, containerName: "web", image: "busybox" };
    const { container: object } = await fleet.attempts().create({ spec, body, actor: "user", deadlineMs: 1_000 });
    const agents = fleet.agents();
    await agents.round();
    await fleet.update(({ nodes }) => nodes.delete("a"));
    await agents.round();
    expect((await fleet.containers()).map(({ spec: { origin }, status }) => [origin, status?.state])).toEqual([
      ["user", "lost"],
      ["task", "lost"],
    ]);
    await fleet.update(({ tasks }) => tasks.delete("web.1", { namespace: "default" }));
    await agents.round();
    expect(await fleet.containers()).toHaveLength(1);
    await fleet.addNode("b", { address: "tcp://a:2375" });
    await agents.round();
    expect(await fleet.container(object.metadata.name)).toMatchObject({
      spec: { nodeName: "b", containerName: "web" },
      status: { state: "created" },
    });
    expect([...engine.world.containers.values()].map(({ name }) => name).sort()).toEqual(
      [object.spec.attempt?.id, "theirs"].sort(),
    );
  });

  it("one engine registered as two nodes: nothing is removed, and nothing is shown twice", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await fleet.addNode("b", { address: "tcp://a:2375" });
    engine.world.create("theirs", body);
    await fleet.addTask("web.1");
    const agents = fleet.agents();
    await agents.round();
    await agents.round();
    const { revision } = await fleet.store.view(() => undefined);
    await agents.round();
    expect((await fleet.store.view(() => undefined)).revision).toBe(revision);
    expect([engine.world.containers.size, (await fleet.containers()).length]).toEqual([2, 2]);
    expect(await fleet.state("web.1")).toBe("running");
  });

  it("lies are bounded: ids that are none, rows that come twice, no names, more than are shown", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    for (let count = 0; count < 12; count += 1) engine.world.create(undefined, body);
    engine.faults.lie = (call, answer) => {
      if (call !== "container list") return answer;
      const rows = answer as readonly ContainerSummary[];
      return [...rows, ...rows, { ...rows[0], Id: "../../etc" }, { ...rows[0], Names: [] }];
    };
    await fleet.agents({ policy: { containersMax: 10 } }).round();
    expect(await fleet.containers()).toHaveLength(10);
    expect(engine.world.containers.size).toBe(12);
  });

  it("an engine that shows another container than was asked for changes nothing", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    engine.world.create("theirs", body);
    engine.faults.lie = (call, answer) =>
      call === "container inspect" ? { ...(answer as ContainerDetails), Id: "f".repeat(64) } : answer;
    await fleet.agents().round();
    expect(await fleet.containers()).toEqual([]);
  });

  it("a list that leaves containers out takes none of them away: each is asked for", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await fleet.addTask("web.1");
    const agents = fleet.agents();
    await agents.round();
    engine.faults.lie = (call, answer) => (call === "container list" ? [] : answer);
    await agents.round();
    expect(await fleet.state("web.1")).toBe("running");
    expect(await fleet.problems()).toEqual([]);
  });
});
