/** ContainerStreams and EngineExecs of a simulated engine. */
import { Readable } from "node:stream";
import type { JsonObject } from "../../base/json.ts";
import type { ByteSource, Call } from "../engine/call.ts";
import type { EngineExecs } from "../engine/execs.ts";
import type { ContainerStreams, PathStat } from "../engine/streams.ts";
import { EngineCutError, EngineError } from "../engine-errors.ts";
import type { SimulatedContainer } from "./container.ts";
import type { Faults } from "./faults.ts";
import { OutputReader } from "./output.ts";
import { Process } from "./process.ts";
import { checkCommand } from "./program.ts";
import { Feed } from "./rows.ts";
import type { SimulatedExec, World } from "./world.ts";

export type Place = { readonly world: World; readonly faults: Faults; readonly address: string };

/** Bytes that an upload may have. */
const uploadBytesMax = 64 * 1024 * 1024;

export function simulatedStreams({ world, faults, address }: Place): ContainerStreams {
  const held = <S extends Readable>(stream: S, call: Call): S => hold(stream, { faults, address, call });
  return {
    logs: (id, { stdout = true, stderr = true, follow = false, timestamps = false, tail } = {}, call = {}) =>
      faults.pass("container logs", call, () => {
        const { output, process, isRunning } = world.container(id);
        const from = tail === undefined ? output.first : Math.max(output.first, output.next - tail);
        const options = { stdout, stderr, follow: follow && isRunning, timestamps, from, isTty: process.isTty };
        return held(new OutputReader(output, options), call);
      }),
    stats: (id, { once = false } = {}, call = {}) =>
      faults.pass("container stats", call, () => {
        const container = world.container(id);
        const feed = new Feed<JsonObject>({ clock: world.clock, faults, address, what: "container stats", call });
        feed.push(statsOf(container, world.clock.now()));
        if (once) feed.end();
        else void tick(feed, container, world);
        return feed;
      }),
    attach: (id, { stdin = false, stdout = true, stderr = true, logs = false } = {}, call = {}) =>
      faults.pass("container attach", call, () => {
        const container = world.container(id);
        const { output, process } = container;
        const from = logs ? output.first : output.next;
        const onEnd = () => container.body["StdinOnce"] === true && process.endInput();
        return held(process.connect({ stdout, stderr, from }, stdin ? { onEnd } : undefined), call);
      }),
    resize: (id, _size, call = {}) => faults.pass("container resize", call, () => world.container(id).mustRun()),
    stat: (id, path, call = {}) => faults.pass("container archive", call, () => statOf(world.container(id), path)),
    download: (id, path, call = {}) =>
      faults.pass("container archive", call, () => {
        const container = world.container(id);
        const stat = statOf(container, path);
        return { stat, tar: held(Readable.from([container.files.pack(path)], { objectMode: false }), call) };
      }),
    upload: (id, path, tar, call = {}) =>
      faults.pass("container archive", call, async () => {
        const { files } = world.container(id);
        const bytes = await gather(tar);
        if (!files.isFolder(path)) throw new EngineError(404, `Could not find the file ${path} in container ${id}`);
        unpacked(() => files.unpack(path, bytes));
      }),
    export: (id, call = {}) =>
      faults.pass("container export", call, () =>
        held(Readable.from([world.container(id).files.pack("/")], { objectMode: false }), call),
      ),
  };
}

export function simulatedExecs({ world, faults, address }: Place): EngineExecs {
  return {
    create: (containerId, body, call = {}) =>
      faults.pass("exec create", call, () => {
        const container = world.container(containerId);
        container.mustRun();
        const { Cmd: command, Tty: isTty = false, AttachStdin: hasStdin = false } = body;
        const process = new Process({ clock: world.clock, files: container.files, command, isTty, hasStdin });
        const exec: SimulatedExec = { id: world.newId(64), container, process, state: "created", exitCode: null };
        world.execs.set(exec.id, exec);
        return { Id: exec.id };
      }),
    start: (id, _options, call = {}) =>
      faults.pass("exec start", call, () => {
        const exec = world.exec(id);
        const { process } = exec;
        const onEnd = () => process.endInput();
        const connection = process.connect({ stdout: true, stderr: true, from: 0 }, { onEnd });
        run(exec);
        return hold(connection, { faults, address, call });
      }),
    startDetached: (id, call = {}) => faults.pass("exec start", call, () => run(world.exec(id))),
    inspect: (id, call = {}) =>
      faults.pass("exec inspect", call, () => {
        const { container, state, exitCode } = world.exec(id);
        return { ID: id, ContainerID: container.id, Running: state === "running", ExitCode: exitCode };
      }),
    resize: (id, _size, call = {}) =>
      faults.pass("exec resize", call, () => {
        if (world.exec(id).state !== "running") throw new EngineError(500, "cannot resize a stopped exec");
      }),
  };
}

function run(exec: SimulatedExec): void {
  if (exec.state !== "created") throw new EngineError(409, `Exec command ${exec.id} has already run`);
  checkCommand(exec.process.command);
  exec.state = "running";
  const ended = (code: number) => Object.assign(exec, { state: "ended", exitCode: code });
  exec.process.run().then(ended, () => ended(126));
}

/** A stream ends with its caller's signal, and in the middle where streams are cut. */
export function hold<S extends Readable>(
  stream: S,
  { faults, address, call }: { readonly faults: Faults; readonly address: string; readonly call: Call },
): S {
  const { signal } = call;
  const leave = () => stream.destroy(signal?.reason instanceof Error ? signal.reason : new Error(String(signal?.reason)));
  const release = faults.hold((cause) => stream.destroy(new EngineCutError(address, "a stream", cause)));
  signal?.addEventListener("abort", leave, { once: true });
  stream.on("error", () => undefined); // a reader who has left already must not fail the process
  stream.once("close", () => {
    release();
    signal?.removeEventListener("abort", leave);
  });
  return stream;
}

/** @throws EngineError 413 */
export async function gather(source: ByteSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > uploadBytesMax) throw new EngineError(413, `a body has over ${uploadBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws EngineError 500, as engines say of what is no tar. */
export function unpacked<T>(unpack: () => T): T {
  try {
    return unpack();
  } catch (error) {
    throw new EngineError(500, `Error processing tar file: ${error instanceof Error ? error.message : error}`);
  }
}

async function tick(feed: Feed<JsonObject>, container: SimulatedContainer, world: World): Promise<void> {
  for (;;) {
    await world.clock.sleep(1_000);
    if (feed.hasEnded) return;
    if (!container.isRunning) return feed.end();
    feed.push(statsOf(container, world.clock.now()));
  }
}

const statsOf = ({ id, name }: SimulatedContainer, nowMs: number): JsonObject => ({
  read: new Date(nowMs).toISOString(),
  id,
  name: `/${name}`,
  cpu_stats: { cpu_usage: { total_usage: 0 }, system_cpu_usage: 0, online_cpus: 1 },
  precpu_stats: { cpu_usage: { total_usage: 0 } },
  memory_stats: { usage: 1_048_576, limit: 1_073_741_824 },
  pids_stats: { current: 1 },
});

function statOf(container: SimulatedContainer, path: string): PathStat {
  const file = container.files.read(path);
  if (file === undefined && !container.files.isFolder(path)) {
    throw new EngineError(404, `Could not find the file ${path} in container ${container.id}`);
  }
  const name = path.split("/").findLast((part) => part !== "") ?? "/";
  return { name, size: file?.bytes.length ?? 4_096, mode: file?.mode ?? 0o755, mtime: "1970-01-01T00:00:00Z", linkTarget: "" };
}

export async function* bytesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
