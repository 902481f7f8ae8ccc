/** The agents' pure parts as tables: a template as Docker's create body, an engine's words as a status, when a row asks for a look, what is to be done. */
import { describe, expect, it } from "vitest";
import { bodyOf } from "../../shared/fleet/agent/body.ts";
import { type Job, jobsOf } from "../../shared/fleet/agent/jobs.ts";
import { needsLook } from "../../shared/fleet/agent/summary.ts";
import { moveAfter } from "../../shared/fleet/agent/task-state.ts";
import { statusOf } from "../../shared/fleet/containers/seen.ts";
import type { ContainerDetails, ContainerSummary } from "../../shared/fleet/engine/containers.ts";
import { type Container, type ContainerObjectStatus, containerKind } from "../../shared/kinds/container.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import type { TaskState } from "../../shared/kinds/task.ts";
import { now, taskAt, templateOf } from "./objects.ts";

const labels = { "windlass.dev/attempt": "wl-1" };
const plain = { Image: "busybox:1", Labels: labels, StopTimeout: 10, HostConfig: { RestartPolicy: { Name: "no" } } };
const host = (fields: object) => ({ HostConfig: { ...plain.HostConfig, ...fields } });

describe("a template as the body of Docker's create", () => {
  const rows: readonly (readonly [string, object, object])[] = [
    ["nothing but an image", {}, {}],
    ["command and entrypoint", { command: ["a", "b"], entrypoint: ["e"] }, { Cmd: ["a", "b"], Entrypoint: ["e"] }],
    ["environment", { env: { A: "1", B: "x=y" } }, { Env: ["A=1", "B=x=y"] }],
    ["place and person", { workingDir: "/w", user: "me:us", hostname: "h" }, { WorkingDir: "/w", User: "me:us", Hostname: "h" }],
    ["its stop", { stopSignal: "SIGINT", stopGracePeriod: "1500ms" }, { StopSignal: "SIGINT", StopTimeout: 2 }],
    [
      "a check",
      { healthCheck: { command: ["curl", "x"], interval: "5s", timeout: "500ms", retries: 2, startPeriod: "1m" } },
      { Healthcheck: { Test: ["CMD", "curl", "x"], Interval: 5e9, Timeout: 5e8, Retries: 2, StartPeriod: 6e10 } },
    ],
    [
      "ports, chosen and not, one of them twice",
      {
        ports: [
          { containerPort: 80, hostPort: 8080 },
          { containerPort: 80, hostPort: 8081 },
          { containerPort: 53, protocol: "udp" },
        ],
      },
      {
        ExposedPorts: { "80/tcp": {}, "53/udp": {} },
        ...host({ PortBindings: { "80/tcp": [{ HostPort: "8080" }, { HostPort: "8081" }], "53/udp": [{ HostPort: "" }] } }),
      },
    ],
    [
      "mounts",
      {
        mounts: [
          { source: "data", target: "/d" },
          { type: "bind", source: "/srv", target: "/s", readOnly: true },
          { type: "tmpfs", target: "/t" },
        ],
      },
      host({
        Mounts: [
          { Type: "volume", Source: "data", Target: "/d", ReadOnly: false },
          { Type: "bind", Source: "/srv", Target: "/s", ReadOnly: true },
          { Type: "tmpfs", Target: "/t", ReadOnly: false },
        ],
      }),
    ],
    [
      "limits, without what only placement asks for",
      { resources: { limits: { cpus: 0.5, memory: "64Mi" }, reservations: { cpus: 0.1, memory: "32Mi" } } },
      host({ NanoCpus: 5e8, Memory: 64 * 2 ** 20 }),
    ],
    [
      "networks: the first at once, the others follow",
      { networks: ["front", "back"] },
      { ...host({ NetworkMode: "front" }), NetworkingConfig: { EndpointsConfig: { front: { Aliases: ["web.1", "web"] } } } },
    ],
  ];
  for (const [name, spec, expected] of rows) {
    it(name, () => expect(bodyOf(templateOf(spec), { labels, aliases: ["web.1", "web"] })).toEqual({ ...plain, ...expected }));
  }

  it("labels of the template, over which its own win", () => {
    const template = templateOf({}, { app: "web", "windlass.dev/attempt": "mine" });
    expect(bodyOf(template, { labels, aliases: [] }).Labels).toEqual({ app: "web", "windlass.dev/attempt": "wl-1" });
  });
});

