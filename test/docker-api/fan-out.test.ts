/** What goes to all nodes: images, networks, volumes, prunes, sizes; merged, with nodes that fail named and left out. */
import { request as httpRequest } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StreamCall } from "../../shared/fleet/engine/call.ts";
import { packTar } from "../../shared/fleet/simulated/tar.ts";
import { addContainers, idle } from "./containers.ts";
import { openFront, openSimulatedFront, type SimulatedFront } from "./front-host.ts";
import { rawAnswer, scriptedEngine } from "./scripted-engine.ts";

let front: SimulatedFront;
beforeEach(async () => {
  front = await openSimulatedFront(3);
});
afterEach(() => front.close());

const engineOf = (name: string) => {
  const engine = front.engines.get(name);
  if (engine === undefined) throw new Error(`no node ${name}`);
  return engine;
};
const rowsOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(
      (line) =>
        JSON.parse(line) as { readonly status?: string; readonly id?: string; readonly error?: string; readonly stream?: string },
    );

/** The registry has it, and no node. */
function publish(name: string): string {
  const reference = `${front.registry.host}/${name}`;
  front.registry.put(`${reference}:1`, engineOf("node-a").world.image("busybox"));
  return reference;
}
const pull = (reference: string) => front.ask("POST", `/v1.41/images/create?fromImage=${encodeURIComponent(reference)}&tag=1`);

