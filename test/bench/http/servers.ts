/** What `npm run bench http` compares, each as a process of its own on a free port: Windlass, etcd, and a bare server. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../../..");

export type Result = { readonly operations: number; readonly perSecond: number; readonly p50Us: number; readonly p99Us: number };
export type Load = Readonly<Record<string, string | number>>;

export type Served = {
  readonly name: string;
  readonly pid: number;
  /** Puts a load on it. */
  load(options: Load): Promise<Result>;
  stop(): Promise<void>;
};

/** Undefined when the tools are there; else what is missing. */
export async function missingTools(): Promise<string | undefined> {
  const missing: string[] = [];
  for (const [command, argument, name] of [
    ["etcd", "--version", "Debian's etcd-server"],
    ["go", "version", "Go"],
  ] as const) {
    await run(command, [argument]).catch(() => missing.push(name));
  }
  return missing.length === 0 ? undefined : `needs ${missing.join(" and ")}`;
}

/** The load's program; built once into `folder`. */
export async function buildLoad(folder: string): Promise<string> {
  const program = path.join(folder, "load");
  await run("go", ["build", "-o", program, "."], { cwd: path.join(import.meta.dirname, "load") });
  return program;
}

export async function startWindlass(program: string, folder: string): Promise<Served> {
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, WINDLASS_PORT: "0", WINDLASS_DATA: folder, WINDLASS_HOST: "127.0.0.1" };
  const child = spawn(process.execPath, ["functions/local/main.ts"], { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
  const [, port = ""] = await said(child, /listens on https:\/\/[^:]+:(\d+)[\s\S]*Stop with/);
  const token = (await readFile(path.join(folder, "admin.token"), "utf8")).trim();
  return served("Windlass", child, program, { target: "http", address: `127.0.0.1:${port}`, token });
}

export async function startBare(program: string, folder: string): Promise<Served> {
  mkdirSync(folder, { recursive: true });
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "bare-server.ts"), folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [, port = ""] = await said(child, /^(\d+)\n/);
  return served("bare server", child, program, { target: "http", address: `127.0.0.1:${port}` });
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

function served(name: string, child: ChildProcess, program: string, target: Load): Served {
  return {
    name,
    pid: child.pid ?? 0,
    load: async (options) => {
      const words = Object.entries({ ...target, ...options }).flatMap(([option, value]) => [`-${option}`, String(value)]);
      const { stdout } = await run(program, words);
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}
