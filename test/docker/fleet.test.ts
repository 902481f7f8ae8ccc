/** A Fleet on three real Docker engines and Debian's registry: containers by name on any node, images pushed, pulled and removed. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { Attempts } from "../../shared/fleet/containers/attempts.ts";
import { openDockerEngine } from "../../shared/fleet/docker/open.ts";
import { EngineUnreachableError, NoSuchContainerError } from "../../shared/fleet/engine-errors.ts";
import { NodeError, type NodesFailedError } from "../../shared/fleet/fleet/errors.ts";
import { imageNameOf, parseReference } from "../../shared/fleet/fleet/image-reference.ts";
import { Fleet } from "../../shared/fleet/fleet.ts";
import { NodeEngines } from "../../shared/fleet/nodes/engines.ts";
import { NodeHealer } from "../../shared/fleet/nodes/healer.ts";
import type { Secret } from "../../shared/fleet/secrets/resolver.ts";
import { packTar, unpackTar } from "../../shared/fleet/simulated/tar.ts";
import type { Store } from "../../shared/state/store.ts";
import { runsForReal } from "../fleet/commands.ts";
import { mapSecrets } from "../fleet/map-secrets.ts";
import { openStore, watchedPorts } from "../state/watched-ports.ts";
import { RealEngine } from "./real-engine.ts";
import { Registry } from "./registry.ts";
import { canStartEngines } from "./requirements.ts";

const sleeping = { Image: "busybox", Cmd: runsForReal };
const never = { pull: "never" } as const;

/** A web server that has `bytes` at its root and nothing else. */
async function serving(bytes: Uint8Array) {
  const server = createServer(({ url }, answer) =>
    answer.writeHead(url === "/" ? 200 : 404).end(url === "/" ? bytes : undefined),
  );
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => void (await once(server.close(), "close")) };
}