describe("images", () => {
  it("one id is one row, with the nodes that have it", async () => {
    const reference = publish("app");
    await pull(reference);
    const { headers, json } = await front.ask("GET", "/v1.41/images/json");
    const rows = json() as readonly {
      readonly Id: string;
      readonly RepoTags: readonly string[];
      readonly Nodes: readonly string[];
    }[];
    expect(rows.find(({ RepoTags }) => RepoTags.includes(`${reference}:1`))?.Nodes).toEqual(["node-a", "node-b", "node-c"]);
    expect(headers["windlass-revision"]).toMatch(/^\d+$/);
    expect(headers["windlass-missing-nodes"]).toBeUndefined();
  });

  it("a node that does not answer is named, and the others are shown", async () => {
    engineOf("node-b").faults.set({ kind: "unreachable" });
    const { status, headers, json } = await front.ask("GET", "/v1.41/images/json");
    expect([status, headers["windlass-missing-nodes"]]).toEqual([200, "node-b"]);
    const nodes = (json() as readonly { readonly Nodes: readonly string[] }[]).flatMap(({ Nodes }) => Nodes);
    expect(new Set(nodes)).toEqual(new Set(["node-a", "node-c"]));
    for (const { faults } of front.engines.values()) faults.set({ kind: "unreachable" });
    const none = await front.ask("GET", "/v1.41/images/json");
    expect([none.status, none.json()]).toEqual([503, { message: expect.stringContaining("node-") }]);
  });

  it("where nobody has a part in the answer it says why: no such node, all say 404, no nodes at all", async () => {
    const filters = encodeURIComponent('{"node":["node-x","node-y"]}');
    const unknown = await front.ask("GET", `/v1.41/images/json?filters=${filters}`);
    expect([unknown.status, unknown.json()]).toEqual([404, { message: "no such node: node-x, node-y" }]);
    for (const { faults } of front.engines.values()) faults.set({ kind: "failing", status: 404, message: "page not found" });
    const absent = await front.ask("POST", "/v1.41/build/prune");
    expect([absent.status, absent.json()]).toEqual([404, { message: "no node has it: page not found" }]);
    const empty = await openSimulatedFront(0);
    const none = await empty.ask("GET", "/v1.41/images/json").finally(() => empty.close());
    expect([none.status, none.json()]).toEqual([503, { message: "the cluster has no nodes" }]);
  });

  it("of one node alone", async () => {
    const filters = encodeURIComponent('{"node":["node-c"]}');
    const rows = (await front.ask("GET", `/v1.41/images/json?filters=${filters}`)).json() as readonly {
      readonly Nodes: readonly string[];
    }[];
    expect(rows.flatMap(({ Nodes }) => Nodes)).toEqual(["node-c"]);
  });

  it("a pull goes to all nodes, each row under its node's name", async () => {
    const reference = publish("app");
    const { status, text } = await pull(reference);
    expect(status).toBe(200);
    const rows = rowsOf(text);
    expect(rows.filter(({ id }) => id?.startsWith("node-b:")).length).toBeGreaterThan(0);
    expect(rows.filter(({ status: told }) => told?.startsWith("node-c: Status: Downloaded")).length).toBe(1);
    expect(rows.some(({ error }) => error !== undefined)).toBe(false);
    for (const { world } of front.engines.values()) expect(world.findImage(`${reference}:1`)).toBeDefined();
  });

  it("a node that fails says so in a row; the others have the image", async () => {
    const reference = publish("app");
    engineOf("node-b").faults.set({ kind: "failing", status: 500, message: "no space left on device" });
    const { status, text } = await pull(reference);
    expect(status).toBe(200);
    expect(rowsOf(text)).toContainEqual({ status: "node-b: failed: no space left on device" });
    expect(rowsOf(text).some(({ error }) => error !== undefined)).toBe(false);
    expect(engineOf("node-a").world.findImage(`${reference}:1`)).toBeDefined();
  });

  it("a pull that no node could make has failed, before it began with a status", async () => {
    const absent = await pull(`${front.registry.host}/absent`);
    expect(absent.status).toBe(404);
    expect(absent.json()).toEqual({ message: expect.stringContaining("manifest unknown") });
  });

  it("credentials are for the engines, and wrong ones are told", async () => {
    const { status, json } = await front.ask("POST", "/v1.41/images/create?fromImage=a&tag=1", {
      headers: { "x-registry-auth": "%%%" },
    });
    expect([status, json()]).toEqual([400, { message: "invalid X-Registry-Auth header: it is no JSON in base64" }]);
  });

  it("neither a name nor a source is 400", async () => {
    const { status, json } = await front.ask("POST", "/v1.41/images/create");
    expect([status, json()]).toEqual([400, { message: "fromImage or fromSrc must be given" }]);
  });

  it("a tag is given on every node that has the image, and taken from all", async () => {
    const reference = publish("app");
    await pull(reference);
    const tagged = await front.ask("POST", `/v1.41/images/${reference}:1/tag?repo=mine&tag=2`);
    expect(tagged.status).toBe(201);
    for (const { world } of front.engines.values()) expect(world.findImage("mine:2")).toBeDefined();
    const removed = await front.ask("DELETE", "/v1.41/images/mine:2");
    expect([removed.status, removed.json()]).toEqual([200, [{ Untagged: "mine:2" }]]);
    for (const { world } of front.engines.values()) expect(world.findImage("mine:2")).toBeUndefined();
    const again = await front.ask("DELETE", "/v1.41/images/mine:2");
    expect([again.status, again.json()]).toEqual([404, { message: expect.stringMatching(/^No such image: mine:2/) }]);
  });

  it("details and history come from a node that has it, by name, by id and with a registry's slashes", async () => {
    const reference = publish("team/app");
    await pull(reference);
    const { Id } = (await front.ask("GET", `/v1.41/images/${reference}:1/json`)).json() as { readonly Id: string };
    for (const name of [`${reference}:1`, encodeURIComponent(`${reference}:1`), Id]) {
      const answer = await front.ask("GET", `/v1.41/images/${name}/json`);
      expect([name, answer.status]).toEqual([name, 200]);
      expect(answer.json()).toMatchObject({ Id, Node: { Name: expect.stringMatching(/^node-/) } });
    }
    expect((await front.ask("GET", `/v1.41/images/${reference}:1/history`)).status).toBe(200);
    for (const name of ["absent", "a/../b"]) {
      const none = await front.ask("GET", `/v1.41/images/${encodeURIComponent(name)}/json`);
      expect([400, 404]).toContain(none.status);
    }
  });

  it("what was saved is loaded on all nodes", async () => {
    const saved = await front.ask("GET", "/v1.41/images/get?names=busybox");
    expect([saved.status, saved.headers["content-type"]]).toEqual([200, "application/x-tar"]);
    const tar = packTar([{ name: "x/image.json", type: "file", bytes: Buffer.from("{}") }]);
    const loaded = await front.ask("POST", "/v1.41/images/load", { body: tar, headers: { "content-type": "application/x-tar" } });
    expect(loaded.status).toBeLessThan(501);
  });

  it("a build goes to one node, which a build argument may choose, and its rows come as they are", async () => {
    const context = packTar([{ name: "Dockerfile", type: "file", bytes: Buffer.from("FROM busybox\nRUN true\n") }]);
    const query = `t=built:1&buildargs=${encodeURIComponent('{"constraint:node":"=node-c"}')}`;
    const built = await front.ask("POST", `/v1.41/build?${query}`, {
      body: context,
      headers: { "content-type": "application/x-tar" },
    });
    expect(rowsOf(built.text).at(-1)).toEqual({ stream: "Successfully tagged built:1\n" });
    expect(engineOf("node-c").world.findImage("built:1")).toBeDefined();
    expect(engineOf("node-a").world.findImage("built:1")).toBeUndefined();
  });

  it("a build of a Compose project is made where the project is", async () => {
    const context = packTar([{ name: "Dockerfile", type: "file", bytes: Buffer.from("FROM busybox\n") }]);
    const labels = encodeURIComponent('{"com.docker.compose.project":"shop"}');
    for (const tag of ["one", "two", "three"])
      await front.ask("POST", `/v1.41/build?t=${tag}:1&labels=${labels}`, { body: context });
    const holders = [...front.engines.values()].filter(({ world }) =>
      ["one:1", "two:1", "three:1"].every((tag) => world.findImage(tag)),
    );
    expect(holders).toHaveLength(1);
    expect((await front.ask("POST", "/v1.41/build?labels=x", { body: context })).status).toBe(400);
  });

  it("a build that fails on its way ends with a row that says so, and the command's code", async () => {
    const context = packTar([{ name: "Dockerfile", type: "file", bytes: Buffer.from("FROM busybox\nRUN exit 5\n") }]);
    const { status, text } = await front.ask("POST", "/v1.41/build", { body: context });
    expect(status).toBe(200);
    expect(rowsOf(text).at(-1)).toMatchObject({ error: expect.stringContaining("non-zero code: 5"), errorDetail: { code: 5 } });
  });
});

