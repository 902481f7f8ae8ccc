/** The agents on real engines: tasks run, end, are unhealthy and stopped, publish ports; others' containers stay; restarts leave nothing stale. */

import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { Agents } from "../../shared/fleet/agent/agents.ts";
import { needsLook } from "../../shared/fleet/agent/summary.ts";
import { Attempts } from "../../shared/fleet/containers/attempts.ts";
import { attemptLabel, clusterUidLabel } from "../../shared/fleet/containers/labels.ts";
import { openDockerEngine } from "../../shared/fleet/docker/open.ts";
import type { Engine } from "../../shared/fleet/engine.ts";
import { NodeEngines } from "../../shared/fleet/nodes/engines.ts";
import type { Container } from "../../shared/kinds/container.ts";
import { networkKind } from "../../shared/kinds/network.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { type Task, type TaskState, taskKind } from "../../shared/kinds/task.ts";
import type { Store } from "../../shared/state/store.ts";
import { runsForReal } from "../fleet/commands.ts";
import { noSecrets } from "../fleet/map-secrets.ts";
import { openStore, type Watched, watchedPorts } from "../state/watched-ports.ts";
import { RealEngine } from "./real-engine.ts";
import { Registry } from "./registry.ts";
import { canStartEngines } from "./requirements.ts";

const byUser = { actor: "user" };
const waitMsMax = 30_000;

