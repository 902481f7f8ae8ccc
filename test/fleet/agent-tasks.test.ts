/** A node's agent brings tasks through their states, in rounds and with a life of its own. */
import { describe, expect, it } from "vitest";
import type { StopOptions } from "../../shared/fleet/engine/runs.ts";
import { SimulatedRegistry } from "../../shared/fleet/simulated/registry.ts";
import { AgentFleet } from "./agent-fleet.ts";
import { runs } from "./commands.ts";

describe("tasks", () => {
  it("one round: an assigned task runs, its object and its events say so", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await fleet.addTask("web.1");
    expect(await fleet.agents().round()).toEqual({ again: false, nodes: 1, failed: [] });
    const [made] = engine.world.containers.values();
    const [task, container] = [await fleet.task("web.1"), await fleet.container("web.1")];
    expect(task?.status).toMatchObject({ state: "running", containerId: made?.id, startedAt: expect.any(String) });
    expect(container?.spec).toMatchObject({ nodeName: "a", origin: "task", taskName: "web.1", containerName: "web.1" });
    expect(container?.status).toMatchObject({ state: "running", containerId: made?.id, engineName: made?.name });
    expect(made?.name).toBe(container?.spec.attempt?.id);
    expect(made?.labels).toMatchObject({
      "windlass.dev/cluster-uid": fleet.store.uid,
      "windlass.dev/attempt": made?.name,
      "windlass.dev/task": `${task?.metadata.uid}/default/web.1`,
      "windlass.dev/container": "default/web.1",
    });
    expect(fleet.reasons("web.1")).toEqual(["Created", "Started"]);
    expect(await fleet.problems()).toEqual([]);
  });

  it("a round that finds nothing new commits nothing", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    engine.world.create("theirs", { Image: "busybox", Cmd: runs }).start();
    await fleet.addTask("web.1");
    const agents = fleet.agents();
    await agents.round();
    const { revision } = await fleet.store.view(() => undefined);
    fleet.clock.leap(3_600_000);
    expect(await agents.round()).toMatchObject({ again: false });
    expect((await fleet.store.view(() => undefined)).revision).toBe(revision);
  });

  it("many tasks of a node go on together: few entries for all of them", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    for (let number = 1; number <= 40; number += 1) await fleet.addTask(`web.${number}`);
    const { revision } = await fleet.store.view(() => undefined);
    await fleet.agents().round();
    expect(engine.world.containers.size).toBe(40);
    expect((await fleet.store.view(() => undefined)).revision - revision).toBeLessThan(40);
    expect(await fleet.problems()).toEqual([]);
  });

  it("ready: a container that waits; running: it starts", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await fleet.addTask("web.1", { desired: "ready" });
    const agents = fleet.agents();
    await agents.round();
    const [made] = engine.world.containers.values();
    expect([await fleet.state("web.1"), made?.state]).toEqual(["ready", "created"]);
    await fleet.setDesired("web.1", "running");
    await agents.round();
    expect([await fleet.state("web.1"), made?.state, engine.world.containers.size]).toEqual(["running", "running", 1]);
  });

  it("what ends by itself is complete or failed, with its exit code; its container stays until the task goes", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await fleet.addTask("good", { spec: { command: ["true"] } });
    await fleet.addTask("bad", { spec: { command: ["sh", "-c", "exit 3"] } });
    fleet.run();
    await fleet.until(async () => (await fleet.state("good")) === "complete" && (await fleet.state("bad")) === "failed");
    expect((await fleet.task("good"))?.status).toMatchObject({ exitCode: 0 });
    expect((await fleet.task("bad"))?.status).toMatchObject({ exitCode: 3, message: "its command ended with exit code 3" });
    expect(engine.world.containers.size).toBe(2);
    await fleet.update(({ tasks }) => tasks.delete("bad", { namespace: "default" }));
    await fleet.until(() => engine.world.containers.size === 1);
    await fleet.until(async () => (await fleet.problems()).length === 0);
    expect((await fleet.containers()).map(({ metadata }) => metadata.name)).toEqual(["good"]);
  });

  it("shutdown: it is stopped with its grace period, and the task is shut down whatever its command ended with", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    await fleet.addTask("polite");
    await fleet.addTask("deaf", { spec: { command: ["sh", "-c", "while true; do sleep 3600; done"], stopGracePeriod: "7s" } });
    fleet.run();
    await fleet.until(async () => (await fleet.state("polite")) === "running" && (await fleet.state("deaf")) === "running");
    const before = fleet.clock.now();
    for (const name of ["polite", "deaf"]) await fleet.setDesired(name, "shutdown");
    await fleet.until(async () => (await fleet.state("polite")) === "shutdown");
    await fleet.until(async () => (await fleet.state("deaf")) === "shutdown", { leaps: true });
    expect(fleet.clock.now() - before).toBeGreaterThanOrEqual(7_000);
    expect((await fleet.task("deaf"))?.status?.exitCode).toBe(137);
    expect(fleet.reasons("deaf")).toContain("Killing");
  });

  it("a container whose task is gone is stopped with its own grace period, and its engine waited for as long", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    const stops: (StopOptions | undefined)[] = [];
    fleet.wrap = (opened) => ({
      ...opened,
      runs: {
        ...opened.runs,
        stop: (id, options, call) => {
          stops.push(options);
          return opened.runs.stop(id, options, call);
        },
      },
    });
    await fleet.addTask("web.1", { spec: { stopGracePeriod: "45s" } });
    await fleet.agents().round();
    expect(await fleet.state("web.1")).toBe("running");
    await fleet.update(({ tasks }) => tasks.delete("web.1", { namespace: "default" }));
    await fleet.agents().round();
    expect([stops, engine.world.containers.size]).toEqual([[{ graceSeconds: 45 }], 0]);
  });

  it("a task that is shut down before it has a container gets none", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await fleet.addTask("web.1", { desired: "shutdown" });
    await fleet.agents().round();
    expect([await fleet.state("web.1"), engine.world.containers.size]).toEqual(["shutdown", 0]);
  });

  it("a task that is not assigned gets none", async () => {
    await using fleet = await AgentFleet.open();
    const engine = await fleet.addNode("a");
    await fleet.addTask("web.1", { state: "pending" });
    await fleet.agents().round();
    expect([await fleet.state("web.1"), engine.world.containers.size]).toEqual(["pending", 0]);
  });

  it("rejected with the engine's words: no such command is failed, no such image rejected", async () => {
    await using fleet = await AgentFleet.open();
    await fleet.addNode("a");
    await fleet.addTask("command", { spec: { command: ["nonsense"] } });
    await fleet.addTask("image", { spec: { image: "127.0.0.1:9/none:1" } });
    await fleet.addTask("reference", { spec: { image: "a//b" } });
    await fleet.agents().round();
    expect((await fleet.task("command"))?.status).toMatchObject({
      state: "failed",
      message: expect.stringMatching(/^its container could not be started: .*exec: "nonsense"/),
    });
    expect((await fleet.task("image"))?.status).toMatchObject({
      state: "rejected",
      message: expect.stringMatching(/^Failed to pull image "127.0.0.1:9\/none:1": .*connection refused/),
    });
    expect((await fleet.task("reference"))?.status).toMatchObject({
      state: "rejected",
      message: expect.stringContaining("invalid reference format"),
    });
    expect(fleet.reasons("image")).toEqual(["Pulling", "Failed"]);
    expect(await fleet.problems()).toEqual([]);
  });

  it("an image that is not there is pulled, with the secret's credentials; one without its secret is rejected", async () => {
    await using fleet = await AgentFleet.open();
    const registry = new SimulatedRegistry("127.0.0.1:5000");
    const engine = await fleet.addNode("a", { registries: [registry] });
    registry.put("127.0.0.1:5000/app:1", engine.world.image("busybox"));
    registry.credentials = { username: "me", password: "secret" };
    const image = "127.0.0.1:5000/app:1";
    await fleet.addTask("secretless", { spec: { image } });
    await fleet.addTask("missing", { spec: { image, pullSecretRef: { name: "nobody" } } });
    await fleet.agents().round();
    expect((await fleet.task("secretless"))?.status?.message).toContain("no basic auth credentials");
    expect((await fleet.task("missing"))?.status).toMatchObject({ state: "rejected", message: "there is no secret nobody" });
    await fleet.addTask("named", { spec: { image, pullSecretRef: { name: "registry" } } });
    await fleet.agents().round();
    expect(await fleet.state("named")).toBe("running");
    expect(fleet.reasons("named")).toEqual(["Pulling", "Pulled", "Created", "Started"]);
    expect(JSON.stringify([await fleet.containers(), fleet.told])).not.toContain('"secret"');
  });

  it("latest is pulled anew where it came from a registry, and used as it is when that fails", async () => {
    await using fleet = await AgentFleet.open();
    const registry = new SimulatedRegistry("127.0.0.1:5000");
    const engine = await fleet.addNode("a", { registries: [registry] });
    const image = "127.0.0.1:5000/app";
    registry.put(`${image}:latest`, engine.world.image("busybox"));
    for await (const _ of await engine.open().transfers.pull({ reference: image }));
    await fleet.addTask("anew", { spec: { image } });
    await fleet.agents().round();
    expect(fleet.reasons("anew")).toEqual(["Pulling", "Pulled", "Created", "Started"]);
    engine.faults.set({ kind: "failing", status: 500, message: "registry is gone" }, (call) => call === "image pull");
    await fleet.addTask("offline", { spec: { image } });
    await fleet.agents().round();
    expect(await fleet.state("offline")).toBe("running");
    expect(fleet.reasons("offline")).toEqual(["Pulling", "Failed", "Created", "Started"]);
  });
});