describe("networks", () => {
  const create = (body: object, query = "") => front.ask("POST", `/v1.41/networks/create${query}`, { json: body });
  const names = async (): Promise<string[]> =>
    ((await front.ask("GET", "/v1.41/networks")).json() as readonly { readonly Name: string }[]).map(({ Name }) => Name).sort();

  it("one with a bare name is made on every node, shown once, with one Id, and removed from all", async () => {
    const made = await create({ Name: "front" });
    const { Id } = made.json() as { readonly Id: string };
    expect([made.status, Id]).toEqual([201, expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(await names()).toEqual(["front"]);
    const all = { Name: "front", Id, Node: { Name: "node-a" }, Nodes: ["node-a", "node-b", "node-c"] };
    for (const reference of ["front", Id, Id.slice(0, 12)])
      expect((await front.ask("GET", `/v1.41/networks/${reference}`)).json()).toMatchObject(all);
    expect((await front.ask("DELETE", "/v1.41/networks/node-b/front")).status).toBe(204);
    expect((await front.ask("GET", "/v1.41/networks")).json()).toMatchObject([{ Name: "front", Nodes: ["node-a", "node-c"] }]);
    const ofNode = await front.ask("GET", `/v1.41/networks?filters=${encodeURIComponent('{"node":["node-c"]}')}`);
    expect(ofNode.json()).toMatchObject([{ Name: "node-c/front" }]);
    expect((await front.ask("DELETE", `/v1.41/networks/${Id}`)).status).toBe(204);
    const none = await front.ask("DELETE", "/v1.41/networks/front");
    expect([none.status, none.json()]).toEqual([404, { message: "network front not found" }]);
  });

  it("one that was made on engines is each node's own", async () => {
    for (const name of ["node-a", "node-b"]) await engineOf(name).open().networks.create({ Name: "theirs" });
    expect(await names()).toEqual(["node-a/theirs", "node-b/theirs"]);
    expect((await front.ask("GET", "/v1.41/networks/theirs")).json()).toMatchObject({
      Name: "theirs",
      Nodes: ["node-a", "node-b"],
    });
    expect((await front.ask("GET", "/v1.41/networks/node-b/theirs")).json()).toMatchObject({ Name: "node-b/theirs" });
  });

  it("a container's networks have the Id that they are shown with, in lists and by itself", async () => {
    const { Id } = (await create({ Name: "front" })).json() as { readonly Id: string };
    const HostConfig = { NetworkMode: Id };
    const made = await front.ask("POST", "/v1.41/containers/create?name=web", { json: { Image: "busybox", HostConfig } });
    expect(made.status).toBe(201);
    const NetworkSettings = { Networks: { front: { NetworkID: Id } } };
    expect((await front.ask("GET", "/v1.41/containers/json?all=1")).json()).toMatchObject([{ NetworkSettings }]);
    expect((await front.ask("GET", "/v1.41/containers/web/json")).json()).toMatchObject({ NetworkSettings });
  });

  it("one of the fleet is made on a node that came after it, for the container that needs it there", async () => {
    await engineOf("node-a")
      .open()
      .networks.create({ Name: "front", Labels: { "windlass.dev/fleet-network": "true" } });
    const json = { Image: "busybox", HostConfig: { NetworkMode: "front" }, Env: ["constraint:node==node-c"] };
    expect((await front.ask("POST", "/v1.41/containers/create?name=web", { json })).status).toBe(201);
    expect((await front.ask("POST", "/v1.41/containers/web/start")).status).toBe(204);
    expect((await front.ask("GET", "/v1.41/networks")).json()).toMatchObject([{ Name: "front", Nodes: ["node-a", "node-c"] }]);
  });

  it.each([
    ["its name", { Name: "node-b/own" }, ""],
    ["a label", { Name: "own", Labels: { "windlass.dev/node": "node-b" } }, ""],
    ["the query", { Name: "own" }, "?node=node-b"],
  ])("%s says on which node", async (_, body, query) => {
    const made = await create(body, query);
    expect(made.status).toBe(201);
    expect(await names()).toEqual(["node-b/own"]);
    const { Id } = made.json() as { readonly Id: string };
    expect((await front.ask("GET", `/v1.41/networks/${Id}`)).json()).toMatchObject({ Name: "node-b/own" });
  });

  it("where one node refuses, none has it", async () => {
    await create({ Name: "node-c/front" });
    const { status } = await create({ Name: "front" });
    expect(status).toBe(409);
    expect(await names()).toEqual(["node-c/front"]);
    expect((await create({ Name: "node-z/front" })).status).toBe(404);
    expect((await create({})).json()).toEqual({ message: "network name is required" });
  });

  it("a client that leaves does not leave it half made", async () => {
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    engineOf("node-a").faults.lie = (call, answer) => {
      if (call === "network create") resolve();
      return answer;
    };
    engineOf("node-b").faults.latencyMs = 300;
    const request = httpRequest(`${front.url}/v1.41/networks/create`, {
      method: "POST",
      agent: false,
      headers: { authorization: "Bearer admin", "content-type": "application/json" },
    });
    request.on("error", () => undefined);
    request.end('{"Name":"front"}');
    await begun;
    request.destroy();
    const has = async (name: string) => (await engineOf(name).open().networks.list()).some(({ Name }) => Name === "front");
    await vi.waitFor(async () => expect(await has("node-b")).toBe(true), { timeout: 5_000 });
    expect([await has("node-a"), await has("node-c")]).toEqual([true, true]);
  });

  it("a node that says nothing does not hold up what is shown of one for longer than a list", async () => {
    const calls: StreamCall[] = [];
    const engine = scriptedEngine({
      forward: async ({ path }, call) => {
        if (path.includes("/networks/")) calls.push(call);
        return path.includes("/prune") ? rawAnswer(200, {}) : undefined;
      },
    });
    const scripted = await openFront({ nodes: { "node-a": engine.simulated.open().address }, open: engine.open });
    try {
      await engine.simulated.open().networks.create({ Name: "front" });
      expect((await scripted.ask("GET", "/v1.41/networks/front")).status).toBe(200);
      expect((await scripted.ask("POST", "/v1.41/networks/prune")).status).toBe(200);
    } finally {
      await scripted.close();
    }
    expect(calls.map(({ timeoutMs, idleMs }) => [timeoutMs, idleMs])).toEqual([
      [10_000, 10_000],
      [15 * 60_000, 60_000],
    ]);
  });

  it("a prune takes one of the fleet from all nodes or from none", async () => {
    for (const Name of ["used", "idle"]) await create({ Name });
    await front.ask("POST", "/v1.41/containers/create?name=web", {
      json: { Image: "busybox", Cmd: ["sleep", "3600"], HostConfig: { NetworkMode: "used" } },
    });
    await front.ask("POST", "/v1.41/containers/web/start");
    const pruned = await front.ask("POST", "/v1.41/networks/prune");
    expect(pruned.json()).toEqual({ NetworksDeleted: ["idle"], SpaceReclaimed: 0 });
    expect((await front.ask("GET", "/v1.41/networks")).json()).toMatchObject([
      { Name: "used", Nodes: ["node-a", "node-b", "node-c"] },
    ]);
  });

  it("a container joins one of its own node", async () => {
    await create({ Name: "front" });
    await front.ask("POST", "/v1.41/containers/create?name=web", {
      json: { Image: "busybox", Env: ["constraint:node==node-b"] },
    });
    const join = (name: string, verb = "connect") =>
      front.ask("POST", `/v1.41/networks/${name}/${verb}`, { json: { Container: "web" } });
    expect((await join("front")).status).toBe(200);
    expect((await join("node-b/front", "disconnect")).status).toBe(200);
    const far = await join("node-a/front");
    expect([far.status, far.json()]).toEqual([
      400,
      { message: expect.stringContaining("container web is on node node-b, the network on node-a") },
    ]);
    expect((await front.ask("POST", "/v1.41/networks/front/connect", { json: { Container: "nobody" } })).status).toBe(404);
  });
});

describe("volumes", () => {
  const names = async (): Promise<string[]> =>
    ((await front.ask("GET", "/v1.41/volumes")).json() as { readonly Volumes: readonly { readonly Name: string }[] }).Volumes.map(
      ({ Name }) => Name,
    ).sort();

  it("one with a bare name is made on one node, whoever asks again; node/name is that node's", async () => {
    const create = (Name: string) => front.ask("POST", "/v1.41/volumes/create", { json: { Name } });
    const made = (await create("data")).json() as { readonly Name: string; readonly Nodes: readonly string[] };
    expect([made.Name, made.Nodes.length]).toEqual(["data", 1]);
    const [node = ""] = made.Nodes;
    expect((await create("data")).json()).toMatchObject({ Name: "data", Nodes: [node] });
    expect(await names()).toEqual([`${node}/data`]);
    expect((await front.ask("GET", "/v1.41/volumes/data")).json()).toMatchObject({ Name: "data", Nodes: [node] });
    expect((await create("node-b/other")).json()).toMatchObject({ Name: "node-b/other", Nodes: ["node-b"] });
    expect((await front.ask("GET", "/v1.41/volumes/node-b/other")).json()).toMatchObject({ Name: "node-b/other" });
    expect((await front.ask("DELETE", "/v1.41/volumes/node-b/other")).status).toBe(204);
    expect((await front.ask("DELETE", "/v1.41/volumes/data")).status).toBe(204);
    expect(await names()).toEqual([]);
    const none = await front.ask("DELETE", "/v1.41/volumes/data");
    expect([none.status, none.json()]).toEqual([404, { message: "get data: no such volume" }]);
    expect((await front.ask("DELETE", "/v1.41/volumes/data?force=1")).status).toBe(204);
  });

  it("what one Compose project makes is on one node", async () => {
    const Labels = { "com.docker.compose.project": "shop" };
    const nodes = new Set<string>();
    for (const Name of ["a", "b", "c", "d", "e", "f"]) {
      const made = await front.ask("POST", "/v1.41/volumes/create", { json: { Name, Labels } });
      for (const node of (made.json() as { readonly Nodes: readonly string[] }).Nodes) nodes.add(node);
    }
    expect(nodes.size).toBe(1);
  });

  it("one without a name is made on one node, which names it", async () => {
    const made = await front.ask("POST", "/v1.41/volumes/create", { json: {} });
    expect(made.status).toBe(201);
    expect(await names()).toHaveLength(1);
  });
});

describe("swarm mode and plugins", () => {
  it.each(["/swarm", "/services", "/nodes", "/tasks", "/secrets", "/configs", "/services/web"])(
    "%s: no manager, in Docker's words",
    async (path) => {
      const { status, json } = await front.ask("GET", `/v1.41${path}`);
      expect([status, json()]).toEqual([
        503,
        { message: expect.stringMatching(/^This node is not a swarm manager\. Use "docker swarm init"/) },
      ]);
    },
  );

  it.each([
    ["POST", "/swarm/init"],
    ["GET", "/plugins"],
    ["POST", "/plugins/pull"],
  ])("%s %s: 501 that says which", async (method, path) => {
    const { status, json } = await front.ask(method, `/v1.41${path}`);
    expect([status, json()]).toEqual([501, { message: expect.stringMatching(/swarm mode|plugins/) }]);
  });

  it("docker inspect of what is nowhere comes to its end", async () => {
    expect((await front.ask("GET", "/v1.41/plugins/nope/json")).status).toBe(404);
  });
});

describe("info and version", () => {
  it("count what the store knows, and ask no node", async () => {
    await front.ask("POST", "/v1.41/containers/create?name=web", { json: { Image: "busybox", Cmd: idle } });
    await front.ask("POST", "/v1.41/containers/web/start");
    await front.ask("POST", "/v1.41/containers/create?name=other", { json: { Image: "busybox", Cmd: idle } });
    for (const { faults } of front.engines.values()) faults.set({ kind: "hang" });
    const info = (await front.ask("GET", "/v1.41/info")).json();
    expect(info).toMatchObject({
      Name: "default",
      Containers: 2,
      ContainersRunning: 1,
      ContainersStopped: 1,
      NCPU: 12,
      MemTotal: 24 * 2 ** 30,
      Swarm: { LocalNodeState: "inactive" },
      SystemStatus: expect.arrayContaining([
        ["Nodes", "3"],
        [" node-a", "10.0.0.1:2375"],
        ["  └ Status", "Healthy"],
      ]),
    });
    await addContainers(front.store, [
      { name: "again", status: { state: "restarting" } },
      { name: "still", status: { state: "paused" } },
    ]);
    expect((await front.ask("GET", "/v1.41/info")).json()).toMatchObject({
      Containers: 4,
      ContainersRunning: 1,
      ContainersPaused: 1,
      ContainersStopped: 2,
    });
    const version = (await front.ask("GET", "/v1.41/version")).json();
    expect(version).toMatchObject({ Version: "0.0.0-test", MinAPIVersion: "1.41", Os: "linux" });
  });
});
