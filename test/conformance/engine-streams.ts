/** ContainerStreams: what any engine must do. */
import { text as textOf } from "node:stream/consumers";
import { expect, it } from "vitest";
import { packTar, unpackTar } from "../../shared/fleet/simulated/tar.ts";
import { bytesOf, type EngineFixture, outputOf, readUntil, rowsOf } from "./engine-fixture.ts";

const bothStreams = ["sh", "-c", "echo out; echo err >&2"];

export function streamCases(fixture: EngineFixture): void {
  it("logs: both streams apart, or one of them", async () => {
    const { id } = await fixture.finish(bothStreams);
    const { streams } = fixture.engine;
    expect(await outputOf(await streams.logs(id))).toEqual({ stdout: "out\n", stderr: "err\n" });
    expect(await outputOf(await streams.logs(id, { stderr: false }))).toEqual({ stdout: "out\n", stderr: "" });
  });

  it("logs: plain with a terminal; the last lines; with the time", async () => {
    const { id } = await fixture.finish(["sh", "-c", "echo one; echo two; echo three"], { Tty: true });
    const read = async (options: object) => (await textOf(await fixture.engine.streams.logs(id, options))).replaceAll("\r", "");
    expect(await read({})).toBe("one\ntwo\nthree\n");
    expect(await read({ tail: 2 })).toBe("two\nthree\n");
    expect(await read({ tail: 1, timestamps: true })).toMatch(/^\d{4}-\d\d-\d\dT\S+Z three\n$/);
  });

  it("logs: follow goes on until the container ends", async () => {
    const id = await fixture.run(["sh", "-c", "echo first; read line; echo $line"], { OpenStdin: true, StdinOnce: true });
    const following = outputOf(await fixture.engine.streams.logs(id, { follow: true }));
    const connection = await fixture.engine.streams.attach(id, { stdin: true, stdout: false, stderr: false });
    connection.end("second\n");
    expect(await following).toEqual({ stdout: "first\nsecond\n", stderr: "" });
    connection.destroy();
  });

  it("logs: a reader that leaves ends a stream that goes on; the container does not mind", async () => {
    const id = await fixture.run(["sh", "-c", "while true; do echo line; done"]);
    const logs = await fixture.engine.streams.logs(id, { follow: true });
    let size = 0;
    for await (const chunk of logs as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > 1_000_000) break;
    }
    expect(logs.destroyed).toBe(true);
    expect(await fixture.state(id)).toBe("running");
  });

  it("logs: what is not read is not taken", async () => {
    const id = await fixture.run(["sh", "-c", "while true; do echo line; done"]);
    const logs = await fixture.engine.streams.logs(id, { follow: true });
    const iterator = logs.iterator({ destroyOnReturn: false });
    await iterator.next();
    await fixture.engine.containers.inspect(id);
    expect(logs.readableLength).toBeLessThan(1_000_000);
    logs.destroy();
  });

  it("attach: both ways, before it starts and until it ends", async () => {
    const { id } = await fixture.create(["cat"], { OpenStdin: true, StdinOnce: true });
    const connection = await fixture.engine.streams.attach(id, { stdin: true });
    await fixture.engine.runs.start(id);
    connection.end("hello\n");
    expect(await outputOf(connection)).toEqual({ stdout: "hello\n", stderr: "" });
    expect((await fixture.engine.runs.wait(id)).StatusCode).toBe(0);
  });

  it("attach: with a terminal, which can be resized; what was written before comes first if asked for", async () => {
    const id = await fixture.run(["sh", "-c", "echo ready; cat"], { OpenStdin: true, Tty: true });
    await readUntil(await fixture.engine.streams.attach(id, { logs: true }), "ready");
    await fixture.engine.streams.resize(id, { height: 30, width: 100 });
    const connection = await fixture.engine.streams.attach(id, { stdin: true });
    connection.write("typed\n");
    expect(await readUntil(connection, "typed\r\ntyped")).toContain("typed");
    connection.destroy();
    expect(await fixture.state(id)).toBe("running");
  });

  it("stats: once, and as long as somebody reads", async () => {
    const id = await fixture.run();
    const once = await rowsOf(await fixture.engine.streams.stats(id, { once: true }));
    expect(once).toHaveLength(1);
    expect(once[0]).toMatchObject({ id, memory_stats: expect.any(Object), cpu_stats: expect.any(Object) });
    let count = 0;
    for await (const row of await fixture.engine.streams.stats(id)) {
      expect(row["id"]).toBe(id);
      count += 1;
      if (count === 2) break;
    }
  });

  it("archive: what is copied in comes out again", async () => {
    const { id } = await fixture.create();
    const { streams } = fixture.engine;
    const bytes = Buffer.alloc(300_000, "windlass ");
    const tar = packTar([{ name: "copied", type: "file", bytes, mode: 0o640 }]);
    await streams.upload(id, "/tmp", bytesOf(tar.subarray(0, 1_000), tar.subarray(1_000)));
    expect(await streams.stat(id, "/tmp/copied")).toMatchObject({ name: "copied", size: bytes.length });
    const { stat, tar: out } = await streams.download(id, "/tmp/copied");
    expect(stat.name).toBe("copied");
    const [entry] = unpackTar(Buffer.concat(await out.toArray()));
    expect(entry).toMatchObject({ name: "copied", type: "file", mode: 0o640 });
    expect(Buffer.compare(Buffer.from(entry?.bytes ?? []), bytes)).toBe(0);
  });

  it("archive: a path that is not there is refused, and it is not the container that is missing", async () => {
    const { id } = await fixture.create();
    const { streams } = fixture.engine;
    const tar = packTar([{ name: "a", type: "file" }]);
    const calls = [
      () => streams.stat(id, "/no"),
      () => streams.download(id, "/no"),
      () => streams.upload(id, "/no", bytesOf(tar)),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ name: "EngineError", status: 404 });
    }
  });

  it("archive: something that is no tar is refused", async () => {
    const { id } = await fixture.create();
    await expect(fixture.engine.streams.upload(id, "/tmp", bytesOf("x".repeat(2_000)))).rejects.toMatchObject({
      name: "EngineError",
    });
  });

  it("export: the whole file system", async () => {
    const { id } = await fixture.finish(["sh", "-c", "echo hello > /tmp/exported"]);
    const tar = Buffer.concat(await (await fixture.engine.streams.export(id)).toArray());
    const names = unpackTar(tar).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["tmp/exported", "bin/busybox"]));
  });
}
