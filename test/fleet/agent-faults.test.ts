/** Engines that hang, fail or refuse, two agents at once, networks that come and go: nothing is held up, nothing is done twice. */
import { describe, expect, it } from "vitest";
import { moveTask } from "../../shared/fleet/agent/task-state.ts";
import { clusterUidLabel } from "../../shared/fleet/containers/labels.ts";
import type { Rows } from "../../shared/fleet/engine/call.ts";
import type { Engine } from "../../shared/fleet/engine.ts";
import { EngineTimeoutError } from "../../shared/fleet/engine-errors.ts";
import { SimulatedRegistry } from "../../shared/fleet/simulated/registry.ts";
import { networkKind } from "../../shared/kinds/network.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import type { TaskState } from "../../shared/kinds/task.ts";
import { AgentFleet } from "./agent-fleet.ts";

const addNetwork = (fleet: AgentFleet, name: string) =>
  fleet.update(({ networks }) =>
    networks.create({
      apiVersion,
      kind: "Network",
      metadata: { name },
      spec: networkKind.spec.parse({ labels: { tier: "web" } }),
    }),
  );

const failing = (error: Error): Rows<never> => ({
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }),
  close: () => undefined,
});

describe("faults", () => {
  it("an engine that hangs holds no other up, and the round ends in its time", async () => {
    await using fleet = await AgentFleet.open();
    const hanging = await fleet.addNode("a");
    await fleet.addNode("b");
    hanging.faults.set({ kind: "hang" });
    await fleet.addTask("stuck", { node: "a" });
    await fleet.addTask("fine", { node: "b" });
    const round = fleet.agents().round({ ms: 5_000 });
    await fleet.until(async () => (await fleet.state("fine")) === "running");
    fleet.clock.leap(5_000);
    expect(await round).toEqual({ again: true, nodes: 2, failed: [] });
    expect(await fleet.state("stuck")).toBe("assigned");
  });

  it("an engine that can't be reached has failed the round, and its healer is told once it answers again", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const reported: string[] = [];
    const reports = {
      failed: async (_: unknown, error: unknown) => void reported.push((error as Error).name),
      succeeded: async () => void reported.push("well"),
    };
    const agents = fleet.agents({ reports });
    engine.faults.set({ kind: "unreachable" });
    expect(await agents.round()).toEqual({ again: true, nodes: 1, failed: ["a"] });
    engine.faults.set(undefined);
    expect(await agents.round()).toMatchObject({ again: false, failed: [] });
    await agents.round();
    expect(reported).toEqual(["EngineUnreachableError", "well"]);
  });

  it("of a node that is gone nothing is remembered: one of its name that answers is no news", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const reported: string[] = [];
    const reports = { failed: async () => void reported.push("failed"), succeeded: async () => void reported.push("well") };
    const agents = fleet.agents({ reports });
    engine.faults.set({ kind: "unreachable" });
    await agents.round();
    await fleet.update(({ nodes }) => nodes.delete("a"));
    await agents.round();
    engine.faults.set(undefined);
    await fleet.addNode("a");
    await agents.round();
    expect(reported).toEqual(["failed"]);
  });

  it("what fails in passing is tried again after a while, and people are told", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    engine.faults.set({ kind: "unreachable" }, (call) => call === "container create");
    await fleet.addTask("web.1");
    fleet.run();
    await fleet.until(() => fleet.reasons("web.1").includes("BackOff"));
    expect(fleet.told.at(-1)?.message).toMatch(/^Back-off 1s before another try to prepare it: engine .* can't be reached/);
    engine.faults.set(undefined);
    await fleet.until(async () => (await fleet.state("web.1")) === "running", { leaps: true });
    expect(await fleet.problems()).toEqual([]);
  });

  it("a create that failed inside the engine, done or not: the task is rejected and nothing is left", async () => {
    for (const afterwards of [false, true]) {
      await using fleet = await AgentFleet.open();
      const engine = await fleet.addNode("a");
      engine.faults.set(
        { kind: "failing", status: 500, message: "no space left", afterwards },
        (call) => call === "container create",
      );
      await fleet.addTask("web.1");
      const agents = fleet.agents();
      await agents.round();
      expect((await fleet.task("web.1"))?.status).toMatchObject({
        state: "rejected",
        message: "its container could not be made: no space left",
      });
      await agents.round();
      expect([engine.world.containers.size, await fleet.containers()]).toEqual([0, []]);
    }
  });

  it("an engine that does not answer a pull refuses nothing: it is tried again; one whose pull falls silent has failed it", async () => {
    await using fleet = await AgentFleet.open();
    const registry = new SimulatedRegistry("127.0.0.1:5000");
    const engine = await fleet.addNode("a", { registries: [registry] });
    registry.put("127.0.0.1:5000/app:1", engine.world.image("busybox"));
    const spec = { image: "127.0.0.1:5000/app:1" };
    engine.faults.set({ kind: "hang" }, (call) => call === "image pull");
    await fleet.addTask("web.1", { spec });
    fleet.run();
    await fleet.until(() => fleet.reasons("web.1").includes("BackOff"), { leaps: true });
    expect(await fleet.state("web.1")).toBe("preparing");
    engine.faults.set(undefined);
    await fleet.until(async () => (await fleet.state("web.1")) === "running", { leaps: true });
    const silent = new EngineTimeoutError("tcp://a:2375", "silence of image pull", 120_000);
    fleet.wrap = (inner) => ({ ...inner, transfers: { ...inner.transfers, pull: async () => failing(silent) } });
    await fleet.addTask("web.2", { spec: { image: "127.0.0.1:5000/app:2" } });
    await fleet.until(async () => (await fleet.state("web.2")) === "rejected");
    expect((await fleet.task("web.2"))?.status?.message).toContain("silence of image pull");
  });

  it("an attempt that waits for its turn, or is taken up late, is made with all of its time before its deadline", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    const left: number[] = [];
    const gate = Promise.withResolvers<void>();
    fleet.wrap = (inner) => ({
      ...inner,
      containers: {
        ...inner.containers,
        create: async (options, call) => {
          const made = (await fleet.containers()).find(({ spec }) => spec.attempt?.id === options.name);
          left.push(Date.parse(made?.spec.attempt?.deadline ?? "") - fleet.clock.now());
          await gate.promise;
          return await inner.containers.create(options, call);
        },
      },
    });
    await fleet.addTask("web.1");
    await fleet.addTask("web.2");
    fleet.run(fleet.agents({ policy: { callsMax: 1 } }));
    await fleet.until(async () => left.length === 1 && (await fleet.containers()).length === 2);
    fleet.clock.leap(70_000);
    gate.resolve();
    const states = () => Promise.all(["web.1", "web.2"].map((name) => fleet.state(name)));
    await fleet.until(async () => (await states()).every((state) => state === "running"));
    expect(left.map((ms) => ms > 62_000)).toEqual([true, true]);
    expect(await fleet.problems()).toEqual([]);
  });

  it("an attempt that somebody else has replaced while it waited is not made", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    const made: string[] = [];
    const gate = Promise.withResolvers<void>();
    const gated = (inner: Engine): Engine => ({
      ...inner,
      containers: {
        ...inner.containers,
        create: async (options, call) => {
          made.push(options.name ?? "");
          await gate.promise;
          return await inner.containers.create(options, call);
        },
      },
    });
    fleet.wrap = gated;
    await fleet.addTask("web.1");
    await fleet.addTask("web.2");
    fleet.run(fleet.agents({ policy: { callsMax: 1 } }));
    await fleet.until(async () => made.length === 1 && (await fleet.containers()).length === 2);
    const waiting = (await fleet.containers()).find(({ spec }) => spec.attempt?.id !== made[0]);
    fleet.clock.leap(70_000);
    fleet.wrap = (inner) => inner;
    await fleet.agents().round();
    expect(await fleet.problems()).toEqual([]);
    gate.resolve();
    fleet.wrap = gated;
    await fleet.agents().round();
    await fleet.until(async () => (await fleet.problems()).length === 0);
    expect(made).not.toContain(waiting?.spec.attempt?.id);
  });

  it("answers that are lost: each task still has one container", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    for (let number = 1; number <= 5; number += 1) await fleet.addTask(`web.${number}`);
    engine.faults.set({ kind: "cut" }, (call) => call === "container create" || call === "container start");
    fleet.run();
    await fleet.until(() => fleet.told.filter(({ reason }) => reason === "BackOff").length >= 5);
    engine.faults.set(undefined);
    const all = async () => (await fleet.store.view(({ tasks }) => tasks.find())).value;
    await fleet.until(async () => (await all()).every(({ status }) => status?.state === "running"), { leaps: true });
    expect(engine.world.containers.size).toBe(5);
    expect(await fleet.problems()).toEqual([]);
  });

  it("two agents at once do no harm: one container a task, started once, stopped once", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const starts: string[] = [];
    engine.world.listeners.add(({ Action, Actor }) => void (Action === "start" && starts.push(Actor.ID)));
    fleet.run();
    fleet.run();
    for (let number = 1; number <= 20; number += 1) await fleet.addTask(`web.${number}`);
    const all = async () => (await fleet.store.view(({ tasks }) => tasks.find())).value;
    await fleet.until(async () => (await all()).every(({ status }) => status?.state === "running"), { leaps: true });
    expect(engine.world.containers.size).toBe(20);
    expect(new Set(starts).size).toBe(starts.length);
    for (let number = 1; number <= 20; number += 1) await fleet.setDesired(`web.${number}`, "shutdown");
    await fleet.until(async () => (await all()).every(({ status }) => status?.state === "shutdown"), { leaps: true });
    expect(await fleet.problems()).toEqual([]);
  });

  it("an engine that says yes and does nothing is not asked again and again", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    await fleet.addTask("web.1");
    const agents = fleet.agents();
    await agents.round();
    const stops: string[] = [];
    fleet.wrap = (real) => ({ ...real, runs: { ...real.runs, stop: async (id) => void stops.push(id) } });
    await fleet.setDesired("web.1", "shutdown");
    expect(await agents.round()).toMatchObject({ again: true });
    expect([stops.length, await fleet.state("web.1")]).toEqual([1, "running"]);
    fleet.wrap = (real) => real;
    await agents.round();
    expect(await fleet.state("web.1")).toBe("shutdown");
  });

  it("a node that is not ready or not accepted is left alone; one that becomes ready is taken up", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await fleet.setNode("a", "disconnected");
    await fleet.addTask("web.1");
    fleet.run();
    expect(await fleet.agents().round()).toMatchObject({ nodes: 0 });
    expect(engine.world.containers.size).toBe(0);
    await fleet.setNode("a", "ready");
    await fleet.until(async () => (await fleet.state("web.1")) === "running");
  });

  it("nothing is done on a node before it is known what its engine has", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const { promise: listed, resolve: list } = Promise.withResolvers<void>();
    await fleet.addNode("b");
    fleet.wrap = (real) => {
      const { containers } = real;
      const later: typeof containers.list = async (...given) => {
        await listed;
        return await containers.list(...given);
      };
      return real.address === "tcp://a:2375" ? { ...real, containers: { ...containers, list: later } } : real;
    };
    fleet.run();
    await fleet.addTask("here", { node: "a" });
    await fleet.addTask("there", { node: "b" });
    // What is heard of one is heard of the other.
    await fleet.until(async () => (await fleet.state("there")) === "running");
    await fleet.addTask("there.2", { node: "b" });
    await fleet.until(async () => (await fleet.state("there.2")) === "running");
    expect(engine.world.containers.size).toBe(0);
    list();
    await fleet.until(() => engine.world.containers.size === 1);
  });

  it("a task's state only moves forward", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addTask("web.1", { state: "running" });
    const move = (state: TaskState) =>
      fleet.update((transaction) => {
        const task = transaction.tasks.get("web.1", "default");
        if (task) moveTask(transaction, task, { state });
      });
    for (const [to, expected] of [
      ["starting", "running"],
      ["failed", "failed"],
      ["running", "failed"],
      ["orphaned", "failed"],
    ] as const) {
      await move(to);
      expect(await fleet.state("web.1")).toBe(expected);
    }
  });

  it("a task that moved to another node is no business of the one it was on", async () => {
    await using fleet = await AgentFleet.open();
    const [here, there] = [await fleet.addNode("a"), await fleet.addNode("b")];
    await fleet.addTask("web.1", { node: "a" });
    const agents = fleet.agents();
    await agents.round({ nodeName: "b" });
    expect([here.world.containers.size, there.world.containers.size]).toEqual([0, 0]);
    await agents.round({ nodeName: "a" });
    expect([here.world.containers.size, there.world.containers.size]).toEqual([1, 0]);
  });

  it("an assigned task's container is there within moments", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    fleet.run();
    await fleet.until(() => engine.world.listeners.size > 0);
    const startedMs = performance.now();
    await fleet.addTask("web.1");
    await fleet.until(() => engine.world.containers.size === 1);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});