const Id = "ab".repeat(32);
type DetailsChange = {
  readonly State?: object;
  readonly NetworkSettings?: object;
  readonly Config?: object;
  readonly rest?: object;
};
function detailsOf({ State = {}, NetworkSettings = {}, Config = {}, rest = {} }: DetailsChange = {}): ContainerDetails {
  const never = "0001-01-01T00:00:00Z";
  const state = { Status: "created", Running: false, Paused: false, ExitCode: 0, Error: "", OOMKilled: false, Pid: 0 };
  return {
    Id,
    Name: "/web",
    Created: "2029-12-31T23:00:00.123456789Z",
    Path: "sh",
    Args: ["-c", "true"],
    Image: "sha256:1",
    State: { ...state, StartedAt: never, FinishedAt: never, ...State },
    RestartCount: 0,
    Config: { Image: "busybox", Labels: null, Tty: false, ...Config },
    HostConfig: {},
    NetworkSettings: NetworkSettings as ContainerDetails["NetworkSettings"],
    ...rest,
  };
}
const seen: ContainerObjectStatus = {
  state: "created",
  containerId: Id,
  imageId: "sha256:1",
  engineName: "web",
  command: "sh -c true",
  createdAt: "2029-12-31T23:00:00.123Z",
};

describe("an engine's words as a status", () => {
  const startedAt = "2029-12-31T23:00:01.000Z";
  const rows: readonly (readonly [string, DetailsChange, object])[] = [
    ["made and not started", {}, {}],
    [
      "running, with a check",
      { State: { Status: "running", Running: true, StartedAt: startedAt, Health: { Status: "healthy" } } },
      { state: "running", startedAt, health: "healthy" },
    ],
    ["without a check, as some engines say it", { State: { Health: { Status: "none" } } }, {}],
    [
      "ended for want of memory",
      { State: { Status: "exited", ExitCode: 137, OOMKilled: true, StartedAt: startedAt, FinishedAt: startedAt } },
      { state: "exited", exitCode: 137, isOutOfMemory: true, startedAt, finishedAt: startedAt },
    ],
    ["could not be started", { State: { ExitCode: 127, Error: "no such command" } }, { message: "no such command" }],
    ["restarted by its engine", { rest: { RestartCount: 3 } }, { restartCount: 3 }],
    [
      "ports: published on IPv4 and IPv6, exposed only, not a port",
      {
        NetworkSettings: {
          Ports: {
            "80/tcp": [
              { HostIp: "0.0.0.0", HostPort: "8080" },
              { HostIp: "::", HostPort: "8080" },
            ],
            "53/udp": null,
            "x/tcp": [],
            "1/icmp": null,
          },
        },
      },
      {
        ports: [
          { containerPort: 80, hostPort: 8080, hostIp: "0.0.0.0", protocol: "tcp" },
          { containerPort: 53, protocol: "udp" },
        ],
      },
    ],
    [
      "networks, with the address that there is",
      {
        NetworkSettings: {
          Networks: { a: { IPAddress: "10.0.0.2" }, b: { IPAddress: "", GlobalIPv6Address: "fd00::2" }, c: null },
        },
      },
      { networks: { a: "10.0.0.2", b: "fd00::2", c: "" } },
    ],
    ["a state of Podman's", { State: { Status: "configured" } }, {}],
    ["no state at all", { State: { Status: "confused", Running: true } }, { state: "running" }],
  ];
  for (const [name, change, expected] of rows) {
    it(name, () => expect(statusOf(detailsOf(change))).toEqual({ ...seen, ...expected }));
  }

  it("is bounded: labels, ports, networks, command, and what it complains of", () => {
    const many = (count: number, value: unknown) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));
    const status = statusOf(
      detailsOf({
        Config: { Labels: { ...many(3, "x".repeat(8_000)), ...many(1_000, "y") } },
        State: { Error: "e".repeat(100_000) },
        NetworkSettings: { Networks: many(1_000, {}) },
        rest: { Args: ["a".repeat(100_000)] },
      }),
    );
    expect(JSON.stringify(status).length).toBeLessThan(24 * 1024);
    expect(containerKind.status.safeParse(status).success).toBe(true);
  });
});

const objectOf = (status: ContainerObjectStatus, spec: object = {}): Container => ({
  apiVersion,
  kind: "Container",
  metadata: { name: "web.1", namespace: "default", uid: "u", resourceVersion: "1", generation: 1, creationTimestamp: "" },
  spec: containerKind.spec.parse({
    nodeName: "a",
    origin: "task",
    taskName: "web.1",
    taskUid: "uid-web.1",
    image: "busybox",
    ...spec,
  }),
  status,
});

