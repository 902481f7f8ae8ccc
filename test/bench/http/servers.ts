/** What `npm run bench http` compares, each as a process of its own on a free port: Windlass, etcd, and a bare server. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { freePort } from "../../free-port.ts";
import { type Held, hold, type Result } from "./held.ts";
import type { Memory, Question } from "./probe.ts";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../../..");

export type Load = Readonly<Record<string, string | number>>;

export type Served = {
  readonly name: string;
  readonly pid: number;
  /** Puts a load on it. */
  load(options: Load): Promise<Result>;
  stop(): Promise<void>;
};

/** A server whose memory can be looked at (probe.ts). */
export type Probed = Served & {
  /** `host:port`, in plain HTTP. */
  readonly address: string;
  readonly token: string;
  ask(question: Question): Promise<Memory>;
  /** Opens `count` answers that do not end: of `path`, else watches of all that happens from now on. */
  hold(count: number, path?: string): Promise<Held>;
};

const etcd = { command: "etcd", argument: "--version", name: "Debian's etcd-server" };
const go = { command: "go", argument: "version", name: "Go" };

/** Undefined when the tools are there; else what is missing. */
export async function missingTools(tools = [etcd, go]): Promise<string | undefined> {
  const missing: string[] = [];
  for (const { command, argument, name } of tools) {
    await run(command, [argument]).catch(() => missing.push(name));
  }
  return missing.length === 0 ? undefined : `needs ${missing.join(" and ")}`;
}

export const missingGo = (): Promise<string | undefined> => missingTools([go]);

/** The load's program; built once into `folder`. */
export async function buildLoad(folder: string): Promise<string> {
  const program = path.join(folder, "load");
  await run("go", ["build", "-o", program, "."], { cwd: path.join(import.meta.dirname, "load") });
  return program;
}

export const startWindlass = async (program: string, folder: string): Promise<Served> => runWindlass(program, folder, []);
export const startBare = async (program: string, folder: string): Promise<Served> => runBare(program, folder, []);

/** As `npm start`. */
const startFlags = ["--max-semi-space-size=8"];
/** Costs nothing while it is not asked. */
const probing = ["--expose-gc", "--import", path.join(import.meta.dirname, "probe.ts")];
export const probeWindlass = (program: string, folder: string): Promise<Probed> => runWindlass(program, folder, probing);
export const probeBare = (program: string, folder: string): Promise<Probed> => runBare(program, folder, probing);

async function runWindlass(program: string, folder: string, flags: readonly string[]): Promise<Probed> {
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, WINDLASS_PORT: "0", WINDLASS_DATA: folder, WINDLASS_HOST: "127.0.0.1", WINDLASS_FLEET: "off" };
  const stdio = ["ignore", "pipe", "inherit", "ipc"] as const;
  const child = spawn(process.execPath, [...startFlags, ...flags, "functions/local/main.ts"], {
    cwd: root,
    env,
    stdio: [...stdio],
  });
  const [, port = ""] = await said(child, /listens on https:\/\/[^:]+:(\d+)[\s\S]*Stop with/);
  const token = (await readFile(path.join(folder, "admin.token"), "utf8")).trim();
  return probed(served("Windlass", child, program, { target: "http", address: `127.0.0.1:${port}`, token }), child, program);
}

async function runBare(program: string, folder: string, flags: readonly string[]): Promise<Probed> {
  mkdirSync(folder, { recursive: true });
  const child = spawn(process.execPath, [...flags, path.join(import.meta.dirname, "bare-server.ts"), folder], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const [, port = ""] = await said(child, /^(\d+)\n/);
  return probed(served("bare server", child, program, { target: "http", address: `127.0.0.1:${port}` }), child, program);
}

/** As it comes: fsync on, one member. */
export async function startEtcd(program: string, folder: string): Promise<Served> {
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const options = [
    "--data-dir",
    folder,
    "--listen-client-urls",
    client,
    "--advertise-client-urls",
    client,
    "--listen-peer-urls",
    peer,
  ];
  const child = spawn("etcd", options, { stdio: ["ignore", "ignore", "pipe"] });
  child.stderr?.resume();
  const address = client.slice("http://".length);
  const etcd = served("etcd", child, program, { target: "etcd", address });
  for (let attempt = 0; ; attempt += 1) {
    try {
      await etcd.load({ op: "fill", keys: 1 });
      return etcd;
    } catch (error) {
      if (attempt === 20) throw error;
    }
  }
}

type Target = { readonly target: string; readonly address: string; readonly token?: string };

function served(name: string, child: ChildProcess, program: string, target: Target): Served & { readonly target: Target } {
  return {
    name,
    pid: child.pid ?? 0,
    target,
    load: async (options) => {
      const { stdout } = await run(program, wordsOf({ ...target, ...options }));
      return JSON.parse(stdout) as Result;
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill();
      await exited;
    },
  };
}

const wordsOf = (options: Load): string[] => Object.entries(options).flatMap(([option, value]) => [`-${option}`, String(value)]);

function probed(server: Served & { readonly target: Target }, child: ChildProcess, program: string): Probed {
  const { address, token = "" } = server.target;
  return {
    ...server,
    address,
    token,
    ask: async (question) => {
      const answered = once(child, "message");
      child.send(question);
      const [memory] = (await answered) as [Memory];
      return memory;
    },
    hold: (watchers, held = "") => hold(program, wordsOf({ ...server.target, op: "hold", watchers, path: held })),
  };
}

/** Resolves when what `child` says matches. */
function said(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const found = pattern.exec(text);
      if (found !== null) resolve(found);
    });
    child.once("exit", (code) => reject(new Error(`a server ended with ${code}: ${text}`)));
  });
}
