/** `docker create`: where a container goes, what it depends on, and what is said when it can't be made. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { constraintText, placementWords } from "../../shared/docker-api/containers/placement-words.ts";
import { openSimulatedFront, type SimulatedFront } from "./front-host.ts";

let front: SimulatedFront;
beforeEach(async () => {
  front = await openSimulatedFront(3, { labels: { "node-a": { zone: "a" }, "node-b": { zone: "b" }, "node-c": { zone: "b" } } });
});
afterEach(() => front.close());

const create = (body: object, query = "") =>
  front.ask("POST", `/v1.41/containers/create${query}`, { json: { Image: "busybox", ...body } });
async function nodeOf(body: object, query = ""): Promise<string> {
  const made = await create(body, query);
  expect([made.status, made.text]).toEqual([201, expect.anything()]);
  return placeOf((made.json() as { readonly Id: string }).Id);
}
const placeOf = (id: string): string => [...front.engines].find(([, { world }]) => world.containers.has(id))?.[0] ?? "";
const madeOn = (node: string) => [...(front.engines.get(node)?.world.containers.values() ?? [])].at(-1);

describe("create", () => {
  it("answers with the engine's id, gives a name where there is none, and spreads", async () => {
    const places = [await nodeOf({}), await nodeOf({}), await nodeOf({})];
    expect(new Set(places)).toEqual(new Set(["node-a", "node-b", "node-c"]));
    const rows = (await front.ask("GET", "/v1.41/containers/json?all=1")).json() as readonly {
      readonly Names: readonly string[];
    }[];
    for (const { Names } of rows) expect(Names[0]).toMatch(/^\/node-[abc]\/[a-z]+_[a-z]+\d*$/);
  });

  it("what the engine warns of is told", async () => {
    expect((await create({})).json()).toMatchObject({ Warnings: [] });
    for (const { faults } of front.engines.values())
      faults.lie = (call, answer) =>
        call === "container create" ? { ...(answer as object), Warnings: ["no swap limit support"] } : answer;
    expect((await create({})).json()).toMatchObject({ Warnings: ["no swap limit support"] });
  });

  it("a name is unique in the cluster", async () => {
    expect((await create({}, "?name=web")).status).toBe(201);
    const again = await create({}, "?name=web");
    expect(again.status).toBe(409);
    expect(again.json()).toEqual({
      message: expect.stringMatching(
        /^Conflict. The container name "\/web" is already in use by container "[0-9a-f]{64}". You have to remove \(or rename\) that container to be able to reuse that name.$/,
      ),
    });
    const both = await Promise.all([create({}, "?name=twin"), create({}, "?name=twin")]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it.each([
    [["constraint:node==node-b"], ["node-b"]],
    [["constraint:zone==a"], ["node-a"]],
    [["constraint:zone!=b"], ["node-a"]],
    [["constraint:node.labels.zone==b", "constraint:node!=node-b"], ["node-c"]],
    [["constraint:zone==~nowhere"], ["node-a", "node-b", "node-c"]],
    [["affinity:image==busybox"], ["node-a", "node-b", "node-c"]],
  ])("%j: on one of %j", async (rules, nodes) => {
    expect(nodes).toContain(await nodeOf({ Env: ["A=1", ...rules] }));
  });

  it("rules are not for the container's environment; labels hold them, too", async () => {
    const node = await nodeOf({
      Env: ["A=1", "constraint:node==node-c"],
      Labels: { "com.docker.swarm.constraints": '["zone==b"]', mine: "yes" },
    });
    expect(node).toBe("node-c");
    const made = madeOn("node-c");
    expect(made?.body["Env"]).toEqual(["A=1"]);
    expect(made?.labels).toMatchObject({ mine: "yes" });
  });

  it("a rule that no node meets is told, with what refused how many", async () => {
    const { status, json } = await create({ Env: ["constraint:zone==nowhere"] });
    expect([status, json()]).toEqual([
      503,
      { message: expect.stringContaining("scheduling constraints not satisfied on 3 nodes") },
    ]);
  });

  it.each(["constraint:zone", "constraint:zone==/re/", "constraint:zone==a*", "affinity:container=web"])(
    "%s is no rule",
    async (rule) => {
      expect((await create({ Env: [rule] })).status).toBe(400);
    },
  );

  it("beside another container, by its name", async () => {
    expect(await nodeOf({ Env: ["constraint:node==node-b"] }, "?name=db")).toBe("node-b");
    expect(await nodeOf({ Env: ["affinity:container==db"] })).toBe("node-b");
    expect(await nodeOf({ Env: ["affinity:container!=db"] })).not.toBe("node-b");
    expect((await create({ Env: ["affinity:container==nobody"] })).status).toBe(404);
  });

  it("what it shares with another container decides the node, and is the engine's id there", async () => {
    const first = await create({ Env: ["constraint:node==node-c"] }, "?name=first");
    const { Id } = first.json() as { readonly Id: string };
    const HostConfig = {
      NetworkMode: "container:first",
      PidMode: `container:${Id.slice(0, 12)}`,
      VolumesFrom: ["first:ro"],
      Links: ["first:alias"],
    };
    expect(await nodeOf({ HostConfig })).toBe("node-c");
    expect(madeOn("node-c")?.body["HostConfig"]).toMatchObject({
      NetworkMode: `container:${Id}`,
      PidMode: `container:${Id}`,
      VolumesFrom: [`${Id}:ro`],
      Links: [`${Id}:alias`],
    });
    await create({ Env: ["constraint:node==node-a"] }, "?name=second");
    const torn = await create({ HostConfig: { NetworkMode: "container:first", VolumesFrom: ["second"] } });
    expect([torn.status, torn.json()]).toEqual([
      409,
      { message: expect.stringContaining("unable to find a node that satisfies its dependencies") },
    ]);
  });

  it("networks of two nodes can't both be joined, and are not taken for those of one", async () => {
    const torn = await create({
      HostConfig: { NetworkMode: "node-b/front" },
      NetworkingConfig: { EndpointsConfig: { "node-b/front": {}, "node-c/front": {} } },
    });
    expect([torn.status, torn.json()]).toEqual([
      409,
      { message: "unable to find a node that satisfies its dependencies: they are on node-b, node-c" },
    ]);
  });

  it("a network of one node decides it, by the name it has there", async () => {
    expect(
      await nodeOf({
        HostConfig: { NetworkMode: "node-b/front" },
        NetworkingConfig: { EndpointsConfig: { "node-b/front": {} } },
      }),
    ).toBe("node-b");
    expect(madeOn("node-b")?.body).toMatchObject({
      HostConfig: { NetworkMode: "front" },
      NetworkingConfig: { EndpointsConfig: { front: {} } },
    });
  });

  it("an image that no node has is 404 in Docker's words, and nothing stays of the try", async () => {
    const answer = await create({ Image: "absent" });
    expect([answer.status, answer.json()]).toEqual([404, { message: "No such image: absent:latest" }]);
    expect((await front.store.view(({ containers }) => containers.find())).value).toEqual([]);
  });

  it("an image that one node has is run there, whether the cluster knows of it or not", async () => {
    const image = front.engines.get("node-b")?.world.image("busybox");
    if (image === undefined) throw new Error("every engine has busybox");
    front.engines.get("node-b")?.world.addImage({ ...image, id: `sha256:${"1".repeat(64)}`, tags: new Set(["only:here"]) });
    expect(await nodeOf({ Image: "only:here" })).toBe("node-b");
    await front.ask("POST", "/v1.41/images/only:here/tag?repo=known&tag=1");
    expect(await nodeOf({ Image: "known:1" })).toBe("node-b");
    const elsewhere = await create({ Image: "known:1", Env: ["constraint:node==node-a"] });
    expect(elsewhere.status).toBe(404);
  });

  it("all images of its affinities decide the node, not the last of them", async () => {
    const image = front.engines.get("node-b")?.world.image("busybox");
    if (image === undefined) throw new Error("every engine has busybox");
    for (const name of ["node-b", "node-c"])
      front.engines.get(name)?.world.addImage({ ...image, id: `sha256:${"1".repeat(64)}`, tags: new Set([`of:${name}`]) });
    for (const _ of ["once", "twice"])
      expect(await nodeOf({ Env: ["affinity:image==of:node-b", "affinity:image==busybox"] })).toBe("node-b");
    const torn = await create({ Env: ["affinity:image==of:node-b", "affinity:image==of:node-c"] });
    expect([torn.status, torn.json()]).toEqual([
      503,
      { message: "no suitable node (none has all the images of its affinities)" },
    ]);
  });

  it("as the CLI runs an image that nobody has: 404, pull, and again", async () => {
    const reference = `${front.registry.host}/app:1`;
    const [engine] = [...front.engines.values()];
    const image = engine?.world.image("busybox");
    if (image === undefined) throw new Error("every engine has busybox");
    front.registry.put(reference, image);
    expect((await create({ Image: reference })).status).toBe(404);
    const pulled = await front.ask(
      "POST",
      `/v1.41/images/create?fromImage=${encodeURIComponent(`${front.registry.host}/app`)}&tag=1`,
    );
    expect([pulled.status, pulled.text]).toEqual([200, expect.stringContaining("node-a:")]);
    expect((await create({ Image: reference })).status).toBe(201);
  });

  it.each([
    ["no image", { Image: "" }, "no image specified"],
    ["an environment that is no list", { Env: "A=1" }, "invalid JSON: Env must be a list"],
    [
      "a label that is no list of rules",
      { Labels: { "com.docker.swarm.constraints": "zone==a" } },
      "the label com.docker.swarm.constraints must be a JSON list of rules",
    ],
  ])("%s is refused", async (_, body, message) => {
    const answer = await create(body);
    expect([answer.status, answer.json()]).toEqual([400, { message }]);
  });

  it("a platform that no node has is told", async () => {
    const answer = await create({}, "?platform=linux/arm64");
    expect([answer.status, answer.json()]).toEqual([
      503,
      { message: expect.stringContaining("unsupported platform on 3 nodes") },
    ]);
    for (const platform of ["linux/amd64", "linux", "amd64"]) expect(await nodeOf({}, `?platform=${platform}`)).toMatch(/^node-/);
    expect((await create({}, "?platform=windows")).status).toBe(503);
  });

  it("the address that newer clients give a network stands where older engines look", async () => {
    await nodeOf({
      Env: ["constraint:node==node-a"],
      NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: "02:42:ac:11:00:02" } } },
    });
    expect(madeOn("node-a")?.body["MacAddress"]).toBe("02:42:ac:11:00:02");
  });
});

describe("classic Swarm's words", () => {
  it("are constraints in ours", () => {
    const { constraints } = placementWords({
      Env: ["constraint:node==a", "constraint:zone!=~b", "constraint:engine.labels.x==y", "constraint:operatingsystem==linux"],
    });
    expect(constraints.map(constraintText)).toEqual([
      "node.name==a",
      "node.labels.zone!=b",
      "engine.labels.x==y",
      "node.platform.os==linux",
    ]);
    expect(constraints.map(({ isWish }) => isWish)).toEqual([false, true, false, false]);
  });
});