describe("a row of docker ps asks for a look", () => {
  const row = (change: Partial<ContainerSummary> = {}): ContainerSummary => ({
    Id,
    Names: ["/web", "/other/alias"],
    Image: "busybox",
    ImageID: "sha256:1",
    Command: "sh -c true",
    Created: 1,
    State: "created",
    Status: "Created",
    Ports: [],
    Labels: {},
    ...change,
  });
  const started = (ms: number): ContainerObjectStatus => ({
    ...seen,
    state: "running",
    startedAt: new Date(now - ms).toISOString(),
  });
  const running = (Status: string) => row({ State: "running", Status });
  const hour = 3_600_000;
  const rows: readonly (readonly [string, ContainerSummary, ContainerObjectStatus | undefined, boolean])[] = [
    ["one that nobody knows", row(), undefined, true],
    ["as it is known", row(), seen, false],
    ["another container", row({ Id: "cd".repeat(32) }), seen, true],
    ["another state", row({ State: "exited", Status: "Exited (0) 1 second ago" }), seen, true],
    ["another name", row({ Names: ["/renamed"] }), seen, true],
    ["another image", row({ ImageID: "sha256:2" }), seen, true],
    ["a port that is published", row({ Ports: [{ PrivatePort: 80, PublicPort: 8080, Type: "tcp" }] }), seen, true],
    ["a port that is exposed only", row({ Ports: [{ PrivatePort: 80, Type: "tcp" }] }), seen, false],
    ["another network", row({ NetworkSettings: { Networks: { a: { IPAddress: "10.0.0.2" } } } }), seen, true],
    [
      "an address of a start that failed",
      row({ NetworkSettings: { Networks: { a: { IPAddress: "10.0.0.2" } } } }),
      { ...seen, networks: { a: "" } },
      false,
    ],
    [
      "another address",
      row({ State: "running", Status: "Up", NetworkSettings: { Networks: { a: { IPAddress: "10.0.0.2" } } } }),
      { ...seen, state: "running", networks: { a: "10.0.0.3" } },
      true,
    ],
    ["up as long as it is known to", running("Up About an hour"), started(hour), false],
    ["up for less: started again", running("Up 3 minutes"), started(hour), true],
    ["up, without a word for how long", running("Up"), started(hour), false],
    ["another health", running("Up About an hour (unhealthy)"), { ...started(hour), health: "healthy" }, true],
    ["health at its beginning", running("Up 2 seconds (health: starting)"), { ...started(2_000), health: "starting" }, false],
    [
      "ended with another code",
      row({ State: "exited", Status: "Exited (137) 5 seconds ago" }),
      { ...started(5_000), state: "exited", exitCode: 1, finishedAt: new Date(now - 5_000).toISOString() },
      true,
    ],
    [
      "ended again",
      row({ State: "exited", Status: "Exited (0) 5 seconds ago" }),
      { ...started(hour), state: "exited", finishedAt: new Date(now - hour).toISOString() },
      true,
    ],
  ];
  for (const [name, summary, status, expected] of rows) {
    it(`${name}: ${expected ? "yes" : "no"}`, () => expect(needsLook(summary, status && objectOf(status), now)).toBe(expected));
  }
});

describe("what a container's state means for its task", () => {
  const rows: readonly (readonly [
    string,
    { desired?: TaskState; state?: TaskState },
    Partial<ContainerObjectStatus>,
    object | undefined,
  ])[] = [
    ["runs", { state: "starting" }, { state: "running" }, { state: "running", containerId: Id }],
    ["runs already", {}, { state: "running" }, undefined],
    ["is not healthy yet", { state: "starting" }, { state: "running", health: "starting" }, undefined],
    ["is healthy", { state: "starting" }, { state: "running", health: "healthy" }, { state: "running", containerId: Id }],
    [
      "is unhealthy",
      {},
      { state: "running", health: "unhealthy" },
      { state: "failed", message: "its health check failed", containerId: Id },
    ],
    ["is unhealthy while it stops", { desired: "shutdown" }, { state: "running", health: "unhealthy" }, undefined],
    ["was started by somebody else", { desired: "ready", state: "ready" }, { state: "running" }, undefined],
    ["ended well", {}, { state: "exited", exitCode: 0 }, { state: "complete", containerId: Id, exitCode: 0 }],
    [
      "ended badly",
      {},
      { state: "exited", exitCode: 2 },
      { state: "failed", message: "its command ended with exit code 2", containerId: Id, exitCode: 2 },
    ],
    [
      "ran out of memory",
      {},
      { state: "exited", exitCode: 137, isOutOfMemory: true },
      {
        state: "failed",
        message: "its command ended with exit code 137: its container ran out of memory",
        containerId: Id,
        exitCode: 137,
      },
    ],
    [
      "ended badly as it was asked to end",
      { desired: "shutdown" },
      { state: "exited", exitCode: 143 },
      { state: "shutdown", containerId: Id, exitCode: 143 },
    ],
    ["ended, and so had the task", { state: "failed" }, { state: "exited", exitCode: 0 }, undefined],
    ["is lost", {}, { state: "lost" }, undefined],
    ["is paused", {}, { state: "paused" }, undefined],
  ];
  for (const [name, { desired = "running", state = "running" }, status, expected] of rows) {
    it(name, () => expect(moveAfter(taskAt("web.1", { node: "a", desired, state }), { ...seen, ...status })).toEqual(expected));
  }
});