describe.skipIf(!canStartEngines())("agents on real engines", () => {
  let engines: readonly RealEngine[] = [];
  let ports: Watched;
  let store: Store;
  let opened: NodeEngines;
  let agents: Agents;
  const stop = new AbortController();
  let running: Promise<void> = Promise.resolve();

  beforeAll(async () => {
    ports = await watchedPorts();
    store = openStore(ports, systemClock);
    opened = new NodeEngines({ open: openDockerEngine, secrets: noSecrets, clock: systemClock });
    const shared = { store, engines: opened, clock: systemClock, ids: systemIds, logger: silentLogger };
    agents = new Agents({ ...shared, cells: ports.cells, secrets: noSecrets, policy: { relistMs: 3_000 } });
    // One after the other: engines that start at once take each other's firewall rules away.
    engines = [await RealEngine.start(), await RealEngine.start()];
    await store.update(({ nodes, networks }) => {
      for (const [index, name] of ["a", "b"].entries()) {
        const spec = nodeKind.spec.parse({ address: engines[index]?.address });
        nodes.create({ apiVersion, kind: "Node", metadata: { name }, spec, status: { state: "ready" } });
      }
      networks.create({ apiVersion, kind: "Network", metadata: { name: "front" }, spec: networkKind.spec.parse({}) });
    }, byUser);
    running = agents.run(stop.signal);
  });
  afterAll(async () => {
    stop.abort();
    await running;
    store?.close();
    await opened?.[Symbol.asyncDispose]();
    await Promise.all(engines.map((engine) => engine.stop()));
  });

  const addTask = (name: string, node: string, spec: object = {}) =>
    store.update(({ tasks }) => {
      const template = { spec: { image: "busybox", command: runsForReal, stopGracePeriod: "2s", ...spec } };
      const parsed = taskKind.spec.parse({ nodeName: node, serviceName: "web", template });
      tasks.create({
        apiVersion,
        kind: "Task",
        metadata: { name, namespace: "default" },
        spec: parsed,
        status: { state: "assigned" },
      });
    }, byUser);
  const setDesired = (name: string, desiredState: TaskState) =>
    store.update(({ tasks }) => {
      const task = tasks.get(name, "default");
      if (task) tasks.update({ ...task, spec: { ...task.spec, desiredState } });
    }, byUser);
  const taskOf = async (name: string): Promise<Task | undefined> =>
    (await store.view(({ tasks }) => tasks.get(name, "default"))).value;
  const objectOf = async (name: string): Promise<Container | undefined> =>
    (await store.view(({ containers }) => containers.get(name, "default"))).value;
  const engineOf = (index: number): Promise<Engine> => {
    const engine = engines[index];
    if (engine === undefined) throw new Error("the engine did not start");
    return engine.open();
  };
  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + waitMsMax;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error(`${what}: ${JSON.stringify((await store.save()).objects)}`);
      await delay(20);
    }
  }
  const untilState = (name: string, state: TaskState) =>
    until(`${name} is ${state}`, async () => (await taskOf(name))?.status?.state === state);

  it("a task runs, in its network, with its ports, limits and environment; it is stopped, and goes", async () => {
    await addTask("web.1", "a", {
      networks: ["front"],
      ports: [{ containerPort: 8080 }],
      env: { GREETING: "hello" },
      resources: { limits: { cpus: 0.5, memory: "32Mi" } },
      mounts: [{ type: "tmpfs", target: "/scratch" }],
      hostname: "web",
      workingDir: "/tmp",
      healthCheck: { command: ["true"], interval: "200ms", timeout: "5s" },
    });
    await untilState("web.1", "running");
    const object = await objectOf("web.1");
    expect(object?.status).toMatchObject({
      state: "running",
      health: "healthy",
      networks: { front: expect.stringMatching(/^\d+\./) },
      ports: expect.arrayContaining([{ containerPort: 8080, protocol: "tcp", hostPort: expect.any(Number), hostIp: "0.0.0.0" }]),
      command: expect.stringContaining("sh -c"),
    });
    await using engine = await engineOf(0);
    const details = await engine.containers.inspect(object?.status?.containerId ?? "");
    expect(details.Config).toMatchObject({ Hostname: "web", WorkingDir: "/tmp" });
    expect(details.Config["Env"]).toContain("GREETING=hello");
    expect(details.HostConfig).toMatchObject({ NanoCpus: 5e8, Memory: 32 * 2 ** 20, RestartPolicy: { Name: "no" } });
    await setDesired("web.1", "shutdown");
    await untilState("web.1", "shutdown");
    expect(await objectOf("web.1")).toMatchObject({ status: { state: "exited", exitCode: 0 } });
    await store.update(({ tasks }) => tasks.delete("web.1", { namespace: "default" }), byUser);
    await until("container and network are gone", async () => {
      const [containers, networks] = [
        await engine.containers.list({ all: true }),
        await engine.networks.list({ label: [clusterUidLabel] }),
      ];
      return containers.length === 0 && networks.length === 0 && (await objectOf("web.1")) === undefined;
    });
  });

  it("tasks that end, that can't start, that are unhealthy: each says so", async () => {
    await addTask("done", "b", { command: ["true"] });
    await addTask("broken", "b", { command: ["sh", "-c", "sleep 0.3; exit 7"] });
    await addTask("nonsense", "b", { command: ["nonsense"] });
    await addTask("imageless", "b", { image: "127.0.0.1:9/none:1" });
    await addTask("sick", "b", {
      healthCheck: { command: ["sh", "-c", "echo no; false"], interval: "100ms", timeout: "5s", retries: 1 },
    });
    await Promise.all([
      untilState("done", "complete"),
      untilState("broken", "failed"),
      untilState("nonsense", "failed"),
      untilState("imageless", "rejected"),
      untilState("sick", "failed"),
    ]);
    expect((await taskOf("broken"))?.status).toMatchObject({ exitCode: 7, message: "its command ended with exit code 7" });
    expect((await taskOf("nonsense"))?.status?.message).toMatch(/^its container could not be started: .*nonsense/);
    expect((await taskOf("imageless"))?.status?.message).toMatch(/^Failed to pull image "127.0.0.1:9\/none:1": /);
    expect((await taskOf("sick"))?.status?.message).toBe("its health check failed");
    await until("the sick one is stopped", async () => (await objectOf("sick"))?.status?.state === "exited");
  });

  it("others' containers are shown as they are and stay", async () => {
    await using engine = await engineOf(1);
    const { Id } = await engine.containers.create({ name: "theirs", body: { Image: "busybox", Cmd: runsForReal } });
    const name = Id.slice(0, 32);
    const shown = async (state: string) => (await objectOf(name))?.status?.state === state;
    await until("it is shown", () => shown("created"));
    await engine.runs.start(Id);
    await until("it runs", () => shown("running"));
    expect(await objectOf(name)).toMatchObject({ spec: { origin: "foreign", nodeName: "b" }, status: { engineName: "theirs" } });
    await engine.runs.pause(Id);
    await until("it is paused", () => shown("paused"));
    await engine.containers.remove(Id, { force: true });
    await until("it is gone", async () => (await objectOf(name)) === undefined);
  });

  it("a container of people is made once; its name is taken in the whole cluster; without its object it goes", async () => {
    const attempts = new Attempts({ store, engines: opened, clock: systemClock, ids: systemIds, logger: silentLogger });
    const spec = { nodeName: "a", origin: "user" as const, containerName: "mine", image: "busybox" };
    const request = { spec, body: { Image: "busybox", Cmd: runsForReal }, actor: "user", deadlineMs: 10_000 };
    const { container: object } = await attempts.create(request);
    await expect(attempts.create({ ...request, spec: { ...spec, nodeName: "b" } })).rejects.toMatchObject({
      name: "NameInUseError",
    });
    await using engine = await engineOf(0);
    await engine.runs.start(object.status?.containerId ?? "");
    await agents.look("a", object.status?.containerId ?? "");
    expect((await objectOf(object.metadata.name))?.status?.state).toBe("running");
    await store.update(({ containers }) => containers.delete(object.metadata.name, { namespace: "default" }), byUser);
    await until("it is removed", async () => (await engine.containers.list({ all: true })).length === 0);
  });

  it("an image that the node has not is pulled from its registry", async () => {
    await using registry = await Registry.start();
    await using engine = await engineOf(1);
    await engine.images.tag("busybox", { repo: `${registry.host}/app`, tag: "1" });
    for await (const _ of await engine.transfers.push({ reference: `${registry.host}/app:1` }));
    await engine.images.remove(`${registry.host}/app:1`);
    await addTask("pulled", "a", { image: `${registry.host}/app:1` });
    await untilState("pulled", "running");
    expect((await objectOf("pulled"))?.spec.image).toBe(`${registry.host}/app:1`);
  });

  it("at rest no row of docker ps asks for another look", async () => {
    await addTask("quiet", "b", { ports: [{ containerPort: 80 }], networks: ["front"] });
    await untilState("quiet", "running");
    await using engine = await engineOf(1);
    await until("all is shown as it is", async () => {
      const rows = await engine.containers.list({ all: true });
      const { value: objects } = await store.view(({ containers }) => containers.find());
      const known = new Map(objects.map((object) => [object.status?.containerId, object]));
      return rows.length > 1 && rows.every((row) => !needsLook(row, known.get(row.Id), Date.now()));
    });
  });

  it("killed and run again: what is current goes on or is told, what is stale goes, what is foreign stays", async () => {
    const [real] = engines;
    await addTask("survivor", "a");
    await untilState("survivor", "running");
    const stale = `wl-${"ab".repeat(12)}`;
    await real?.kill();
    await real?.run();
    {
      await using engine = await engineOf(0);
      const Labels = { [clusterUidLabel]: store.uid, [attemptLabel]: stale };
      await engine.containers.create({ name: stale, body: { Image: "busybox", Cmd: runsForReal, Labels } });
      await engine.containers.create({ name: "foreign", body: { Image: "busybox", Cmd: runsForReal } });
      const names = async () => (await engine.containers.list({ all: true })).flatMap(({ Names }) => Names);
      await until("the stale one is removed", async () => !(await names()).includes(`/${stale}`));
      expect(await names()).toContain("/foreign");
      // Its container ended with its engine: the task says so, and its container is its history.
      await until("the task has ended", async () =>
        ["complete", "failed"].includes((await taskOf("survivor"))?.status?.state ?? ""),
      );
    }
    await addTask("afterwards", "a");
    await untilState("afterwards", "running");
    await real?.wipe();
    await real?.run();
    await untilState("afterwards", "failed");
    await until(
      "only what is there is shown",
      async () => (await objectOf("afterwards")) === undefined && (await objectOf("survivor")) === undefined,
    );
  });
});
