/** Where a container goes for what it uses: to its volumes, and to those in its networks. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packTar } from "../../shared/fleet/simulated/tar.ts";
import { openSimulatedFront, type SimulatedFront } from "./front-host.ts";

let front: SimulatedFront;
beforeEach(async () => {
  front = await openSimulatedFront(3);
});
afterEach(async () => await front.close());

const nodeOf = async (name: string): Promise<string> =>
  ((await front.ask("GET", `/v1.41/containers/${name}/json`)).json() as { readonly Node: { readonly Name: string } }).Node.Name;
const create = (name: string, body: object) =>
  front.ask("POST", `/v1.41/containers/create?name=${name}`, { json: { Image: "busybox", ...body } });
async function nodesOf(count: number, body: (index: number) => object): Promise<ReadonlySet<string>> {
  const nodes = new Set<string>();
  for (let index = 0; index < count; index += 1) {
    const { status } = await create(`c${index}`, body(index));
    expect(status).toBe(201);
    nodes.add(await nodeOf(`c${index}`));
  }
  return nodes;
}

describe("volumes", () => {
  it.each([
    ["-v", { HostConfig: { Binds: ["data:/data"] } }],
    ["--mount", { HostConfig: { Mounts: [{ Type: "volume", Source: "data", Target: "/data" }] } }],
  ])("%s: it goes where the volume is, each time", async (_, body) => {
    await front.ask("POST", "/v1.41/volumes/create", { json: { Name: "node-b/data" } });
    expect(await nodesOf(4, () => body)).toEqual(new Set(["node-b"]));
  });

  it("an image that only another node has is brought to it", async () => {
    await front.ask("POST", "/v1.41/volumes/create", { json: { Name: "node-b/data" } });
    const context = packTar([{ name: "Dockerfile", type: "file", bytes: Buffer.from("FROM busybox\n") }]);
    await front.ask("POST", "/v1.41/build?t=built:1&node=node-c", { body: context });
    expect((await create("web", { Image: "built:1", HostConfig: { Binds: ["data:/data"] } })).status).toBe(201);
    expect(await nodeOf("web")).toBe("node-b");
  });

  it("that are on different nodes can't be used together, and it says where they are", async () => {
    for (const Name of ["node-a/one", "node-b/two"]) await front.ask("POST", "/v1.41/volumes/create", { json: { Name } });
    const { status, json } = await create("both", { HostConfig: { Binds: ["one:/one", "two:/two"] } });
    expect([status, json()]).toEqual([
      409,
      { message: "its volumes are on different nodes: two is on node-b, others on node-a" },
    ]);
  });

  it("paths and what is nowhere keep it nowhere; of a node that does not answer it is warned", async () => {
    expect(await nodesOf(3, (index) => ({ HostConfig: { Binds: [`/tmp/x:/x`, `new-${index}:/y`] } }))).toEqual(
      new Set(["node-a", "node-b", "node-c"]),
    );
    front.engines.get("node-c")?.faults.set({ kind: "unreachable" });
    const { Warnings } = (await create("warned", { HostConfig: { Binds: ["old:/old"] } })).json() as {
      readonly Warnings: string[];
    };
    expect(Warnings).toEqual(["volume old may be on a node that did not answer: node-c"]);
  });
});

describe("networks", () => {
  it("who shares one is on one node", async () => {
    await front.ask("POST", "/v1.41/networks/create", { json: { Name: "app" } });
    expect((await nodesOf(4, () => ({ HostConfig: { NetworkMode: "app" } }))).size).toBe(1);
  });

  it("it goes to those that are there already, wherever that is", async () => {
    await front.ask("POST", "/v1.41/networks/create", { json: { Name: "app" } });
    for (const node of ["node-a", "node-b", "node-c"]) {
      const HostConfig = { NetworkMode: `${node}/app` };
      await create(`first-${node}`, { HostConfig });
      await create(`second-${node}`, { HostConfig });
      await create("third", { HostConfig: { NetworkMode: "app" } });
      expect([node, await nodeOf("third")]).toEqual([node, node]);
      for (const name of [`first-${node}`, `second-${node}`, "third"]) await front.ask("DELETE", `/v1.41/containers/${name}`);
    }
  });

  it("where it can't be there it goes elsewhere", async () => {
    await front.ask("POST", "/v1.41/networks/create", { json: { Name: "app" } });
    await create("first", { HostConfig: { NetworkMode: "app" } });
    const home = await nodeOf("first");
    const { status } = await create("other", { HostConfig: { NetworkMode: "app" }, Env: [`constraint:node!=${home}`] });
    expect(status).toBe(201);
    expect(await nodeOf("other")).not.toBe(home);
  });

  it("it is found there by the name that people know it by, beside its own aliases", async () => {
    for (const Name of ["app", "back"]) await front.ask("POST", "/v1.41/networks/create", { json: { Name } });
    const NetworkingConfig = { EndpointsConfig: { app: { Aliases: ["db"] } } };
    await create("web", { HostConfig: { NetworkMode: "app" }, NetworkingConfig });
    await front.ask("POST", "/v1.41/networks/back/connect", { json: { Container: "web", EndpointConfig: { Aliases: ["api"] } } });
    const [engine] = [...front.engines.values()].filter(({ world }) => world.containers.size > 0);
    const [made] = engine?.world.containers.values() ?? [];
    expect(made?.body["NetworkingConfig"]).toEqual({ EndpointsConfig: { app: { Aliases: ["db", "web"] } } });
    expect(made?.networks.get("back")).toEqual({ Aliases: ["api", "web"] });
  });

  it("an image that only another node has is brought to where they are", async () => {
    await front.ask("POST", "/v1.41/networks/create", { json: { Name: "app" } });
    await create("first", { HostConfig: { NetworkMode: "node-a/app" } });
    const context = packTar([{ name: "Dockerfile", type: "file", bytes: Buffer.from("FROM busybox\n") }]);
    await front.ask("POST", "/v1.41/build?t=built:1&node=node-b", { body: context });
    expect((await create("second", { Image: "built:1", HostConfig: { NetworkMode: "app" } })).status).toBe(201);
    expect(await nodeOf("second")).toBe("node-a");
    expect((await create("alone", { Image: "built:1", Env: ["constraint:node!=node-a"] })).status).toBe(201);
    expect(await nodeOf("alone")).toBe("node-b");
  });

  it("it is put into all of them before it starts, also by engines that take one at first", async () => {
    for (const Name of ["app", "back"]) await front.ask("POST", "/v1.41/networks/create", { json: { Name } });
    const NetworkingConfig = { EndpointsConfig: { back: { Aliases: ["db"] }, app: {} } };
    expect((await create("web", { HostConfig: { NetworkMode: "app" }, NetworkingConfig })).status).toBe(201);
    const made = [...front.engines.values()].flatMap(({ world }) => [...world.containers.values()]);
    expect(made.map(({ body }) => body["NetworkingConfig"])).toEqual([{ EndpointsConfig: { app: { Aliases: ["web"] } } }]);
    expect(made[0]?.networks.get("back")).toEqual({ Aliases: ["db", "web"] });
    expect((await front.ask("GET", "/v1.41/containers/json?all=1")).json()).toMatchObject([
      { NetworkSettings: { Networks: { app: {}, back: {} } } },
    ]);
    const lost = { HostConfig: { NetworkMode: "app" }, NetworkingConfig: { EndpointsConfig: { app: {}, nowhere: {} } } };
    const refused = await create("lost", lost);
    expect([refused.status, refused.json()]).toEqual([404, { message: expect.stringContaining("network nowhere not found") }]);
    expect((await front.ask("GET", "/v1.41/containers/lost/json")).status).toBe(404);
  });

  it("the engines' own bring nobody together", async () => {
    expect((await nodesOf(3, () => ({ HostConfig: { NetworkMode: "bridge" } }))).size).toBe(3);
  });
});
