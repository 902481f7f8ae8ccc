/** Images of a fleet: brought, named, pushed, removed everywhere, and what the Images then say of nodes. */
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { EngineUnreachableError, NoSuchImageError } from "../../shared/fleet/engine-errors.ts";
import { InvalidOptionError, NodeError, NodesFailedError, NoNodesError } from "../../shared/fleet/fleet/errors.ts";
import { ImageLedger } from "../../shared/fleet/fleet/image-ledger.ts";
import { imageNameOf, parseReference, registryOf } from "../../shared/fleet/fleet/image-reference.ts";
import { NoSuchNodeError } from "../../shared/fleet/nodes/errors.ts";
import { NoSuchSecretError } from "../../shared/fleet/secrets/resolver.ts";
import { packTar } from "../../shared/fleet/simulated/tar.ts";
import { imageIdsMax, imageKind, imageNodesMax } from "../../shared/kinds/image.ts";
import { checkName } from "../../shared/kinds/names.ts";
import { bodyOf, change, type FleetWorld, openFleet } from "./fleet-world.ts";

const reference = "registry.test:5000/team/web:1";

/** An image that the registry has and no node. */
async function published(count: number): Promise<FleetWorld> {
  const world = await openFleet(count);
  await world.fleet.images.tag("busybox", { repo: "registry.test:5000/team/web", tag: "1" });
  await world.fleet.images.push(reference);
  await world.fleet.images.remove(reference);
  return world;
}

async function imageOf({ store }: FleetWorld, name = reference) {
  return (await store.view(({ images }) => images.get(imageNameOf(parseReference(name))))).value;
}

describe("a reference", () => {
  it("says its registry by the source's rule", () => {
    const registries = ["busybox", "team/web", "localhost/web", "host:5000/web", "host.io/web", "a/b/c"].map(registryOf);
    expect(registries).toEqual([undefined, undefined, "localhost", "host:5000", "host.io", "a"]);
  });

  it("of one image is one name, however it is spelled; of two, two", () => {
    const names = (all: readonly string[]) => new Set(all.map((one) => imageNameOf(parseReference(one))));
    expect(names(["busybox", "busybox:latest", "docker.io/library/busybox", "index.docker.io/busybox:latest"]).size).toBe(1);
    const digest = `sha256:${"ab".repeat(32)}`;
    const others = ["busybox:1", "library/x/busybox", "host:5000/busybox", `busybox@${digest}`, "a-b", "a.b", "a/b", "a_b"];
    expect(names(others).size).toBe(others.length);
    for (const name of names([...others, `${"a".repeat(200)}/${"b".repeat(54)}`])) expect(checkName(name)).toEqual([]);
  });

  it("that is none is refused by name", () => {
    const bad = [
      "",
      ":1",
      "UPPER",
      "a b",
      "web:",
      "web:-1",
      "web@sha256:12",
      "a//b",
      "web@",
      `web:${"t".repeat(129)}`,
      "-web",
      "a".repeat(256),
    ];
    for (const one of bad) expect(() => parseReference(one), one).toThrow(InvalidOptionError);
    expect(parseReference(`web:${"t".repeat(128)}`).tag).toHaveLength(128);
    expect(parseReference("a".repeat(255)).repository).toHaveLength(255);
  });
});