describe.skipIf(!canStartEngines())("a fleet of real engines", () => {
  let engines: readonly RealEngine[] = [];
  let registry: Registry;
  let store: Store;
  let fleet: Fleet;
  let nodeEngines: NodeEngines;
  let healer: NodeHealer;
  const secrets = new Map<string, Secret>();

  beforeAll(async () => {
    registry = await Registry.start();
    engines = await Promise.all([RealEngine.start(), RealEngine.start({ isTls: true }), RealEngine.start()]);
    const ports = await watchedPorts();
    store = openStore(ports, systemClock);
    const resolver = mapSecrets(secrets);
    const { tls } = engines[1] as RealEngine;
    if (tls !== undefined) secrets.set("node-key", { ca: tls.ca ?? "", cert: tls.cert ?? "", key: tls.key ?? "" });
    nodeEngines = new NodeEngines({ open: openDockerEngine, secrets: resolver, clock: systemClock });
    const common = { store, cells: ports.cells, engines: nodeEngines, clock: systemClock, ids: systemIds, logger: silentLogger };
    healer = new NodeHealer(common);
    fleet = new Fleet({ ...common, healer, attempts: new Attempts(common), secrets: resolver });
    for (const [place, { address, tls: material }] of engines.entries()) {
      const secret = material === undefined ? {} : { tlsSecretName: "node-key" };
      await fleet.nodes.register({ address, name: `node-${place}`, ...secret });
    }
    await healer.round();
  });
  afterAll(async () => {
    await nodeEngines?.[Symbol.asyncDispose]();
    store?.close();
    await Promise.all([...engines.map((engine) => engine.stop()), registry?.stop()]);
  });

  const text = (stream: PassThrough): Promise<string> =>
    stream
      .setEncoding("utf8")
      .toArray()
      .then((all) => all.join(""));

  it("runs a container on each node, over TLS too, and finds each by its name", async () => {
    const made = [];
    for (const name of ["one", "two", "three"]) made.push(await fleet.containers.create({ ...never, body: sleeping, name }));
    expect(made.map(({ node }) => node.metadata.name).sort()).toEqual(["node-0", "node-1", "node-2"]);
    for (const name of ["one", "two", "three"]) await fleet.containers.start(name);
    const { rows, errors } = await fleet.containers.list();
    expect(errors).toEqual([]);
    expect(rows.map(({ node, row }) => [node.metadata.name, row.State])).toEqual([0, 1, 2].map((n) => [`node-${n}`, "running"]));
    const { container } = await fleet.containers.find("two");
    expect((await fleet.containers.inspect("two")).Id).toBe(container.status?.containerId);
    expect((await fleet.containers.top("two")).Processes.length).toBeGreaterThan(0);
    for (const name of ["one", "two", "three"]) await fleet.containers.remove(name, { force: true });
    expect(await fleet.containers.all()).toEqual([]);
  });

  it("logs, attach in both forms, exec, wait, files, commit and rename", async () => {
    const body = { Image: "busybox", Cmd: ["sh", "-c", "echo out; echo err >&2; cat"], OpenStdin: true, StdinOnce: true };
    await fleet.containers.create({ ...never, body, name: "shell" });
    const [out, err] = [new PassThrough(), new PassThrough()];
    const streams = { stdin: Readable.from([Buffer.from("in\n")]), stdout: out, stderr: err };
    const attachment = await fleet.containers.attachNonBlocking("shell", streams);
    await fleet.containers.start("shell");
    await attachment.wait();
    out.end();
    err.end();
    expect([await text(out), await text(err)]).toEqual(["out\nin\n", "err\n"]);
    expect(await fleet.containers.wait("shell")).toMatchObject({ StatusCode: 0 });
    const logged = new PassThrough();
    await fleet.containers.logs("shell", { stdout: logged });
    logged.end();
    expect(await text(logged)).toBe("out\nin\n");
    await fleet.containers.upload(
      "shell",
      "/tmp",
      Readable.from([packTar([{ name: "f", type: "file", bytes: Buffer.from("f") }])]),
    );
    const { tar } = await fleet.containers.download("shell", "/tmp/f");
    expect(unpackTar(Buffer.concat(await tar.toArray())).map(({ name }) => name)).toEqual(["f"]);
    const { Id } = await fleet.containers.commit("shell", { repo: "team/saved", tag: "1" });
    expect((await fleet.images.inspect("team/saved:1")).details.Id).toBe(Id);
    await fleet.containers.rename("shell", "renamed");
    await fleet.containers.remove("renamed");
    await expect(fleet.containers.find("shell")).rejects.toThrow(NoSuchContainerError);
    const { removed } = await fleet.images.remove("team/saved:1");
    expect(removed).toHaveLength(1);
  });

  it("an exec by its id alone, with its output and its exit code", async () => {
    await fleet.containers.create({ ...never, body: sleeping, name: "web" });
    await fleet.containers.start("web");
    const { Id } = await fleet.execs.create("web", {
      Cmd: ["sh", "-c", "echo hi; exit 3"],
      AttachStdout: true,
      AttachStderr: true,
    });
    const out = new PassThrough();
    await fleet.execs.start(Id, { stdout: out });
    out.end();
    expect(await text(out)).toBe("hi\n");
    expect((await fleet.execs.inspect(Id)).ExitCode).toBe(3);
    const { engine, engineId } = await fleet.containers.find("web");
    const foreign = await engine.execs.create(engineId, { Cmd: ["true"] });
    expect((await fleet.execs.find(foreign.Id)).isTty).toBeUndefined();
    await fleet.execs.startDetached(foreign.Id);
    await fleet.containers.stop("web", { graceSeconds: 5 });
    await fleet.containers.remove("web");
  });

  it("push, pull to all nodes, digest and removal everywhere", async () => {
    const reference = `${registry.host}/team/web:1`;
    await fleet.images.tag("busybox", { repo: `${registry.host}/team/web`, tag: "1" });
    const { digest } = await fleet.images.push(reference);
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    await fleet.images.remove(reference);
    const rows = new Set<string>();
    const pulled = await fleet.images.pull(reference, { onRow: (node) => void rows.add(node) });
    expect([...rows].sort()).toEqual(["node-0", "node-1", "node-2"]);
    expect(new Set(pulled.map(({ imageId }) => imageId)).size).toBe(1);
    expect(await fleet.images.digest(reference)).toBe(digest);
    const { value: image } = await store.view(({ images }) => images.get(imageNameOf(parseReference(reference))));
    expect([...(image?.status?.history?.[0]?.nodeNames ?? [])].sort()).toEqual(["node-0", "node-1", "node-2"]);
    const byDigest = `${registry.host}/team/web@${digest}`;
    await fleet.images.pull(byDigest, { nodes: ["node-0"] });
    expect((await fleet.images.inspect(byDigest)).details.Id).toBe(pulled[0]?.imageId);
    const { removed } = await fleet.images.remove(reference);
    expect(removed.map(({ nodeName }) => nodeName)).toEqual(["node-0", "node-1", "node-2"]);
    const missing = await fleet.images.pull(`${registry.host}/team/none`).catch((thrown: unknown) => thrown);
    expect((missing as NodesFailedError).errors).toHaveLength(3);
  });

  it("create pulls what its node has not, from the registry", async () => {
    const reference = `${registry.host}/team/app:1`;
    await fleet.images.tag("busybox", { repo: `${registry.host}/team/app`, tag: "1" });
    await fleet.images.push(reference);
    await fleet.images.remove(reference);
    const { node } = await fleet.containers.create({ body: { ...sleeping, Image: reference }, name: "pulled" });
    const { value: image } = await store.view(({ images }) => images.get(imageNameOf(parseReference(reference))));
    expect(image?.status?.last?.nodeName).toBe(node.metadata.name);
    await fleet.containers.remove("pulled");
  });

  it("import, build, save and load", async () => {
    const context = packTar([
      { name: "Dockerfile", type: "file", bytes: Buffer.from('FROM busybox\nLABEL a=b\nCMD ["true"]\n') },
    ]);
    const made = await fleet.images.build(Readable.from([context]), { query: { t: "team/built:1" }, nodes: ["node-0"] });
    expect(made.images.map(({ reference }) => reference)).toEqual(["team/built:1"]);
    const loaded = await fleet.images.load(await fleet.images.save(["team/built:1"]));
    expect(loaded.map(({ nodeName }) => nodeName)).toEqual(["node-0", "node-1", "node-2"]);
    expect(new Set(loaded.flatMap(({ images }) => images.map(({ imageId }) => imageId))).size).toBe(1);
    const files = packTar([{ name: "hello", type: "file", bytes: Buffer.from("hello") }]);
    await fleet.images.import(Readable.from([files]), {
      repo: "team/imported",
      tag: "1",
      nodes: [engines[2]?.address ?? ""],
    });
    expect((await fleet.images.inspect("team/imported:1")).node.metadata.name).toBe("node-2");
    expect(await fleet.images.history("team/built:1")).not.toEqual([]);
    await using server = await serving(files);
    const fetched = await fleet.images.import({ url: server.url }, { repo: "team/fetched", nodes: ["node-1"] });
    expect(fetched.images.map(({ reference }) => reference)).toEqual(["team/fetched:latest"]);
    const nothing = fleet.images.import({ url: `${server.url}/none` }, { repo: "team/none", nodes: ["node-1"] });
    await expect(nothing).rejects.toThrow(NodeError);
  });

  it("a node that is killed: its list fails by name, a create goes elsewhere, and it is used again when it is back", async () => {
    const [first] = engines;
    await first?.kill();
    const { rows, errors } = await fleet.images.list();
    expect(errors.map(({ nodeName }) => nodeName)).toEqual(["node-0"]);
    expect(new Set(rows.map(({ node }) => node.metadata.name))).toEqual(new Set(["node-1", "node-2"]));
    const error = await fleet.containers
      .create({ ...never, body: sleeping, nodes: ["node-0"] })
      .catch((thrown: unknown) => thrown);
    expect((error as NodeError).cause).toBeInstanceOf(EngineUnreachableError);
    expect((await fleet.nodes.get("node-0")).status).toMatchObject({ state: "disconnected", failures: 1 });
    const { node } = await fleet.containers.create({ ...never, body: sleeping, name: "elsewhere" });
    expect(node.metadata.name).not.toBe("node-0");
    await fleet.containers.remove("elsewhere");
    await first?.run();
    await healer.round();
    expect(await fleet.nodes.nodes()).toHaveLength(3);
    expect(await fleet.containers.all()).toEqual([]);
  });

  it("an engine that hangs holds nobody up beyond the time-out", async () => {
    engines[2]?.freeze();
    const begun = performance.now();
    const { errors, rows } = await fleet.images.list({}, { timeoutMs: 1_000 });
    engines[2]?.thaw();
    expect(errors.map(({ nodeName }) => nodeName)).toEqual(["node-2"]);
    expect(rows.length).toBeGreaterThan(0);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
