/**
 * A real dockerd of its own for a test: own data, exec root, socket, TCP port on 127.0.0.1 and bridge, with `busybox:latest` imported
 * from the machine's static busybox. It can be killed, frozen, started again and emptied. It ends with the process that started it.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { systemClock } from "../../shared/base/clock.ts";
import { openDockerEngine } from "../../shared/fleet/docker/open.ts";
import type { Engine } from "../../shared/fleet/engine.ts";
import { packTar, type TarEntry } from "../../shared/fleet/simulated/tar.ts";
import { freePort } from "../free-port.ts";
import { type EngineTls, makeEngineTls } from "./engine-tls.ts";
import { busyboxFile } from "./requirements.ts";

const run = promisify(execFile);
/** Ample for a machine that is busy with other suites. */
const startMsMax = 60_000;
const stopMsMax = 30_000;
/** Tries to start one engine: others that start or end at the same moment work on the same tables of the machine. */
const startsMax = 6;
/** Before the second try, at most; it doubles with each. Those that met go on at different moments. */
const startPauseMs = 250;
const configFile = "dockerd.json";
/** Engines before 25 make their id of it, by default of the one in /etc/docker: the same for all engines of a machine. */
const keyFile = "key.json";
const commands = ["sh", "echo", "cat", "ls", "sleep", "wget", "httpd", "nc", "true", "false", "ps", "stty", "kill", "yes", "dd"];

export type RealEngineOptions = {
  /** Spoken to over TLS, with client certificates. Default: plain TCP. */
  readonly isTls?: boolean;
  /** `key=value`, what the engine says of itself. */
  readonly labels?: readonly string[];
};

export class RealEngine implements AsyncDisposable {
  /** For a Node's spec. */
  readonly address: string;
  readonly socketPath: string;
  /** What a client over TCP needs; undefined: no TLS. */
  readonly tls: EngineTls["client"] | undefined;
  readonly #folder: string;
  readonly #bridge: Bridge;
  readonly #arguments: readonly string[];
  #process: ChildProcess | undefined;
  #wasReady = false;