describe("pull", () => {
  it("brings an image to all nodes, with every row named, and keeps id and digest without doubles", async () => {
    const world = await published(3);
    const rows = new Map<string, number>();
    const onRow = (node: string) => void rows.set(node, (rows.get(node) ?? 0) + 1);
    const pulled = await world.fleet.images.pull(reference, { onRow });
    await world.fleet.images.pull(reference);
    expect(pulled.map(({ nodeName }) => nodeName)).toEqual(["node-a", "node-b", "node-c"]);
    expect([...rows.keys()].sort()).toEqual(["node-a", "node-b", "node-c"]);
    const image = await imageOf(world);
    expect(image?.status?.history).toHaveLength(1);
    expect([...(image?.status?.history?.[0]?.nodeNames ?? [])].sort()).toEqual(["node-a", "node-b", "node-c"]);
    expect(image?.status?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await world.fleet.images.digest(reference)).toBe(image?.status?.digest);
    expect(imageKind.status.safeParse(image?.status).success).toBe(true);
  });

  it("to given nodes only, by name or address; a node that is not there is no busy one", async () => {
    const world = await published(3);
    const pulled = await world.fleet.images.pull(reference, { nodes: ["node-b", "tcp://node-c:2375", "node-b"] });
    expect(pulled.map(({ nodeName }) => nodeName)).toEqual(["node-b", "node-c"]);
    await expect(world.fleet.images.pull(reference, { nodes: ["node-x"] })).rejects.toThrow(NoSuchNodeError);
    await expect((await openFleet(0)).fleet.images.pull(reference)).rejects.toThrow(NoNodesError);
  });

  it("that fails on a node says so by its name, keeps what the others have, and the Image tells it until one succeeds", async () => {
    const world = await published(3);
    world.engines[1]?.faults.set({ kind: "unreachable" }, (call) => call === "image pull");
    const error = await world.fleet.images.pull(reference).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NodesFailedError);
    expect((error as NodesFailedError).errors.map(({ nodeName }) => nodeName)).toEqual(["node-b"]);
    expect((error as NodesFailedError).errors[0]?.cause).toBeInstanceOf(EngineUnreachableError);
    expect((error as NodesFailedError).done).toEqual(["node-a", "node-c"]);
    expect((await imageOf(world))?.status?.message).toMatch(/^pull failed on 1 of 3 nodes: node-b: /);
    world.engines[1]?.faults.set(undefined);
    await world.fleet.images.pull(reference);
    expect((await imageOf(world))?.status?.message).toBeUndefined();
  });

  it("of what no registry has fails on every node, and makes no Image", async () => {
    const world = await published(2);
    const error = await world.fleet.images.pull("registry.test:5000/none").catch((thrown: unknown) => thrown);
    expect((error as NodesFailedError).errors).toHaveLength(2);
    expect((error as Error).message).toMatch(/manifest unknown/);
    expect(await world.fleet.images.all()).toEqual([]);
  });

  it("credentials are the call's or a secret's, and stand nowhere afterwards", async () => {
    const world = await published(1);
    world.registry.credentials = { username: "me", password: "s3cret" };
    world.secrets.set("registry", { username: "me", password: "s3cret" });
    await expect(world.fleet.images.pull(reference)).rejects.toThrow(/no basic auth/);
    await expect(world.fleet.images.pull(reference, { pullSecretRef: { name: "none" } })).rejects.toThrow(NoSuchSecretError);
    await world.fleet.images.pull(reference, { pullSecretRef: { name: "registry" } });
    await world.fleet.images.pull(reference);
    await world.fleet.images.push(reference);
    const log = await world.store.save();
    expect(JSON.stringify(log)).not.toContain("s3cret");
    expect((await imageOf(world))?.spec.pullSecretRef).toEqual({ name: "registry" });
  });

  it("a reader that is slow slows the pull down, and one that throws ends it", async () => {
    const world = await published(1);
    const onRow = () => Promise.reject(new Error("the client left"));
    await expect(world.fleet.images.pull(reference, { onRow })).rejects.toThrow(/the client left/);
  });

  it("an image whose id changed is known under both ids", async () => {
    const world = await published(2);
    await world.fleet.images.pull(reference);
    const before = (await imageOf(world))?.status?.last?.imageId ?? "";
    await world.fleet.images.import(Readable.from([packTar([])]), { repo: "new", nodes: ["node-a"] });
    await world.fleet.images.tag("new", { repo: "registry.test:5000/team/web", tag: "1" });
    await world.fleet.images.push(reference);
    await world.fleet.images.pull(reference, { nodes: ["node-b"] });
    const status = (await imageOf(world))?.status;
    expect(status?.history?.map(({ imageId }) => imageId)).toEqual([before, status?.last?.imageId]);
    const { removed } = await world.fleet.images.remove(reference);
    expect(removed.map(({ nodeName }) => nodeName)).toEqual(["node-a", "node-b"]);
    // On node-a it is busybox, too.
    expect(world.engines.map(({ world: { images } }) => images.has(before))).toEqual([true, false]);
  });
});

