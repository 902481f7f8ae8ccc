/** The docker CLI on a host of its own choice, with a token in its configuration, as people use it. */

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text as textOf } from "node:stream/consumers";

export type Ran = { readonly code: number | null; readonly out: string; readonly err: string };

/** A command that takes longer hangs. */
const runMsMax = 60_000;

export const hasDockerCli = (): boolean => spawnSync("docker", ["--version"]).status === 0;

export class DockerCli implements AsyncDisposable {
  readonly folder: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(folder: string, host: string) {
    this.folder = folder;
    this.#environment = { ...process.env, DOCKER_CONFIG: folder, DOCKER_HOST: host, DOCKER_BUILDKIT: "0" };
  }

  /** `host`: tcp://…; `token`: sent with every request. */
  static async open(host: string, token: string): Promise<DockerCli> {
    const folder = await mkdtemp(path.join(tmpdir(), "windlass-cli-"));
    await writeFile(path.join(folder, "config.json"), JSON.stringify({ HttpHeaders: { Authorization: `Bearer ${token}` } }));
    return new DockerCli(folder, host);
  }

  /** What it says, whatever it ends with. */
  async try(words: readonly string[], input = ""): Promise<Ran> {
    const child = this.start(words);
    const late = setTimeout(() => child.kill("SIGKILL"), runMsMax);
    const [out, err] = [textOf(child.stdout), textOf(child.stderr)];
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    clearTimeout(late);
    return { code, out: await out, err: await err };
  }

  /** Its output. @throws Error when it fails. */
  async run(...words: readonly string[]): Promise<string> {
    return await this.feed("", ...words);
  }

  async feed(input: string, ...words: readonly string[]): Promise<string> {
    const { code, out, err } = await this.try(words, input);
    if (code !== 0) throw new Error(`docker ${words.join(" ")} ended with ${code}: ${err}${out}`);
    return out.trim();
  }

  /** Goes on by itself. */
  start(words: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn("docker", words, { env: this.#environment });
  }

  /** In a terminal of its own. */
  startInTerminal(words: readonly string[]): ChildProcessWithoutNullStreams {
    const line = ["docker", ...words].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    return spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], { env: this.#environment });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