describe("networks", () => {
  it("are made for the tasks of a node that need them, and go with the last of these", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    for (const name of ["front", "back"]) await addNetwork(fleet, name);
    for (const name of ["web.1", "web.2"]) await fleet.addTask(name, { spec: { networks: ["front", "back"] } });
    const agents = fleet.agents();
    await agents.round();
    const names = () => [...engine.world.networks.values()].map(({ network }) => network.Name).sort();
    expect(names()).toEqual(["back", "front"]);
    const [made] = engine.world.containers.values();
    expect(made?.hostConfig["NetworkMode"]).toBe("front");
    expect(made?.networks.get("back")).toEqual({ Aliases: ["web.1"] });
    expect([...engine.world.networks.values()][0]?.network.Labels).toEqual({
      tier: "web",
      [clusterUidLabel]: fleet.store.uid,
      "windlass.dev/network-spec": expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    await fleet.setDesired("web.1", "shutdown");
    await agents.round();
    await agents.round();
    expect(names()).toEqual(["back", "front"]);
    await fleet.update(({ tasks }) => ["web.1", "web.2"].map((name) => tasks.delete(name, { namespace: "default" })));
    await agents.round();
    await agents.round();
    expect(names()).toEqual([]);
  });

  it("go with the last container of a node that is being removed, before its object does: nobody looks after it then", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await addNetwork(fleet, "front");
    await fleet.addTask("web.1", { spec: { networks: ["front"] } });
    const agents = fleet.agents();
    await agents.round();
    await fleet.update(({ nodes, tasks }) => {
      const node = nodes.get("a");
      const metadata = { finalizers: ["example.com/hold"], deletionTimestamp: "2030-01-01T00:00:00Z" };
      if (node) nodes.update({ ...node, metadata: { ...node.metadata, ...metadata } });
      tasks.delete("web.1", { namespace: "default" });
    });
    const networksLeft: number[] = [];
    fleet.wrap = (open) => ({
      ...open,
      networks: {
        ...open.networks,
        remove: async (...given) => {
          networksLeft.push((await fleet.containers()).length);
          await open.networks.remove(...given);
        },
      },
    });
    await agents.round();
    expect([engine.world.containers.size, engine.world.networks.size]).toEqual([0, 0]);
    expect(networksLeft[0]).toBe(1);
  });

  it("one whose object changed is told of while tasks of the node need it, and is made anew for the next after these", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await addNetwork(fleet, "front");
    await fleet.addTask("web.1", { spec: { networks: ["front"] } });
    const agents = fleet.agents();
    await agents.round();
    const network = () => [...engine.world.networks.values()][0]?.network;
    const former = network()?.Id;
    await fleet.update(({ networks }) => {
      const current = networks.get("front");
      if (current !== undefined) networks.update({ ...current, spec: { ...current.spec, internal: true } });
    });
    const outdated = () => fleet.told.filter(({ reason }) => reason === "Outdated");
    await agents.round();
    expect(outdated()).toMatchObject([
      {
        involvedObject: { kind: "Network", name: "front" },
        message: "Node a keeps it as it was until no task of the node needs it",
      },
    ]);
    await fleet.addTask("web.2", { spec: { networks: ["front"] } });
    await agents.round();
    expect([network()?.Id, (await fleet.task("web.2"))?.status?.state]).toEqual([former, "running"]);
    for (const name of ["web.1", "web.2"]) await fleet.setDesired(name, "shutdown");
    await agents.round();
    await fleet.update(({ tasks }) => ["web.1", "web.2"].map((name) => tasks.delete(name, { namespace: "default" })));
    await fleet.addTask("web.3", { spec: { networks: ["front"] } });
    const before = outdated().length;
    await agents.round();
    await agents.round();
    expect(network()).toMatchObject({ Name: "front", Internal: true });
    expect([network()?.Id === former, (await fleet.task("web.3"))?.status?.state]).toEqual([false, "running"]);
    expect(outdated()).toHaveLength(before);
  });

  it("one that is not known, or not this cluster's, rejects the task", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await engine.open().networks.create({ Name: "theirs" });
    await addNetwork(fleet, "theirs");
    await fleet.addTask("one", { spec: { networks: ["unknown"] } });
    await fleet.addTask("other", { spec: { networks: ["theirs"] } });
    const agents = fleet.agents();
    await agents.round();
    expect((await fleet.task("one"))?.status).toMatchObject({ state: "rejected", message: "there is no network unknown" });
    expect((await fleet.task("other"))?.status?.message).toBe("node a has a network theirs that is not this cluster's");
    await agents.round();
    expect(engine.world.networks.size).toBe(1);
  });
});
