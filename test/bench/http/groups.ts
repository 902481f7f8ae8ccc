/** `npm run bench http`: Windlass over HTTP beside etcd and a bare Node server with the same durability, in one run. */
import path from "node:path";
import { median } from "../measure.ts";
import { type Bar, type Context, duration, type Group, type Result, type Row, timeBar, times, whole } from "../report.ts";
import type { Result as Measured } from "./held.ts";
import { largeGroup } from "./large.ts";
import { listsGroup } from "./lists.ts";
import { buildLoad, missingTools, type Served, startBare, startEtcd, startWindlass } from "./servers.ts";
import { idleWatchesGroup, manyWatchesGroup } from "./watches.ts";

/** Of one server alone, or beside the bare one: they need no etcd. */
export const memoryGroups: readonly Group[] = [listsGroup, idleWatchesGroup, manyWatchesGroup, largeGroup];

const objects = 1_000;
const clients = [1, 64, 256] as const;
const watchers = [1, 100, 1_000] as const;
/** Puts a second while watchers listen. */
const rates: Readonly<Record<number, number>> = { 1: 200, 100: 200, 1000: 20 };
/** Etcd's puts, and of the bare server's. */
const bareShare = 0.7;
const etcdGets = 2;

type Trio = { readonly windlass: Served; readonly etcd: Served; readonly bare: Served };

/** Starts all three, filled, for as long as `measure` runs. */
async function withServers(context: Context, title: string, measure: (trio: Trio) => Promise<Result>): Promise<Result> {
  const missing = await missingTools();
  if (missing !== undefined) return { title, skipped: missing };
  context.progress(title, "starting servers");
  const folder = path.join(context.folder, title.replaceAll(/\W+/g, "-"));
  const program = await buildLoad(context.folder);
  const started: Served[] = [];
  const start = async (name: string, open: (program: string, folder: string) => Promise<Served>): Promise<Served> => {
    const server = await open(program, path.join(folder, name));
    started.push(server);
    await server.load({ op: "fill", keys: objects });
    return server;
  };
  try {
    return await measure({
      windlass: await start("windlass", startWindlass),
      etcd: await start("etcd", startEtcd),
      bare: await start("bare", startBare),
    });
  } finally {
    for (const server of started) await server.stop();
  }
}

/** The round with the median rate of each server; all of them in every round. */
async function rounds(
  servers: readonly Served[],
  context: Context,
  what: string,
  options: Readonly<Record<string, string | number>>,
) {
  const measured: Measured[][] = servers.map(() => []);
  const count = context.quick ? 1 : 3;
  const seconds = context.quick ? 0.3 : 4;
  for (let round = 0; round < count; round += 1) {
    for (const [index, server] of servers.entries()) {
      context.progress(`${what}, ${server.name}`, `round ${round + 1} of ${count}`);
      measured[index]?.push(await server.load({ seconds, keys: objects, ...options }));
    }
  }
  return measured.map((all) => {
    const rate = median(all.map(({ perSecond }) => perSecond));
    return all.reduce((best, one) => (Math.abs(one.perSecond - rate) < Math.abs(best.perSecond - rate) ? one : best));
  });
}

const rate = ({ perSecond, p50Us, p99Us }: Measured): string => `${whole(perSecond)} (${duration(p50Us)}, ${duration(p99Us)})`;

function throughput(op: "put" | "get", barsOf: (windlass: number, etcd: number, bare: number, clients: number) => Bar[]): Group {
  const title = op === "put" ? "HTTP: durable puts a second (p50, p99)" : "HTTP: consistent gets a second (p50, p99)";
  const workloads = clients.map((count) => `${count} clients`);
  const run = (wanted: ReadonlySet<string>, context: Context) =>
    withServers(context, title, async ({ windlass, etcd, bare }) => {
      const rows: Row[] = [];
      for (const [index, count] of clients.entries()) {
        const workload = workloads[index] as string;
        if (!wanted.has(workload)) continue;
        const [ours, theirs, floor] = (await rounds([windlass, etcd, bare], context, `${op}, ${workload}`, {
          op,
          clients: count,
        })) as [Measured, Measured, Measured];
        rows.push({
          workload,
          cells: [
            rate(ours),
            rate(theirs),
            rate(floor),
            times(ours.perSecond / theirs.perSecond),
            times(ours.perSecond / floor.perSecond),
          ],
          figures: { windlassPerSecond: ours.perSecond, etcdPerSecond: theirs.perSecond, barePerSecond: floor.perSecond },
          bars: barsOf(ours.perSecond, theirs.perSecond, floor.perSecond, count),
        });
      }
      const notes = [
        "256-byte values, 1,000 objects, load from another process over keep-alive connections; etcd by its Go client, eight clients a connection. " +
          "A put is a PUT of an existing Node without a resourceVersion. The bare server is Node's http over SQLite with group commit and full sync, without tokens, schemas, versions or watches.",
      ];
      return { title, columns: ["Windlass", "etcd", "bare server", "to etcd", "to bare"], rows, notes };
    });
  return { title, workloads, run };
}

const watchTitle = "HTTP: from a put's acknowledgement to its event at a watcher (p50, p99)";
const watchDelay: Group = {
  title: watchTitle,
  workloads: watchers.map((count) => `${whole(count)} watchers`),
  run: (wanted, context) =>
    withServers(context, watchTitle, async ({ windlass, etcd }) => {
      const rows: Row[] = [];
      for (const count of watchers) {
        const workload = `${whole(count)} watchers`;
        if (!wanted.has(workload)) continue;
        const options = { op: "watch", watchers: count, rate: rates[count] ?? 20 };
        const [ours, theirs] = (await rounds([windlass, etcd], context, workload, options)) as [Measured, Measured];
        const bars =
          count === 1_000
            ? [timeBar("no longer than etcd's", ours.p50Us <= theirs.p50Us && ours.p99Us <= theirs.p99Us)]
            : [timeBar("1 ms at p50, 3 ms at p99", ours.p50Us < 1_000 && ours.p99Us < 3_000)];
        rows.push({
          workload,
          cells: [
            String(options.rate),
            `${duration(ours.p50Us)}, ${duration(ours.p99Us)}`,
            `${duration(theirs.p50Us)}, ${duration(theirs.p99Us)}`,
          ],
          figures: { windlassP50Us: ours.p50Us, windlassP99Us: ours.p99Us, etcdP50Us: theirs.p50Us, etcdP99Us: theirs.p99Us },
          bars,
        });
      }
      return {
        title: watchTitle,
        columns: ["puts a second", "Windlass", "etcd"],
        rows,
        notes: ["An event that comes before its acknowledgement counts as 0."],
      };
    }),
};

export const httpGroups: readonly Group[] = [
  throughput("put", (windlass, etcd, bare) => [
    timeBar("etcd's", windlass >= etcd),
    timeBar("70 % of the bare server's", windlass >= bareShare * bare),
  ]),
  throughput("get", (windlass, etcd, _, count) => (count === 1 ? [] : [timeBar("twice etcd's", windlass >= etcdGets * etcd)])),
  watchDelay,
  ...memoryGroups,
];