describe("remove", () => {
  it("from every node; not found and not reached are no errors, and the latter are told and stay known", async () => {
    const world = await published(3);
    await world.fleet.images.pull(reference, { nodes: ["node-a", "node-b"] });
    world.engines[1]?.faults.set({ kind: "unreachable" });
    const { removed, unreached } = await world.fleet.images.remove(reference);
    expect(removed.map(({ nodeName }) => nodeName)).toEqual(["node-a"]);
    expect(unreached.map(({ nodeName }) => nodeName)).toEqual(["node-b"]);
    expect((await imageOf(world))?.status?.history?.[0]?.nodeNames).toEqual(["node-b"]);
    world.engines[1]?.faults.set(undefined);
    await world.fleet.images.remove(reference);
    expect(await world.fleet.images.all()).toEqual([]);
    await expect(world.fleet.images.remove(reference)).rejects.toThrow(NoSuchImageError);
  });

  it("by its id takes its names with it, and with them what the Images say", async () => {
    const world = await openFleet(2);
    const { images } = world.fleet;
    const made = await images.import(Readable.from([packTar([])]), { repo: "team/app", tag: "2", nodes: ["node-a"] });
    const id = made.images[0]?.imageId ?? "";
    await images.tag("team/app:2", { repo: "team/app", tag: "3" });
    expect((await images.remove(id, { force: true })).removed.map(({ nodeName }) => nodeName)).toEqual(["node-a"]);
    expect(await images.all()).toEqual([]);
    await expect(images.remove(id)).rejects.toThrow(NoSuchImageError);
    world.engines[1]?.faults.set({ kind: "unreachable" });
    await expect(images.remove(id)).rejects.toThrow(NodeError);
  });

  it("a node that refuses is an error, with what the others did", async () => {
    const world = await published(2);
    await world.fleet.images.pull(reference);
    await world.fleet.containers.create({ body: bodyOf({ Image: reference }), name: "web", nodes: ["node-b"] });
    await world.fleet.containers.start("web");
    const error = await world.fleet.images.remove(reference).catch((thrown: unknown) => thrown);
    expect((error as NodesFailedError).errors.map(({ nodeName }) => nodeName)).toEqual(["node-b"]);
    expect((error as NodesFailedError).done).toEqual(["node-a"]);
    expect((await imageOf(world))?.status?.history?.[0]?.nodeNames).toEqual(["node-b"]);
  });
});