  private constructor(folder: string, port: number, bridge: Bridge, options: RealEngineOptions, tls: EngineTls | undefined) {
    this.#folder = folder;
    this.#bridge = bridge;
    this.address = `tcp://127.0.0.1:${port}`;
    this.socketPath = path.join(folder, "docker.sock");
    this.tls = tls?.client;
    const places = ["data-root", "exec-root", "pidfile"].map((name) => `--${name}=${path.join(folder, name)}`);
    const labels = (options.labels ?? []).map((label) => `--label=${label}`);
    const hosts = [`--host=${this.address}`, `--host=unix://${this.socketPath}`];
    this.#arguments = [
      ...places,
      `--config-file=${path.join(folder, configFile)}`,
      ...labels,
      ...hosts,
      `--bridge=${bridge.name}`,
      `--default-address-pool=${bridge.pool}`,
      ...(tls?.dockerdArguments ?? ["--tls=false"]),
    ];
  }

  /** Ready, with its image. Root only. */
  static async start(options: RealEngineOptions = {}): Promise<RealEngine> {
    const folder = await mkdtemp(path.join(tmpdir(), "windlass-engine-"));
    await writeFile(path.join(folder, configFile), JSON.stringify({ "deprecated-key-path": path.join(folder, keyFile) }));
    const bridge = await makeBridge();
    const tls = options.isTls ? await makeEngineTls(folder) : undefined;
    const engine = new RealEngine(folder, await freePort(), bridge, options, tls);
    try {
      await engine.run();
    } catch (error) {
      await engine.stop();
      throw error;
    }
    return engine;
  }

  /** The port on it, by its TCP address; dispose of it. */
  open(timeoutMs?: number): Promise<Engine> {
    const { address, tls } = this;
    return openDockerEngine({
      address,
      clock: systemClock,
      ...(tls && { tls: async () => tls }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
  }

  /**
   * Starts it (again), on what data there is. One that ends while it starts is started anew: of engines that start at the same moment only
   * one makes a chain of iptables, removes a rule or gets the lock, and the others give up. @throws what the last one said.
   */
  async run(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#start();
      } catch (error) {
        if (tries === startsMax || !(error instanceof EndedError)) throw error;
        await delay(Math.random() * startPauseMs * 2 ** tries);
      }
    }
  }

  async #start(): Promise<void> {
    const log = await open(path.join(this.#folder, "log"), "a");
    // Asked to end when the process that runs the test ends, however that happens.
    const child = spawn("setpriv", ["--pdeathsig", "TERM", "dockerd", ...this.#arguments], { stdio: ["ignore", log.fd, log.fd] });
    this.#process = child;
    await log.close();
    await this.#ready(child);
  }

  /** At once, as a machine that loses its power, but that its containers go on until it is run again. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
    // Its containerd dies with it, and where nobody buries that, dockerd would take the dead one for its own.
    await rm(path.join(this.#folder, "exec-root", "containerd", "containerd.pid"), { force: true });
  }

  /** It accepts connections and says nothing, until it is thawed. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Ends it in order, with its containers, and takes its data away; `run` brings it back as another engine with its image. */
  async wipe(): Promise<void> {
    await this.#empty();
    await this.#end("SIGTERM");
    await this.#unmount();
    for (const name of ["data-root", keyFile]) await rm(path.join(this.#folder, name), { recursive: true, force: true });
  }

  /** Nothing of it is left. */
  async stop(): Promise<void> {
    this.thaw();
    try {
      if (this.#wasReady) await this.#empty();
      await this.#end("SIGTERM");
    } finally {
      await this.#unmount();
      await run("ip", ["link", "delete", this.#bridge.name]);
      await rm(this.#folder, { recursive: true, force: true });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Removes all containers; of an engine that was killed they are its own to find and to end. */
  async #empty(): Promise<void> {
    if (this.#process?.exitCode !== null || this.#process.signalCode !== null) await this.run();
    await using engine = await this.open();
    const all = await engine.containers.list({ all: true });
    await Promise.all(all.map(({ Id }) => engine.containers.remove(Id, { force: true, volumes: true })));
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    const late = delay(stopMsMax, "late", { ref: false });
    if ((await Promise.race([ended, late])) === "late") {
      child.kill("SIGKILL");
      await ended;
    }
  }

  /** What a killed engine left mounted in its folder, innermost first. */
  async #unmount(): Promise<void> {
    const mounts = (await readFile("/proc/mounts", "utf8")).split("\n").map((line) => line.split(" ")[1] ?? "");
    for (const place of mounts.filter((one) => one.startsWith(`${this.#folder}/`)).reverse()) await run("umount", ["-l", place]);
  }

  async #ready(child: ChildProcess): Promise<void> {
    await using engine = await this.open();
    const deadline = performance.now() + startMsMax;
    for (;;) {
      const answer = await engine.system.ping({ timeoutMs: 2_000 }).catch((error: unknown) => error);
      if (!(answer instanceof Error)) break;
      if (child.exitCode !== null || child.signalCode !== null) throw new EndedError(await this.#complaint());
      if (performance.now() > deadline) throw new Error(await this.#complaint(), { cause: answer });
      await delay(50);
    }
    const images = await engine.images.list({ filters: { reference: ["busybox"] } });
    if (images.length === 0) await importBusybox(engine);
    this.#wasReady = true;
  }

  async #complaint(): Promise<string> {
    return `dockerd did not start: ${(await readFile(path.join(this.#folder, "log"), "utf8")).slice(-2_000)}`;
  }
}

/** dockerd ended before it answered, with what it said last. */
class EndedError extends Error {
  override readonly name = "EndedError";
}

async function importBusybox(engine: Engine): Promise<void> {
  const busybox: TarEntry = { name: "bin/busybox", type: "file", bytes: await readFile(busyboxFile) };
  const links = commands.map((name): TarEntry => ({ name: `bin/${name}`, type: "link", target: "busybox" }));
  const folders = ["bin", "tmp", "etc"].map((name): TarEntry => ({ name, type: "folder" }));
  const image = { repo: "busybox", tag: "latest", changes: ['CMD ["sh"]', "ENV PATH=/bin"] };
  for await (const _ of await engine.transfers.import(image, chunksOf(packTar([...folders, busybox, ...links]))));
}

/** `pool`: of the engine's further networks. Engines of one machine that choose from the same one take the same network at the same moment. */
type Bridge = { readonly name: string; readonly pool: string };

/** A bridge with a network of its own among 10.200.0.0 to 10.249.255.0 that no other interface of the machine has. */
async function makeBridge(): Promise<Bridge> {
  const bridge = `wl${Math.random().toString(36).slice(2, 12).padEnd(10, "0")}`;
  const { stdout: taken } = await run("ip", ["-4", "-oneline", "address"]);
  for (;;) {
    const [second, third] = [Math.floor(Math.random() * 50), Math.floor(Math.random() * 256)];
    const network = `10.${200 + second}.${third}`;
    if (taken.includes(` ${network}.`)) continue;
    await run("ip", ["link", "add", bridge, "type", "bridge"]);
    await run("ip", ["address", "add", `${network}.1/24`, "dev", bridge]);
    await run("ip", ["link", "set", bridge, "up"]);
    return { name: bridge, pool: `base=10.${150 + second}.${third}.0/24,size=28` };
  }
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
