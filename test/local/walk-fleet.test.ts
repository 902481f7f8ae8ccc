/**
 * The README's walk through a fleet: the embedded host, kubectl and docker as they are typed, and three real engines. What one test leaves
 * the next one finds.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clusterUidLabel, taskLabel } from "../../shared/fleet/containers/labels.ts";
import { RealEngine } from "../docker/real-engine.ts";
import { canStartEngines } from "../docker/requirements.ts";
import { type Kubectl, kubectls, type } from "./kubectl.ts";
import { Server } from "./server.ts";
import { fleet } from "./walks.ts";

const run = promisify(execFile);
const [found] = (await kubectls()).filter(({ version }) => !version.startsWith("v1.20."));
/** Ample for two busy cores: a killed engine is given up after half a minute. */
const waitSeconds = 150;
const testMs = 2 * waitSeconds * 1_000;
const names = ["node-a", "node-b", "node-c"] as const;

describe.skipIf(found === undefined || !canStartEngines())("the walk through a fleet", () => {
  const kubectl = found as Kubectl;
  let folder: string;
  let server: Server;
  let file: string;
  const engines: RealEngine[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "windlass-"));
    for (const _ of names) engines.push(await RealEngine.start());
    server = await Server.start(path.join(folder, "data"), { fleet: "on" });
    file = path.join(folder, "fleet.yaml");
    const text = await readFile(fleet, "utf8");
    const ports = ["2375", "2376", "2377"];
    const own = ports.reduce((all, port, index) => all.replace(`tcp://127.0.0.1:${port}`, engines[index]?.address ?? ""), text);
    await writeFile(file, own);
  });
  afterAll(async () => {
    await server?.end();
    await Promise.all(engines.map((engine) => engine.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  const out = async (...words: readonly string[]): Promise<string> => {
    const { code, out: text, err } = await type(kubectl, server.kubeconfig, ...words);
    expect([words.join(" "), code, code === 0 ? "" : err]).toEqual([words.join(" "), 0, ""]);
    return text;
  };
  const until = (...words: readonly string[]) => out("wait", ...words, `--timeout=${waitSeconds}s`);
  /** Over plain HTTP, which is for this machine only; with --tlsverify first as from elsewhere. */
  const docker = async (...words: readonly string[]): Promise<string> => {
    const host = `tcp://127.0.0.1:${server.port}/clusters/default/docker`;
    const environment = { ...process.env, DOCKER_CONFIG: path.join(server.folder, "docker") };
    return (await run("docker", ["-H", host, ...words], { env: environment })).stdout;
  };
  /** The tasks that run and are meant to: one that an engine failed to start is there, too, with the one that followed it. */
  const running = async (): Promise<readonly Task[]> => {
    const { items } = JSON.parse(await out("get", "tasks", "-o", "json")) as { items: readonly Task[] };
    return items.filter(({ spec, status }) => spec.desiredState === "running" && status?.state === "running");
  };
  const places = async (): Promise<string[]> => (await running()).map(({ spec }) => spec.nodeName ?? "").sort();
  const settled = async (ready: number): Promise<string[]> => {
    await until(`--for=jsonpath={.status.readyReplicas}=${ready}`, "service/web");
    return places();
  };

  it(
    "apply: nodes are found ready, and three replicas run on those that take tasks",
    async () => {
      await out("apply", "-f", file);
      await until("--for=jsonpath={.status.state}=ready", "nodes", "--all");
      await until("--for=condition=Available", "service/web");
      // The first that is found ready may get them all.
      expect((await settled(3)).filter((name) => name === "node-c")).toEqual([]);
      expect(await out("get", "nodes")).toMatch(/node-a +ready +active +worker +tcp:/);
      expect(await out("describe", "service/web")).toMatch(/Events:[\s\S]*ScalingUp +\S+ +reconciler +from 0 to 3 tasks/);
    },
    testMs,
  );

  it(
    "docker ps shows the containers of all nodes; docker run, logs and exec reach them",
    async () => {
      const rows = (await docker("ps", "--format", "{{.Names}}")).trim().split("\n");
      expect(rows).toHaveLength(3);
      expect((await docker("--tlsverify", "ps", "--quiet")).trim().split("\n")).toHaveLength(3);
      const tasks = (await running()).map(({ metadata }) => metadata.name);
      for (const task of tasks) expect(rows.some((row) => row.includes(task))).toBe(true);
      expect(await docker("run", "--rm", "busybox", "echo", "hello")).toBe("hello\n");
      expect(await docker("exec", tasks[0] ?? "", "cat", "/data/index.html")).toBe("hello\n");
      const { body } = await server.ask("GET", "/metrics");
      for (const verb of ["get", "create", "connect"])
        expect(body).toMatch(new RegExp(`windlass_http_requests_total\\{verb="${verb}",kind="docker",code="\\d+"\\} [1-9]`));
    },
    testMs,
  );

  it(
    "scale to five; a node that is drained says how far it is, and its tasks run elsewhere",
    async () => {
      await out("scale", "service/web", "--replicas=5");
      expect(new Set(await settled(5))).toEqual(new Set(["node-a", "node-b"]));
      await out("patch", "node", "node-b", "--type=merge", "-p", '{"spec":{"availability":"drain"}}');
      await until("--for=condition=Drained", "node/node-b");
      expect(await settled(5)).toEqual(Array.from({ length: 5 }, () => "node-a"));
      expect(await out("describe", "node", "node-b")).toMatch(/NodeDrained +\S+ +reconciler/);
      await out("patch", "node", "node-b", "--type=merge", "-p", '{"spec":{"availability":"active"}}');
    },
    testMs,
  );

  it(
    "an engine that is killed: its replicas run elsewhere, and kubectl get nodes says why",
    async () => {
      await engines[0]?.kill();
      await until("--for=jsonpath={.status.state}=down", "node/node-a");
      // The service's own count follows a moment after the node's state.
      await expect.poll(places, { timeout: waitSeconds * 1_000 }).toEqual(Array.from({ length: 5 }, () => "node-b"));
      expect(await out("get", "nodes")).toMatch(/^node-a +down .*\S/m);
      expect(await out("describe", "service/web")).toMatch(/TaskMoved[\s\S]*node-a/);
    },
    testMs,
  );

  it(
    "when it is back, it is used again, and only current tasks run on it",
    async () => {
      await engines[0]?.run();
      await until("--for=jsonpath={.status.state}=ready", "node/node-a");
      await out("scale", "service/web", "--replicas=8");
      expect((await settled(8)).filter((name) => name === "node-a")).toHaveLength(3);
      await expect.poll(async () => (await labelled()).toSorted(), { timeout: waitSeconds * 1_000 }).toEqual(await current());
    },
    testMs,
  );

  it(
    "delete -f takes the nodes away first: their containers are gone before they are, and what docker run made stays",
    async () => {
      const mine = (await docker("run", "--detach", "busybox", "sleep", "3600")).trim();
      await out("delete", "-f", file, `--timeout=${waitSeconds}s`);
      expect(await out("get", "nodes,services,tasks,networks", "-o", "name")).toBe("");
      const left = await Promise.all(engines.map(leftOn));
      expect(left.flatMap(({ containers }) => containers)).toEqual([mine]);
      expect(left.flatMap(({ networks }) => networks)).toEqual([]);
    },
    testMs,
  );

  /** All that the cluster has made there. */
  async function leftOn(real: RealEngine) {
    await using engine = await real.open();
    const filters = { label: [clusterUidLabel] };
    const [containers, networks] = [await engine.containers.list({ all: true, filters }), await engine.networks.list(filters)];
    return { containers: containers.map(({ Id }) => Id), networks: networks.map(({ Name }) => Name) };
  }

  /** The ids of node-a's containers that were made for tasks. */
  async function labelled(): Promise<string[]> {
    await using engine = await (engines[0] as RealEngine).open();
    const rows = await engine.containers.list({ all: false, filters: { label: [taskLabel] } });
    return rows.map(({ Id }) => Id);
  }

  async function current(): Promise<string[]> {
    const { items } = JSON.parse(await out("get", "tasks", "-o", "json")) as { items: readonly Task[] };
    const here = items.filter(({ spec, status }) => spec.nodeName === "node-a" && status?.state === "running");
    return here.map(({ status }) => status?.containerId ?? "").sort();
  }
});

type Task = {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly desiredState: string; readonly nodeName?: string };
  readonly status?: { readonly state: string; readonly containerId?: string };
};