describe("made on a node", () => {
  it("import, then tag, history and inspect where it is", async () => {
    const world = await openFleet(3);
    const made = await world.fleet.images.import(Readable.from([packTar([])]), { repo: "team/app", tag: "2", nodes: ["node-c"] });
    expect(made.images.map((one) => one.reference)).toEqual(["team/app:2"]);
    await world.fleet.images.tag("team/app:2", { repo: "team/app", tag: "3" });
    const { node, details } = await world.fleet.images.inspect("team/app:3");
    expect([node.metadata.name, details.Id]).toEqual(["node-c", made.images[0]?.imageId]);
    expect(await world.fleet.images.history("team/app:2")).not.toEqual([]);
    expect((await world.fleet.images.all()).map(({ spec }) => spec.reference).sort()).toEqual(["team/app:2", "team/app:3"]);
  });

  it("import takes its tag also within the name, and no digest", async () => {
    const { fleet } = await openFleet(1);
    const made = await fleet.images.import(Readable.from([packTar([])]), { repo: "docker.io/team/app:2" });
    expect(made.images.map((one) => one.reference)).toEqual(["team/app:2"]);
    const digest = { repo: `team/app@sha256:${"a".repeat(64)}` };
    await expect(fleet.images.import(Readable.from([packTar([])]), digest)).rejects.toThrow(InvalidOptionError);
  });

  it("import from a URL that is none, or that the node does not reach, says so", async () => {
    const { fleet } = await openFleet(1);
    await expect(fleet.images.import({ url: "file:///etc/passwd" }, { repo: "x" })).rejects.toThrow(InvalidOptionError);
    await expect(fleet.images.import({ url: "http://nowhere.test/x.tar" }, { repo: "x" })).rejects.toThrow(/no such host/);
    expect(await fleet.images.all()).toEqual([]);
  });

  it("build: its rows come, and what it names is kept; one that fails says why", async () => {
    const world = await openFleet(2);
    const context = (text: string) => Readable.from([packTar([{ name: "Dockerfile", type: "file", bytes: Buffer.from(text) }])]);
    const rows: string[] = [];
    const onRow = (_: string, row: { readonly stream?: string }) => void rows.push(row.stream ?? "");
    const made = await world.fleet.images.build(context("FROM busybox\n"), { query: { t: "team/built:1" }, onRow });
    expect(made.images.map((one) => one.reference)).toEqual(["team/built:1"]);
    expect(rows.join("")).toContain("Successfully tagged team/built:1");
    const failing = world.fleet.images.build(context("FROM busybox\nRUN exit 3\n"));
    await expect(failing).rejects.toThrow(/returned a non-zero code: 3/);
    await expect((await openFleet(0)).fleet.images.build(context(""))).rejects.toThrow(NoNodesError);
  });

  it("save gives what load brings to all nodes; a node that takes no bytes is told, and the others have it", async () => {
    const world = await openFleet(3);
    await world.fleet.images.import(Readable.from([packTar([])]), { repo: "team/app", tag: "2", nodes: ["node-a"] });
    const tar = await world.fleet.images.save(["team/app:2"]);
    world.engines[2]?.faults.set({ kind: "unreachable" }, (call) => call === "image load");
    const error = await world.fleet.images.load(tar).catch((thrown: unknown) => thrown);
    expect((error as NodesFailedError).done).toEqual(["node-a", "node-b"]);
    expect((error as NodesFailedError).errors.map(({ nodeName }) => nodeName)).toEqual(["node-c"]);
    expect([...((await imageOf(world, "team/app:2"))?.status?.history?.[0]?.nodeNames ?? [])].sort()).toEqual([
      "node-a",
      "node-b",
    ]);
    await expect(world.fleet.images.save(["none"])).rejects.toThrow(NoSuchImageError);
    await expect(world.fleet.images.save([])).rejects.toThrow(InvalidOptionError);
    await expect(world.fleet.images.save(Array.from({ length: 101 }, () => "busybox"))).rejects.toThrow(InvalidOptionError);
  });
});

describe("load on a node that has no engine", () => {
  it("fails there, and holds up no other", async () => {
    const world = await openFleet(1);
    await world.fleet.nodes.register({ address: "tcp://nowhere:2375", name: "nowhere" });
    await world.fleet.images.import(Readable.from([packTar([])]), { repo: "team/app", nodes: ["node-a"] });
    const tar = await world.fleet.images.save(["team/app"]);
    const error = await world.fleet.images.load(tar).catch((thrown: unknown) => thrown);
    expect((error as NodesFailedError).errors.map(({ nodeName }) => nodeName)).toEqual(["nowhere"]);
    expect((error as NodesFailedError).done).toEqual(["node-a"]);
  });
});

describe("a fleet of more nodes than are asked at once", () => {
  it("is loaded together all the same: none waits for a turn while others wait for it", async () => {
    const world = await openFleet(300);
    await world.fleet.images.import(Readable.from([packTar([])]), { repo: "team/app", nodes: ["node-a"] });
    const tar = await world.fleet.images.save(["team/app"]);
    expect(await world.fleet.images.load(tar)).toHaveLength(300);
    const [image] = await world.fleet.images.all();
    expect(image?.status?.history?.[0]?.nodeNames).toHaveLength(300);
  });
});

