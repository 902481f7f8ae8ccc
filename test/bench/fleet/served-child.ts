/**
 * The process that a fleet of a thousand nodes is measured in: `node --expose-gc served-child.ts <Size as JSON> <folder>`. It brings the
 * fleet up, says when all runs, serves the Docker API on a free port of 127.0.0.1, and answers over the channel until it is killed.
 */
import assert from "node:assert";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { bearerToken, type Principal } from "../../../shared/access/access.ts";
import { systemClock } from "../../../shared/base/clock.ts";
import { silentLogger } from "../../../shared/base/logger.ts";
import { DockerApi } from "../../../shared/docker-api/docker-api.ts";
import { serveDocker } from "../../../shared/docker-api/node-host.ts";
import { openSqlite } from "../../../shared/log/sqlite/open.ts";
import { BenchFleet, countedCells, until } from "./bench-fleet.ts";

export type Size = {
  readonly nodes: number;
  readonly services: number;
  /** Of each. */
  readonly replicas: number;
  /** Nothing may have been committed, nor told, for so long before it counts as at rest. */
  readonly quietMs: number;
};

export type Started = {
  readonly url: string;
  readonly token: string;
  /** One of the containers. */
  readonly containerId: string;
  /** From the nodes' first commit to all ready; from the services' to all running. */
  readonly readyMs: number;
  readonly runningMs: number;
};

export type Question =
  /** So many containers a second are paused or go on, on their engines; 0: no more. */
  | { readonly ask: "churn"; readonly perSecond: number }
  /** What nothing costs, for so long. */
  | { readonly ask: "idle"; readonly ms: number }
  | { readonly ask: "heap" }
  /** Ends the loops and empties the stand-ins; nothing is to be asked any more. */
  | { readonly ask: "dismantle" };

export type Idle = { readonly cpuMs: number; readonly ms: number; readonly entries: number; readonly cellWrites: number };
/** What was there before the first node, and what is left when one thing after the other is gone. */
export type Dismantled = {
  readonly baseBytes: number;
  readonly wholeBytes: number;
  readonly withoutLoopsBytes: number;
  readonly withoutContainersBytes: number;
};
export type Answer = { readonly idle?: Idle; readonly heapBytes?: number; readonly dismantled?: Dismantled };

const token = "bench";
const [, , sizeText = "", folder = ""] = process.argv;
const size = JSON.parse(sizeText) as Size;
// Whoever measures is gone.
process.on("disconnect", () => process.exit());

const sqlite = openSqlite(folder, { pid: process.pid });
const { cells, writes } = countedCells(sqlite.cells);
const fleet = await BenchFleet.open({ ports: { ...sqlite, cells }, nodes: size.nodes });
const baseBytes = heapBytes();
const started = await start(fleet);
let churn: NodeJS.Timeout | undefined;
process.on("message", (question: Question) => {
  answer(question).then(
    (given) => process.send?.(given),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.send?.(started);

async function start(made: BenchFleet): Promise<Started> {
  const began = performance.now();
  made.run();
  await made.addNodes();
  await made.untilReady();
  const readyMs = performance.now() - began;
  const asked = performance.now();
  await made.addServices(size.services, size.replicas);
  const count = size.services * size.replicas;
  await until("all containers run", async () => runningOn(made) === count);
  await made.untilRunning(count);
  const runningMs = performance.now() - asked;
  await made.untilQuiet(size.quietMs, writes);
  const containerId = [...made.engines.values()][0]?.world.containers.keys().next().value ?? "";
  return { url: await serve(made), token, containerId, readyMs, runningMs };
}

function runningOn({ engines }: BenchFleet): number {
  let count = 0;
  for (const { world } of engines.values()) for (const { isRunning } of world.containers.values()) if (isRunning) count += 1;
  return count;
}

async function serve({ cluster, store }: BenchFleet): Promise<string> {
  const principal: Principal = { name: "bench", role: "admin", clusterUid: store.uid };
  const api = new DockerApi({
    fleets: async (name) => (name === "default" ? cluster : undefined),
    authenticator: { authenticate: async (given) => (bearerToken(given) === token ? principal : undefined) },
    transport: "stream",
    clock: systemClock,
    logger: silentLogger,
    release: "0.0.0-bench",
  });
  const server = createServer((incoming, response) => void serveDocker(api, incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}/clusters/default/docker`;
}

async function answer(question: Question): Promise<Answer> {
  switch (question.ask) {
    case "churn":
      change(fleet, question.perSecond);
      return {};
    case "idle":
      return { idle: await idle(fleet, question.ms) };
    case "heap":
      return { heapBytes: heapBytes() };
    case "dismantle":
      return { dismantled: await dismantle(fleet) };
    default:
      return question satisfies never;
  }
}

/** Each of the containers in its turn. */
function change({ engines }: BenchFleet, perSecond: number): void {
  clearInterval(churn);
  if (perSecond === 0) return;
  const all = [...engines.values()].flatMap(({ world }) => [...world.containers.values()]);
  let next = 0;
  churn = setInterval(() => {
    const container = all[next % all.length];
    next += 1;
    container?.pause(container.state === "running");
  }, 1_000 / perSecond);
}

async function idle({ store }: BenchFleet, ms: number): Promise<Idle> {
  const revisionOf = async (): Promise<number> => (await store.view(() => undefined)).revision;
  const [revision, written, cpu, began] = [await revisionOf(), writes(), process.cpuUsage(), performance.now()];
  await systemClock.sleep(ms);
  const { user, system } = process.cpuUsage(cpu);
  const tookMs = performance.now() - began;
  return {
    cpuMs: (user + system) / 1_000,
    ms: tookMs,
    entries: (await revisionOf()) - revision,
    cellWrites: writes() - written,
  };
}

async function dismantle({ engines }: BenchFleet): Promise<Dismantled> {
  const wholeBytes = heapBytes();
  await fleet.rest();
  const withoutLoopsBytes = heapBytes();
  for (const { world } of engines.values()) world.clear();
  await turn();
  return { baseBytes, wholeBytes, withoutLoopsBytes, withoutContainersBytes: heapBytes() };
}

/** Finalizers free what a later pass finds. */
function heapBytes(): number {
  assert(globalThis.gc !== undefined, "run with --expose-gc");
  for (let pass = 0; pass < 4; pass += 1) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
