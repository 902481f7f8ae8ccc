/** Every verb of a container, by whatever it is called; and what a fleet says where nodes fail. */

import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { NameInUseError } from "../../shared/fleet/containers/errors.ts";
import { EngineUnreachableError, NoSuchContainerError, NoSuchExecError } from "../../shared/fleet/engine-errors.ts";
import { ListenerLeftError } from "../../shared/fleet/fleet/copy.ts";
import { AmbiguousError, InvalidOptionError, NodeError } from "../../shared/fleet/fleet/errors.ts";
import type { Fault } from "../../shared/fleet/simulated/faults.ts";
import { packTar, unpackTar } from "../../shared/fleet/simulated/tar.ts";
import { containerKind } from "../../shared/kinds/container.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { bodyOf, change, containersOf, type FleetWorld, openFleet, setNodeState } from "./fleet-world.ts";

const unreachable: Fault = { kind: "unreachable" };

async function running(world: FleetWorld, name: string, more: object = {}): Promise<string> {
  const { container } = await world.fleet.containers.create({ body: bodyOf(more), name, pull: "never" });
  await world.fleet.containers.start(name);
  return container.status?.containerId ?? "";
}

/** What is written to it, as text. */
function catcher(): { readonly stream: PassThrough; text(): string } {
  const chunks: Uint8Array[] = [];
  const stream = new PassThrough().on("data", (chunk: Uint8Array) => void chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

describe("find", () => {
  it("by id, a beginning of it, name, node/name, attempt and object's name", async () => {
    const world = await openFleet(2);
    const id = await running(world, "web");
    const { container, node, engineId } = await world.fleet.containers.find("web");
    expect(engineId).toBe(id);
    const names = [
      id,
      id.slice(0, 12),
      "/web",
      `${node.metadata.name}/web`,
      container.spec.attempt?.id ?? "",
      container.metadata.name,
    ];
    for (const name of [...names, `default/${container.metadata.name}`]) {
      expect((await world.fleet.containers.find(name)).container.metadata.uid).toBe(container.metadata.uid);
    }
  });

  it("a beginning that two have is refused, one that none has is not found, and neither is nonsense", async () => {
    const world = await openFleet(1);
    for (const start of ["ab1", "ab2", "cdcdcdcdcdcd1", "cdcdcdcdcdcd2"]) {
      const spec = containerKind.spec.parse({ nodeName: "node-a", image: "busybox" });
      const status = { state: "running" as const, containerId: start.padEnd(64, "0") };
      const metadata = { name: `foreign-${start}`, namespace: "default" };
      await change(world.store, ({ containers }) => containers.create({ apiVersion, kind: "Container", metadata, spec, status }));
    }
    const { containers } = world.fleet;
    for (const both of ["ab", "cdcdcdcdcdc", "cdcdcdcdcdcd"]) await expect(containers.find(both)).rejects.toThrow(AmbiguousError);
    for (const one of ["ab1", "ab1000000000", "ab10000000000", "cdcdcdcdcdcd2"])
      expect((await containers.find(one)).container.metadata.name).toMatch(/^foreign-(ab1|cdcdcdcdcdcd2)$/);
    for (const none of ["ff", "cdcdcdcdcdcd3", "ab10000000001", "", "/", "a b", "../etc", "node-a/none", "x/y/z", "ünder"]) {
      const error = await containers.find(none).catch((thrown: unknown) => thrown);
      expect(error, none).toBeInstanceOf(NoSuchContainerError);
      expect((error as NoSuchContainerError).status).toBe(404);
    }
    await expect(containers.find("a".repeat(521))).rejects.toThrow(InvalidOptionError);
    await expect(containers.find("a".repeat(520))).rejects.toThrow(NoSuchContainerError);
  });
});

describe("verbs", () => {
  it("start, pause, unpause, restart, kill, wait, stop", async () => {
    const world = await openFleet(2);
    const { containers } = world.fleet;
    await running(world, "web");
    const state = async () => (await containers.inspect("web")).State.Status;
    expect(await state()).toBe("running");
    await containers.start("web");
    await containers.pause("web");
    expect(await state()).toBe("paused");
    await containers.unpause("web");
    await containers.restart("web", { graceSeconds: 1 });
    expect(await state()).toBe("running");
    const ended = containers.wait("web");
    await containers.kill("web");
    expect((await ended).StatusCode).toBe(137);
    await containers.start("web");
    await containers.stop("web", { graceSeconds: 1 });
    expect(await state()).toBe("exited");
    const refused = await containers.kill("web").catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(NodeError);
    expect((refused as Error).message).toMatch(/^error in docker node "node-[ab]" running command "kill": Cannot kill container/);
  });

  it("top, changes, stats, update, resize", async () => {
    const world = await openFleet(1);
    const { containers } = world.fleet;
    await running(world, "web", { Tty: true });
    expect((await containers.top("web")).Processes).toHaveLength(1);
    expect(await containers.changes("web")).toEqual([]);
    const rows = await containers.stats("web", { once: true });
    for await (const row of rows) expect(row).toHaveProperty("memory_stats");
    expect(await containers.update("web", { RestartPolicy: { Name: "always" } })).toHaveProperty("Warnings");
    await containers.resize("web", { height: 24, width: 80 });
  });

  it("files go in and out: upload, stat, download, export", async () => {
    const world = await openFleet(1);
    const { containers } = world.fleet;
    await running(world, "web");
    const tar = packTar([{ name: "hello", type: "file", bytes: Buffer.from("hello") }]);
    await containers.upload("web", "/tmp", Readable.from([tar]));
    expect((await containers.stat("web", "/tmp/hello")).size).toBe(5);
    const { tar: back } = await containers.download("web", "/tmp/hello");
    expect(unpackTar(await buffer(back)).map(({ name }) => name)).toEqual(["hello"]);
    const whole = unpackTar(await buffer(await containers.export("web")));
    expect(whole.map(({ name }) => name)).toContain("tmp/hello");
    await expect(containers.stat("web", "/none")).rejects.toThrow(NodeError);
  });

  it("logs are taken apart; a terminal's are one", async () => {
    const world = await openFleet(1);
    const { containers } = world.fleet;
    await containers.create({ body: bodyOf({ Cmd: ["sh", "-c", "echo out; echo err >&2"] }), name: "two", pull: "never" });
    await containers.start("two");
    await containers.wait("two");
    const [out, err] = [catcher(), catcher()];
    await containers.logs("two", { stdout: out.stream, stderr: err.stream });
    expect([out.text(), err.text()]).toEqual(["out\n", "err\n"]);
    await containers.create({ body: bodyOf({ Cmd: ["echo", "hi"], Tty: true }), name: "tty", pull: "never" });
    await containers.start("tty");
    await containers.wait("tty");
    const all = catcher();
    await containers.logs("tty", { stdout: all.stream, stderr: err.stream });
    expect(all.text()).toBe("hi\r\n");
  });

  it("a listener that leaves in the middle of endless logs ends them on the engine, too", async () => {
    const world = await openFleet(1);
    await running(world, "loud", { Cmd: ["sh", "-c", "while true; do echo x; done"] });
    const listener = new PassThrough({ highWaterMark: 16 });
    listener.once("data", () => listener.destroy());
    await expect(world.fleet.containers.logs("loud", { stdout: listener, follow: true })).rejects.toThrow(ListenerLeftError);
    await world.fleet.containers.kill("loud");
  });

  it("attach blocks until the end; its other form returns at once, and closes", async () => {
    const world = await openFleet(1);
    const { containers } = world.fleet;
    const shell = { Cmd: ["cat"], OpenStdin: true, StdinOnce: true, AttachStdin: true };
    await containers.create({ body: bodyOf(shell), name: "cat", pull: "never" });
    const out = catcher();
    const attached = containers.attach("cat", {
      stdin: Readable.from([Buffer.from("one\n"), Buffer.from("two\n")]),
      stdout: out.stream,
    });
    await expect.poll(() => world.engines[0]?.world.containers.size).toBe(1);
    await containers.start("cat");
    await attached;
    expect(out.text()).toBe("one\ntwo\n");
    await running(world, "web");
    const attachment = await containers.attachNonBlocking("web", { stdout: out.stream });
    attachment.close();
    await attachment.wait();
    expect((await containers.inspect("web")).State.Running).toBe(true);
  });

  it("commit makes an image, and an Image where it was named", async () => {
    const world = await openFleet(1);
    const { containers, images } = world.fleet;
    await running(world, "web");
    const { Id } = await containers.commit("web", { repo: "team/saved", tag: "1" });
    expect((await images.inspect("team/saved:1")).details.Id).toBe(Id);
    expect((await images.all()).map(({ spec, status }) => [spec.reference, status?.last?.imageId])).toEqual([
      ["team/saved:1", Id],
    ]);
    await containers.commit("web");
    expect(await images.all()).toHaveLength(1);
  });

  it("rename is the store's: the engine's name stays the attempt's, and a name that is taken is refused", async () => {
    const world = await openFleet(2);
    const { containers } = world.fleet;
    const id = await running(world, "web");
    await running(world, "db");
    await containers.rename("web", "front");
    expect((await containers.find("front")).engineId).toBe(id);
    await expect(containers.find("web")).rejects.toThrow(NoSuchContainerError);
    expect((await containers.inspect("front")).Name).toMatch(/^\/wl-/);
    await expect(containers.rename("front", "db")).rejects.toThrow(NameInUseError);
    await expect(containers.rename("front", "-")).rejects.toThrow(InvalidOptionError);
    await expect(containers.rename("front", "a".repeat(256))).rejects.toThrow(InvalidOptionError);
    await containers.rename("front", "a".repeat(255));
  });

  it("remove: one that the node has no more is no error; any other error keeps the object", async () => {
    const world = await openFleet(1);
    const { containers } = world.fleet;
    const id = await running(world, "web");
    await expect(containers.remove("web")).rejects.toThrow(NodeError);
    world.engines[0]?.faults.set({ kind: "failing", status: 500, message: "device is busy" });
    await expect(containers.remove("web", { force: true })).rejects.toThrow(
      /node "node-a" running command "remove": device is busy/,
    );
    world.engines[0]?.faults.set(undefined);
    expect(await containers.all()).toHaveLength(1);
    world.engines[0]?.world.containers.delete(id);
    await containers.remove("web");
    expect(await containers.all()).toEqual([]);
    await expect(containers.remove("web")).rejects.toThrow(NoSuchContainerError);
  });

  it("remove on a node that can't be reached: an error that names it; by force at once, the container goes when it is back", async () => {
    const world = await openFleet(1);
    const { containers } = world.fleet;
    await running(world, "web");
    const foreign = world.engines[0]?.world.create("theirs", bodyOf()).id ?? "";
    const agents = world.agents();
    await agents.round();
    for (const state of ["ready", "down"] as const) {
      world.engines[0]?.faults.set(unreachable);
      await setNodeState(world, "node-a", state);
      const error = await containers.remove("web").catch((thrown: unknown) => thrown);
      expect((error as NodeError).message).toMatch(/^error in docker node "node-a" running command "remove": .*can't be reached/);
      expect((error as NodeError).cause).toBeInstanceOf(EngineUnreachableError);
      await containers.remove("web", { force: true });
      await expect(containers.find("web")).rejects.toThrow(NoSuchContainerError);
      expect(containersOf(world)).toEqual([2]);
      // What was found there can't be made to go by an object that is missing.
      await expect(containers.remove(foreign, { force: true })).rejects.toThrow(NodeError);
      world.engines[0]?.faults.set(undefined);
      await setNodeState(world, "node-a", "ready");
      await agents.round();
      expect([...(world.engines[0]?.world.containers.keys() ?? [])]).toEqual([foreign]);
      await running(world, "web");
    }
  });

  it("remove on a node that was taken away: the object goes, and its name is free; back again, it has the container no more", async () => {
    const world = await openFleet(2);
    const { containers, nodes } = world.fleet;
    const id = await running(world, "web");
    const { node } = await containers.find("web");
    await nodes.unregister(node.metadata.name);
    const agents = world.agents();
    await agents.round();
    const [lost] = await containers.all();
    expect(lost?.status).toMatchObject({ state: "lost", message: `node ${node.metadata.name} was removed` });
    await expect(containers.inspect("web")).rejects.toThrow(
      `No such container: web (its node ${node.metadata.name} was removed)`,
    );
    await containers.remove(id.slice(0, 12));
    expect(await containers.all()).toEqual([]);
    await running(world, "web");
    await nodes.register({ name: node.metadata.name, address: node.spec.address });
    await world.healer.round();
    await agents.round();
    expect(containersOf(world).toSorted()).toEqual([0, 1]);
  });

  it("a node that can't be reached when a container is started is reported, without a count", async () => {
    const world = await openFleet(1);
    await world.fleet.containers.create({ body: bodyOf(), name: "web", pull: "never" });
    world.engines[0]?.faults.set(unreachable);
    await expect(world.fleet.containers.start("web")).rejects.toThrow(NodeError);
    const node = await world.fleet.nodes.get("node-a");
    expect(node.status?.lastError).toMatch(/can't be reached/);
    expect(node.status?.failures ?? 0).toBe(0);
  });

  it("a command that can't be run is no fault of the node", async () => {
    const world = await openFleet(1);
    await world.fleet.containers.create({ body: bodyOf({ Cmd: ["nonsense"] }), name: "bad", pull: "never" });
    await expect(world.fleet.containers.start("bad")).rejects.toThrow(/no such file or directory/);
    expect((await world.fleet.nodes.get("node-a")).status?.lastError).toBeUndefined();
  });
});

describe("lists", () => {
  it("all nodes in parallel: what the others have, and which node failed", async () => {
    const world = await openFleet(3);
    for (const name of ["one", "two", "three"]) await running(world, name);
    world.engines[1]?.faults.set(unreachable);
    const { rows, errors } = await world.fleet.containers.list({ all: true });
    expect(rows.map(({ node }) => node.metadata.name)).toEqual(["node-a", "node-c"]);
    expect(errors.map(({ nodeName, cause }) => [nodeName, cause instanceof EngineUnreachableError])).toEqual([["node-b", true]]);
  });

  it("one that hangs holds the others up for its own time-out only", async () => {
    const world = await openFleet(3);
    world.engines[2]?.faults.set({ kind: "hang" });
    const begun = performance.now();
    const { errors } = await world.fleet.containers.list({ all: true }, { timeoutMs: 100 });
    expect(errors.map(({ nodeName }) => nodeName)).toEqual(["node-c"]);
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});

describe("execs", () => {
  it("create, start, inspect and resize by the exec's id alone, from another process too", async () => {
    const world = await openFleet(2);
    await running(world, "web");
    const { execs } = world.fleet;
    const { Id } = await execs.create("web", { Cmd: ["sh", "-c", "echo out; echo err >&2; exit 3"] });
    const [out, err] = [catcher(), catcher()];
    await execs.start(Id, { stdout: out.stream, stderr: err.stream });
    expect([out.text(), err.text()]).toEqual(["out\n", "err\n"]);
    expect((await execs.inspect(Id)).ExitCode).toBe(3);
    const long = await execs.create("web", { Cmd: ["sleep", "100"], Tty: true });
    await execs.startDetached(long.Id);
    await execs.resize(long.Id, { height: 10, width: 10 });
    expect((await execs.find(long.Id)).isTty).toBe(true);
  });

  it("one that no cell tells of is found on its node; one that is nowhere is not found", async () => {
    const world = await openFleet(3);
    await running(world, "web");
    const { engine, engineId, container } = await world.fleet.containers.find("web");
    const { Id } = await engine.execs.create(engineId, { Cmd: ["echo", "hi"] });
    const found = await world.fleet.execs.find(Id);
    expect([found.container.metadata.uid, found.isTty]).toEqual([container.metadata.uid, undefined]);
    const out = catcher();
    await world.fleet.execs.start(Id, { stdout: out.stream });
    expect(out.text()).toBe("hi\n");
    for (const none of ["0".repeat(64), "nonsense"]) await expect(world.fleet.execs.find(none)).rejects.toThrow(NoSuchExecError);
  });

  it("go with their container", async () => {
    const world = await openFleet(1);
    await running(world, "web");
    const { Id } = await world.fleet.execs.create("web", { Cmd: ["echo", "hi"] });
    await world.fleet.containers.remove("web", { force: true });
    await expect(world.fleet.execs.inspect(Id)).rejects.toThrow(NoSuchExecError);
    expect(await world.cells.list(world.store.uid, "exec/", 10)).toEqual([]);
  });

  it("their cells are bounded, and hold no command", async () => {
    const world = await openFleet(1);
    const containerId = await running(world, "web");
    const { Id } = await world.fleet.execs.create("web", { Cmd: ["echo", "s3cret"], Env: ["KEY=s3cret"] });
    expect(JSON.stringify(await world.cells.list(world.store.uid, "exec/", 10))).not.toContain("s3cret");
    for (let count = 0; count < 70; count += 1) {
      const execId = `${Id.slice(0, 2)}${String(count).padStart(62, "0")}`;
      await world.fleet.execs.remember(execId, { containerId, isTty: false });
    }
    expect((await world.cells.list(world.store.uid, "exec/", 200)).length).toBe(64);
  });

  it("a bad command is refused by name", async () => {
    const world = await openFleet(1);
    await running(world, "web");
    await expect(world.fleet.execs.create("web", { Cmd: [] })).rejects.toThrow(InvalidOptionError);
    const many = Array.from({ length: 10_001 }, () => "x");
    await expect(world.fleet.execs.create("web", { Cmd: many })).rejects.toThrow("Cmd: has 10001 words; 1 to 10000");
  });
});