describe("look-ups", () => {
  it("an image that no Image tells of is looked for on the nodes, and one that is nowhere is not found", async () => {
    const world = await openFleet(2);
    const { details } = await world.fleet.images.inspect("busybox");
    expect((await world.fleet.images.inspect(details.Id)).details.Id).toBe(details.Id);
    const calls = [
      world.fleet.images.inspect("none"),
      world.fleet.images.history("none"),
      world.fleet.images.tag("none", { repo: "x" }),
      world.fleet.images.push("none"),
      world.fleet.images.digest("none"),
    ];
    for (const call of calls) await expect(call).rejects.toThrow(NoSuchImageError);
  });

  it("list asks all nodes, disabled ones too, and says which failed", async () => {
    const world = await openFleet(3);
    await world.fleet.nodes.update("node-a", { creationStatus: "disabled" });
    world.engines[1]?.faults.set({ kind: "unreachable" });
    const { rows, errors } = await world.fleet.images.list();
    expect(rows.map(({ node }) => node.metadata.name)).toEqual(["node-a", "node-c"]);
    expect(errors.map(({ nodeName }) => nodeName)).toEqual(["node-b"]);
  });

  it("a push that the registry refuses says so", async () => {
    const world = await published(1);
    await world.fleet.images.pull(reference);
    world.registry.credentials = { username: "me", password: "s3cret" };
    const error = await world.fleet.images.push(reference).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NodeError);
    expect((error as Error).message).toMatch(/running command "push": no basic auth credentials/);
  });
});

describe("an Image", () => {
  const image = parseReference("web:1");
  const id = (n: number) => `sha256:${String(n).padStart(64, "0")}`;

  it("holds so many ids and nodes, the newest, and stays valid", async () => {
    const world = await openFleet(0);
    const ledger = new ImageLedger(world.store);
    const seen = (count: number, imageId: string) => Array.from({ length: count }, (_, n) => ({ nodeName: `n${n}`, imageId }));
    await ledger.note(image, { seen: seen(imageNodesMax + 1, id(0)) });
    expect((await ledger.get(image)).status.history?.[0]?.nodeNames).toHaveLength(imageNodesMax);
    for (let n = 1; n <= imageIdsMax + 1; n += 1) await ledger.note(image, { seen: seen(1, id(n)) });
    const { status } = await ledger.get(image);
    expect(status.history).toHaveLength(imageIdsMax);
    expect(status.history?.at(-1)?.imageId).toBe(id(imageIdsMax + 1));
    expect(imageKind.status.safeParse(status).success).toBe(true);
  });

  it("what is known already is no commit, and fifty that tell at once lose nothing", async () => {
    const world = await openFleet(0);
    const ledger = new ImageLedger(world.store);
    const one = { seen: [{ nodeName: "n0", imageId: id(1) }] };
    await ledger.note(image, one);
    const { revision } = world.store;
    await ledger.note(image, one);
    expect(world.store.revision).toBe(revision);
    await ledger.note(image, { seen: [{ nodeName: "n1", imageId: id(1) }] });
    const { revision: then } = world.store;
    for (const nodeName of ["n0", "n1", "n0"]) await ledger.note(image, { seen: [{ nodeName, imageId: id(1) }] });
    expect(world.store.revision).toBe(then);
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => ledger.note(image, { seen: [{ nodeName: `n${n}`, imageId: id(1) }] })),
    );
    expect((await ledger.get(image)).status.history?.[0]?.nodeNames).toHaveLength(50);
  });

  it("that people made and no node has is no image yet", async () => {
    const world = await openFleet(0);
    const spec = imageKind.spec.parse({ reference: "web:1", pullSecretRef: { name: "registry" } });
    await change(world.store, ({ images }) =>
      images.create({ apiVersion: "windlass.dev/v1", kind: "Image", metadata: { name: imageNameOf(image) }, spec }),
    );
    await expect(world.fleet.images.digest("web:1")).rejects.toThrow(NoSuchImageError);
  });
});
