/** A fleet in a process of its own (served-child.ts), and clients of it, each in one, too: neither runs in the other's event loop. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Context } from "../report.ts";
import type { Load, Loaded } from "./client.ts";
import type { Answer, Question, Size, Started } from "./served-child.ts";

const run = promisify(execFile);
const childPath = join(import.meta.dirname, "served-child.ts");
const clientPath = join(import.meta.dirname, "client.ts");
/** As `npm start`, and with its garbage to be collected when it is asked. */
const flags = ["--max-semi-space-size=8", "--expose-gc"];
/** Times of a client's requests, as JSON. */
const printedBytesMax = 16 * 1024 * 1024;

const wholeSize: Size = { nodes: 1_000, services: 100, replicas: 300, quietMs: 3_000 };
const quickSize: Size = { nodes: 4, services: 2, replicas: 4, quietMs: 1_000 };

export const sizeFor = ({ quick }: Context): Size => (quick ? quickSize : wholeSize);

export type Served = Started & {
  /** @throws when it has ended; it says why on standard error. */
  ask(question: Question): Promise<Answer>;
  load(load: Omit<Load, "url" | "token">): Promise<Loaded>;
  stop(): Promise<void>;
};

/** Resolves when all containers run, and nothing happens any more. */
export async function startServed(context: Context, title: string): Promise<Served> {
  const size = sizeFor(context);
  context.progress(title, `starting ${size.services * size.replicas} containers on ${size.nodes} nodes`);
  const folder = join(context.folder, title.replaceAll(/\W+/g, "-"));
  mkdirSync(folder, { recursive: true });
  const child = spawn(process.execPath, [...flags, childPath, JSON.stringify(size), folder], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  try {
    return servedBy(child, (await heard(child)) as Started);
  } catch (error) {
    await stop(child);
    throw error;
  }
}

function servedBy(child: ChildProcess, started: Started): Served {
  const { url, token } = started;
  return {
    ...started,
    ask: async (question) => {
      const answered = heard(child);
      child.send(question);
      return (await answered) as Answer;
    },
    load: async (load) => {
      const asked: Load = { ...load, url, token };
      const { stdout } = await run(process.execPath, [clientPath, JSON.stringify(asked)], { maxBuffer: printedBytesMax });
      return JSON.parse(stdout) as Loaded;
    },
    stop: () => stop(child),
  };
}

async function heard(child: ChildProcess): Promise<unknown> {
  const left = new AbortController();
  const { signal } = left;
  const ended = once(child, "exit", { signal }).then(([code]) => {
    throw new Error(`the measured process ended with ${String(code)}; it says why above`);
  });
  const said = once(child, "message", { signal }).then(([message]: unknown[]) => message);
  try {
    return await Promise.race([said, ended]);
  } finally {
    left.abort();
    await Promise.allSettled([said, ended]);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
