/** `docker ps` from what the store knows: rows, their nodes, names, order, statuses, filters, and how old it all is. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { timestamp } from "../../shared/base/clock.ts";
import { durationText } from "../../shared/docker-api/containers/duration-text.ts";
import { filterValuesMax } from "../../shared/docker-api/filters.ts";
import { addContainers, type Given, idOf } from "./containers.ts";
import { openSimulatedFront, type SimulatedFront } from "./front-host.ts";

type Row = {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
  readonly Status: string;
  readonly Node: { readonly Name: string; readonly IP: string; readonly Addr: string; readonly ID: string };
  readonly Windlass: { readonly Revision: number; readonly Age: number; readonly Origin: string };
  readonly [field: string]: unknown;
};

let front: SimulatedFront;
beforeEach(async () => {
  front = await openSimulatedFront(2);
});
afterEach(() => front.close());

async function list(query: Readonly<Record<string, string>> = {}, filters?: object): Promise<readonly Row[]> {
  const text = new URLSearchParams({ ...query, ...(filters && { filters: JSON.stringify(filters) }) });
  const answer = await front.ask("GET", `/v1.41/containers/json?${text}`);
  expect([answer.status, answer.text.slice(0, 200)]).toEqual([200, expect.anything()]);
  return answer.json() as readonly Row[];
}
/** Without the node that stands before them. */
const names = (rows: readonly Row[]): string[] => rows.map(nameOf).sort();
const nameOf = ({ Names }: Row): string => (Names[0] ?? "").replace(/^\/[^/]+/, "");
const ago = (seconds: number): string => timestamp(Date.now() - seconds * 1_000);

