/**
 * Runs LocalStack 4.14 in host mode, without Docker, on a free port and with a data folder of its own. What it starts is one
 * process group that ends when this process ends, however it does: serve.py kills it as soon as its standard input closes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../free-port.ts";
import { type Installed, install } from "./install.ts";

const startSecondsMax = 120;
const stopSecondsMax = 10;
const logLinesShown = 40;

export type LocalStack = {
  readonly endpoint: string;
  /** The id of the process group that holds all it started. */
  readonly group: number;
  stop(): Promise<void>;
};

/** Where the downloads stay between runs. */
export const cacheFolder = (): string =>
  process.env["WINDLASS_LOCALSTACK_CACHE"] ?? join(homedir(), ".cache", "windlass-localstack");

/** Resolves when it is healthy. @throws with the end of its log when it does not get there; nothing is left running then. */
export async function startLocalStack(): Promise<LocalStack> {
  const installed = await install(cacheFolder());
  const data = mkdtempSync(join(tmpdir(), "windlass-localstack-"));
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const log = join(data, "log");
  const child = launch({ installed, data, endpoint, log });
  const stop = () => end(child, data);
  try {
    await healthy(child, endpoint);
    if (child.pid === undefined) throw new Error("a process that answers has an id");
    return { endpoint, group: child.pid, stop };
  } catch (cause) {
    const lines = readFileSync(log, "utf8").trimEnd().split("\n").slice(-logLinesShown);
    await stop();
    throw new Error(`LocalStack did not start:\n${lines.join("\n")}`, { cause });
  }
}

type Launch = { readonly installed: Installed; readonly data: string; readonly endpoint: string; readonly log: string };

function launch({ installed, data, endpoint, log }: Launch): ChildProcess {
  const output = openSync(log, "a");
  return spawn(installed.python, [join(import.meta.dirname, "serve.py")], {
    detached: true,
    stdio: ["pipe", output, output],
    env: {
      ...process.env,
      // Its own requests go to itself.
      AWS_ENDPOINT_URL: undefined,
      NODE: process.execPath,
      DYNAMODB_LOCAL_LIB: installed.jars,
      FILESYSTEM_ROOT: data,
      // Functions' code is unpacked here.
      TMPDIR: data,
      GATEWAY_LISTEN: new URL(endpoint).host,
      DYNAMODB_IN_MEMORY: "1",
      PROVIDER_OVERRIDE_DYNAMODB: "v2",
      LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC: "0.2",
      LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC: "0.5",
      SKIP_SSL_CERT_DOWNLOAD: "1",
      DISABLE_EVENTS: "1",
      DNS_ADDRESS: "0",
      EAGER_SERVICE_LOADING: "0",
    },
  });
}

async function healthy(child: ChildProcess, endpoint: string): Promise<void> {
  // Rejects with the reason when there is nothing to run.
  await once(child, "spawn");
  const deadline = Date.now() + startSecondsMax * 1000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`it exited with ${child.exitCode}`);
    const ok = await fetch(`${endpoint}/_localstack/health`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) return;
    await delay(100);
  }
  throw new Error(`not healthy after ${startSecondsMax} s`);
}

async function end(child: ChildProcess, data: string): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const exit = once(child, "exit");
    child.stdin?.end();
    const ended = await Promise.race([exit, delay(stopSecondsMax * 1000, undefined, { ref: false })]);
    // The group's id is the child's: alive, so still its own.
    if (ended === undefined) process.kill(-child.pid, "SIGKILL");
    await exit;
  }
  await rm(data, { recursive: true, force: true });
}
