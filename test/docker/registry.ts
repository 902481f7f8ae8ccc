/** Debian's docker-registry on 127.0.0.1, with its images in a folder of its own; engines take it without TLS there. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../free-port.ts";

const startMsMax = 20_000;

export class Registry implements AsyncDisposable {
  /** host:port, as it stands before an image's name. */
  readonly host: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(host: string, folder: string, process: ChildProcess) {
    this.host = host;
    this.#folder = folder;
    this.#process = process;
  }

  static async start(): Promise<Registry> {
    const folder = await mkdtemp(path.join(tmpdir(), "windlass-registry-"));
    const host = `127.0.0.1:${await freePort()}`;
    const file = path.join(folder, "config.yaml");
    const storage = { filesystem: { rootdirectory: path.join(folder, "images") } };
    await writeFile(file, JSON.stringify({ version: 0.1, log: { level: "error" }, storage, http: { addr: host } }));
    const child = spawn("setpriv", ["--pdeathsig", "TERM", "docker-registry", "serve", file], { stdio: "ignore" });
    const registry = new Registry(host, folder, child);
    const deadline = performance.now() + startMsMax;
    while (
      !(await fetch(`http://${host}/v2/`).then(
        (answer) => answer.ok,
        () => false,
      ))
    ) {
      if (performance.now() < deadline && child.exitCode === null) await delay(50);
      else {
        await registry.stop();
        throw new Error("docker-registry did not start");
      }
    }
    return registry;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const ended = once(this.#process, "exit");
      this.#process.kill();
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