describe("what is to be done", () => {
  type Row = readonly [
    string,
    { desired?: TaskState; state: TaskState },
    Partial<ContainerObjectStatus> | undefined,
    Job["do"] | undefined,
  ];
  const unmade = { state: "creating", containerId: undefined } as unknown as Partial<ContainerObjectStatus>;
  const rows: readonly Row[] = [
    ["assigned", { state: "assigned" }, undefined, "prepare"],
    ["pending on a node", { state: "pending" }, undefined, undefined],
    ["pending on a node, with what is left of another time", { state: "pending" }, {}, "remove"],
    ["an attempt is underway", { state: "preparing" }, unmade, "prepare"],
    ["made, and not told", { state: "preparing" }, {}, "prepare"],
    ["ready and to wait", { state: "ready", desired: "ready" }, {}, undefined],
    ["ready and to run", { state: "ready" }, {}, "start"],
    ["starting when somebody died", { state: "starting" }, {}, "start"],
    ["runs, and not told", { state: "starting" }, { state: "running" }, "settle"],
    ["runs", { state: "running" }, { state: "running" }, undefined],
    ["ended, and not told", { state: "running" }, { state: "exited", exitCode: 1 }, "settle"],
    ["its container is gone", { state: "running" }, undefined, "fail"],
    ["its node was down a moment ago", { state: "running" }, { state: "lost" }, undefined],
    ["to be shut down while it runs", { state: "running", desired: "shutdown" }, { state: "running" }, "stop"],
    ["to be shut down while it is paused", { state: "running", desired: "shutdown" }, { state: "paused" }, "stop"],
    ["to be shut down while it is made", { state: "preparing", desired: "shutdown" }, unmade, "end"],
    ["to be shut down before it starts", { state: "ready", desired: "remove" }, {}, "end"],
    ["to be shut down without a container", { state: "assigned", desired: "shutdown" }, undefined, "end"],
    ["to be shut down, its node just back", { state: "running", desired: "shutdown" }, { state: "lost" }, undefined],
    ["failed while it runs", { state: "failed" }, { state: "running" }, "stop"],
    ["failed: its container is its history", { state: "failed" }, { state: "exited" }, undefined],
    ["rejected, and the attempt unclear", { state: "rejected" }, unmade, "remove"],
    ["given up", { state: "orphaned" }, { state: "running" }, "remove"],
    ["shut down", { state: "shutdown" }, undefined, undefined],
  ];
  for (const [name, { desired = "running", state }, status, expected] of rows) {
    it(`${name}: ${expected ?? "nothing"}`, () => {
      const task = taskAt("web.1", { node: "a", desired, state });
      const containers = status === undefined ? [] : [objectOf({ ...seen, ...status })];
      expect(jobsOf({ nodeName: "a", tasks: [task], containers }).map((job) => job.do)).toEqual(
        expected === undefined ? [] : [expected],
      );
    });
  }

  it.each([
    ["failed: its container goes, too", { state: "failed" }, { state: "exited" }, ["remove"]],
    ["shut down, and started late: it is stopped first", { state: "shutdown" }, { state: "running" }, ["stop"]],
    ["runs: the reconciler ends it", { state: "running" }, { state: "running" }, []],
  ] as const)("on a node that is being removed, %s", (_, { state }, status, expected) => {
    const task = taskAt("web.1", { node: "a", state });
    const world = { nodeName: "a", isLeaving: true, tasks: [task], containers: [objectOf({ ...seen, ...status })] };
    expect(jobsOf(world).map((job) => job.do)).toEqual(expected);
  });

  it("a container of no task, or of a former task of the name, goes first", () => {
    const other = objectOf({ ...seen, state: "running" }, { taskUid: "uid-former" });
    const task = taskAt("web.1", { node: "a", state: "assigned" });
    expect(jobsOf({ nodeName: "a", tasks: [], containers: [other] }).map((job) => job.do)).toEqual(["remove"]);
    expect(jobsOf({ nodeName: "a", tasks: [task], containers: [other] }).map((job) => job.do)).toEqual(["remove"]);
  });

  it("containers of people and foreign ones are nobody's job", () => {
    const spec = { origin: "user", taskName: undefined, taskUid: undefined };
    expect(jobsOf({ nodeName: "a", tasks: [], containers: [objectOf({ ...seen, state: "running" }, spec)] })).toEqual([]);
  });
});