describe("docker ps", () => {
  it("shows what runs, the newest first, each with its node; all and limit show the others, too", async () => {
    await addContainers(front.store, [
      { name: "old", status: { createdAt: ago(500) } },
      { name: "new", node: "node-b", status: { createdAt: ago(5) } },
      { name: "ended", status: { state: "exited", exitCode: 3, createdAt: ago(50), finishedAt: ago(20) } },
    ]);
    const rows = await list();
    expect(rows.map(({ Names }) => Names)).toEqual([["/node-b/new"], ["/node-a/old"]]);
    expect(rows[0]?.Node).toEqual({ ID: expect.any(String), IP: "10.0.0.2", Addr: "10.0.0.2:2375", Name: "node-b" });
    expect((await list({ all: "1" })).map(nameOf)).toEqual(["/new", "/ended", "/old"]);
    expect((await list({ limit: "2" })).map(nameOf)).toEqual(["/new", "/ended"]);
  });

  it("names carry the node: the cluster's own name, or a foreign one's on its engine; one that is still to be made is not shown", async () => {
    await addContainers(front.store, [
      { name: "mine" },
      { name: "web.1", origin: "task" },
      { name: "stranger", origin: "foreign", node: "node-b" },
      { name: "coming", status: { state: "creating", containerId: undefined as never } },
    ]);
    const listed = (await list({ all: "1" })).flatMap(({ Names }) => Names).sort();
    expect(listed).toEqual(["/node-a/mine", "/node-a/web.1", "/node-b/stranger"]);
  });

  it("a row has what Docker's has", async () => {
    await addContainers(front.store, [
      {
        name: "web",
        image: "httpd:2",
        status: {
          imageId: `sha256:${idOf("image")}`,
          command: "httpd -f",
          labels: { app: "web" },
          ports: [
            { containerPort: 80, hostPort: 8080, hostIp: "0.0.0.0", protocol: "tcp" },
            { containerPort: 53, protocol: "udp" },
          ],
          networks: { bridge: "172.17.0.2" },
          createdAt: "2026-01-02T03:04:05Z",
          startedAt: ago(130),
          health: "healthy",
        },
      },
    ]);
    const [row] = await list();
    expect(row).toMatchObject({
      Id: idOf("web"),
      Names: ["/node-a/web"],
      Image: "httpd:2",
      ImageID: `sha256:${idOf("image")}`,
      Command: "httpd -f",
      Created: Date.parse("2026-01-02T03:04:05Z") / 1_000,
      Ports: [
        { IP: "10.0.0.1", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
        { PrivatePort: 53, Type: "udp" },
      ],
      Labels: { app: "web" },
      State: "running",
      Status: "Up 2 minutes (healthy)",
      HostConfig: { NetworkMode: "bridge" },
      NetworkSettings: { Networks: { bridge: { IPAddress: "172.17.0.2" } } },
      Mounts: [],
    });
  });

  it.each<[string, Given["status"], string, string]>([
    ["created", { state: "created" }, "created", "Created"],
    ["running", { startedAt: ago(40) }, "running", "Up 40 seconds"],
    [
      "whose health is not known yet",
      { startedAt: ago(70), health: "starting" },
      "running",
      "Up About a minute (health: starting)",
    ],
    ["unhealthy", { startedAt: ago(3 * 3_600), health: "unhealthy" }, "running", "Up 3 hours (unhealthy)"],
    ["paused", { state: "paused", startedAt: ago(180) }, "paused", "Up 3 minutes (Paused)"],
    ["restarting", { state: "restarting", exitCode: 1, finishedAt: ago(8) }, "restarting", "Restarting (1) 8 seconds ago"],
    ["ended", { state: "exited", exitCode: 137, finishedAt: ago(86_400 * 3) }, "exited", "Exited (137) 3 days ago"],
    ["on its way out", { state: "removing" }, "removing", "Removal In Progress"],
    ["dead", { state: "dead" }, "dead", "Dead"],
    ["lost", { state: "lost", message: "node-a is gone" }, "dead", "Lost (node-a is gone)"],
  ])("the status of one that is %s", async (_, status, state, text) => {
    await addContainers(front.store, [{ name: "one", ...(status && { status }) }]);
    const [row] = await list({ all: "1" });
    // A second may pass in between.
    expect([row?.State, row?.Status.replace(/\b(41|9) seconds/, (_text, count) => `${Number(count) - 1} seconds`)]).toEqual([
      state,
      text,
    ]);
  });

  it("what is known of a node that does not answer has an age, and its containers' status says so", async () => {
    await addContainers(front.store, [{ name: "there" }, { name: "away", node: "node-b" }]);
    await front.store.update(
      ({ nodes }) => {
        const node = nodes.get("node-b");
        if (node !== undefined) nodes.update({ ...node, status: { ...node.status, state: "down", since: ago(100) } });
      },
      { actor: "test" },
    );
    const answer = await front.ask("GET", "/v1.41/containers/json");
    const rows = answer.json() as readonly Row[];
    const away = rows.find((row) => nameOf(row) === "/away");
    expect([away?.State, away?.Status]).toEqual(["running", "Host Down"]);
    expect(away?.Windlass.Age).toBeGreaterThanOrEqual(100);
    expect(rows.find((row) => nameOf(row) === "/there")?.Windlass.Age).toBe(0);
    expect(Number(answer.headers["windlass-age"])).toBe(away?.Windlass.Age);
    expect(Number(answer.headers["windlass-revision"])).toBe(front.store.revision);
    expect(away?.Windlass.Revision).toBeLessThan(front.store.revision);
  });

  it("no engine is asked, and a change of an object is seen at once", async () => {
    await addContainers(front.store, [{ name: "one" }]);
    for (const { faults } of front.engines.values()) faults.set({ kind: "hang" });
    expect(names(await list())).toEqual(["/one"]);
    await front.store.update(
      ({ containers }) => {
        const [one] = containers.find();
        if (one !== undefined) containers.update({ ...one, spec: { ...one.spec, containerName: "other" } });
      },
      { actor: "test" },
    );
    expect(names(await list())).toEqual(["/other"]);
  });

  it("sizes are asked for where they are wanted", async () => {
    await front.ask("POST", "/v1.41/containers/create?name=web", { json: { Image: "busybox" } });
    const [plain] = await list({ all: "1" });
    const [sized] = await list({ all: "1", size: "1" });
    expect(plain).not.toHaveProperty("SizeRw");
    expect(sized).toMatchObject({ SizeRw: 0, SizeRootFs: 0 });
  });

  it("more rows than are sent at once come whole", async () => {
    await addContainers(
      front.store,
      Array.from({ length: 1_234 }, (_, index) => ({ name: `c${index}` })),
    );
    const rows = await list();
    expect(new Set(rows.map(({ Id }) => Id)).size).toBe(1_234);
  });
});

describe("filters", () => {
  beforeEach(async () => {
    await addContainers(front.store, [
      {
        name: "web",
        image: "httpd:2",
        status: {
          imageId: `sha256:${idOf("httpd")}`,
          labels: { app: "web", tier: "front" },
          ports: [{ containerPort: 80, hostPort: 8080, protocol: "tcp" }],
          networks: { front: "10.1.0.2" },
          health: "healthy",
          createdAt: ago(300),
        },
      },
      {
        name: "db",
        node: "node-b",
        image: "postgres",
        status: { labels: { app: "db" }, ports: [{ containerPort: 5432, protocol: "tcp" }], createdAt: ago(200) },
      },
      { name: "job.1", origin: "task", status: { state: "exited", exitCode: 2, createdAt: ago(100) } },
      { name: "guest", origin: "foreign", node: "node-b", status: { state: "paused", createdAt: ago(50) } },
    ]);
  });

  it.each<[object, string[]]>([
    [{ name: ["web"] }, ["/web"]],
    [{ name: ["^/we"] }, ["/web"]],
    [{ name: ["b$"] }, ["/db", "/web"]],
    [{ name: ["(a+)+$"] }, []],
    [{ id: [idOf("db").slice(0, 12)] }, ["/db"]],
    [{ label: ["app"] }, ["/db", "/web"]],
    [{ label: ["app=web"] }, ["/web"]],
    [{ label: ["app=web", "tier=back"] }, []],
    [{ label: { "app=web": true, "app=db": false } }, ["/web"]],
    [{ status: ["exited"] }, ["/job.1"]],
    [{ status: ["paused", "exited"] }, ["/guest", "/job.1"]],
    [{ exited: ["2"] }, ["/job.1"]],
    [{ exited: ["0"] }, []],
    [{ health: ["healthy"] }, ["/web"]],
    [{ health: ["none"] }, ["/db", "/guest", "/job.1"]],
    [{ ancestor: ["httpd:2"] }, ["/web"]],
    [{ ancestor: ["postgres:latest"] }, ["/db"]],
    [{ ancestor: [idOf("httpd").slice(0, 12)] }, ["/web"]],
    [{ publish: ["8080"] }, ["/web"]],
    [{ publish: ["8000-9000/tcp"] }, ["/web"]],
    [{ publish: ["80"] }, []],
    [{ expose: ["5432/tcp"] }, ["/db"]],
    [{ network: ["front"] }, ["/web"]],
    [{ node: ["node-b"] }, ["/db", "/guest"]],
    [{ "is-task": ["true"] }, ["/job.1"]],
    [{ since: ["db"] }, ["/guest", "/job.1"]],
    [{ before: [idOf("db")] }, ["/web"]],
    [{ name: ["b"], node: ["node-a"] }, ["/job.1", "/web"]],
    [{}, ["/db", "/guest", "/job.1", "/web"]],
  ])("%j", async (filters, expected) => {
    expect(names(await list({ all: "1" }, filters))).toEqual(expected);
  });

  it("by a volume: engines say which containers have it", async () => {
    const created = await front.ask("POST", "/v1.41/containers/create?name=mounted", { json: { Image: "busybox" } });
    expect(created.status).toBe(201);
    // A simulated engine does not look at this filter: what matters is that only engines' ids are shown.
    expect(names(await list({ all: "1" }, { volume: ["data"] }))).toEqual(["/mounted"]);
  });

  it.each([
    ['{"colour":["red"]}', "invalid filter 'colour'"],
    ["nonsense", "invalid filter"],
    ["[1]", "invalid filter"],
    ['{"status":["resting"]}', `invalid filter 'status=["resting"]'`],
    ['{"exited":["x"]}', `invalid filter 'exited=["x"]'`],
    ['{"publish":["x"]}', "invalid filter 'publish': x is no port, nor a range of ports"],
    ['{"is-task":["maybe"]}', `invalid filter 'is-task=["maybe"]'`],
    ['{"label":7}', "invalid filter 'label'"],
  ])("%s is refused: %s", async (filters, message) => {
    const { status, json } = await front.ask("GET", `/v1.41/containers/json?filters=${encodeURIComponent(filters)}`);
    expect([status, json()]).toEqual([400, { message }]);
  });

  it("of a container that is not there: 404; of two that begin so: 400", async () => {
    const answer = await front.ask("GET", `/v1.41/containers/json?filters=${encodeURIComponent('{"since":["nobody"]}')}`);
    expect([answer.status, answer.json()]).toEqual([404, { message: "No such container: nobody" }]);
  });

  it("too many values are refused", async () => {
    const many = JSON.stringify({ name: Array.from({ length: filterValuesMax + 1 }, (_, index) => String(index)) });
    const { status, json } = await front.ask("GET", `/v1.41/containers/json?filters=${encodeURIComponent(many)}`);
    expect([status, json()]).toEqual([400, { message: "invalid filter: it has 1001 values; at most 1000" }]);
  });
});

describe("durations", () => {
  it.each([
    [0, "Less than a second"],
    [1, "1 second"],
    [59, "59 seconds"],
    [60, "About a minute"],
    [119, "About a minute"],
    [120, "2 minutes"],
    [3_599, "59 minutes"],
    [3_600, "About an hour"],
    [5_399, "About an hour"],
    [5_400, "2 hours"],
    [47 * 3_600, "47 hours"],
    [48 * 3_600, "2 days"],
    [3 * 86_400 - 1_801, "2 days"],
    [3 * 86_400 - 1_800, "3 days"],
    [14 * 86_400 - 1_801, "13 days"],
    [14 * 86_400 - 1_800, "2 weeks"],
    [14 * 86_400, "2 weeks"],
    [60 * 86_400, "2 months"],
    [730 * 86_400, "2 years"],
  ])("%i seconds are: %s", (seconds, text) => {
    expect(durationText(seconds * 1_000)).toBe(text);
  });
});
