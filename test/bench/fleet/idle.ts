/** What a fleet costs that is left alone: nothing in the log, little of a CPU, and its objects in memory. */
import { openMemory } from "../../../shared/log/memory/open.ts";
import { StillClock } from "../../fleet/nodes-fleet.ts";
import { type Context, factBar, type Group, type Row, whole } from "../report.ts";
import { BenchFleet, countedCells } from "./bench-fleet.ts";
import { type Served, sizeFor, startServed } from "./served.ts";

const hourName = "an hour: log entries, writes of cells";
const startName = "30,000 tasks of 100 new services, all running";
const cpuName = "CPU a second, 30,000 containers";
const heapNames = {
  all: "heap",
  loops: "heap of which agents, healer, reconciler",
  engines: "heap of which simulated engines' containers",
  store: "heap of which tasks, containers and all else of the cluster",
  rows: "heap that docker ps adds",
} as const;
const servedNames: readonly string[] = [startName, cpuName, ...Object.values(heapNames)];

const hourMs = 3_600_000;
/** Beside whom no more are needed: containers cost no entries either. */
const hourReplicas = 1_000;
/** Two lists of each node, and some. */
const idleMs = 70_000;
const quickIdleMs = 500;

export const idleGroup: Group = {
  title: "an idle fleet of 1,000 nodes",
  workloads: [hourName, ...servedNames],
  async run(wanted, context) {
    const rows: Row[] = wanted.has(hourName) ? [await hour(context)] : [];
    if (servedNames.some((name) => wanted.has(name))) {
      const served = await startServed(context, this.title);
      try {
        rows.push(...(await servedRows(served, wanted, context)));
      } finally {
        await served.stop();
      }
    }
    return {
      title: this.title,
      columns: ["figure"],
      rows: rows.filter(({ workload }) => wanted.has(workload)),
      notes: [
        "The hour is one of a simulated clock, with all loops of the embedded host and a task a node. Else: 30 containers a node that are a Service's tasks, the real clock, SQLite, and the simulated engines in the same process: their lists of containers count as ours, though real ones are parsed from JSON.",
        "Heap and buffers after a full collection. Of which: what is gone once that part is; of the cluster, what is left then and was not there before the first node.",
      ],
    };
  },
};

async function hour({ quick, progress }: Context): Promise<Row> {
  progress(hourName, "bringing it up");
  const clock = new StillClock();
  const memory = openMemory({ exclusive: true, appliesOnAppend: true });
  const { cells, writes } = countedCells(memory.cells);
  const nodes = quick ? 4 : 1_000;
  const fleet = await BenchFleet.open({ ports: { ...memory, cells }, nodes, clock });
  fleet.run();
  await fleet.addNodes();
  await clock.pass(12_000);
  await fleet.addServices(1, quick ? nodes : hourReplicas);
  await clock.pass(60_000);
  const revisionOf = async (): Promise<number> => (await fleet.store.view(() => undefined)).revision;
  const running = (await fleet.runningTasks()).length;
  if (running !== nodes) throw new Error(`${running} of ${nodes} tasks run`);
  const [revision, written] = [await revisionOf(), writes()];
  progress(hourName, "an hour");
  await clock.pass(hourMs);
  const [entries, cellWrites] = [(await revisionOf()) - revision, writes() - written];
  await clock.until(fleet[Symbol.asyncDispose]());
  return {
    workload: hourName,
    cells: [`${entries}, ${cellWrites}`],
    figures: { entries, cellWrites },
    bars: [factBar("none", entries === 0 && cellWrites === 0)],
  };
}

async function servedRows(served: Served, wanted: ReadonlySet<string>, context: Context): Promise<Row[]> {
  const { services, replicas, nodes } = sizeFor(context);
  const count = services * replicas;
  const { runningMs } = served;
  const perSecond = (count / runningMs) * 1_000;
  const rows = [plain(startName, `${(runningMs / 1_000).toFixed(1)} s, ${whole(perSecond)} a second`, { runningMs, perSecond })];
  if (wanted.has(cpuName)) rows.push(await cpu(served, context));
  if (!Object.values(heapNames).some((name) => wanted.has(name))) return rows;
  context.progress(heapNames.all, "collecting garbage");
  const { heapBytes: before = 0 } = await served.ask({ ask: "heap" });
  await served.load({ what: "get", path: "/v1.41/containers/json?all=1", requests: 1, isWarm: false });
  const { dismantled } = await served.ask({ ask: "dismantle" });
  if (dismantled === undefined) throw new Error("it was not dismantled");
  const { wholeBytes, withoutLoopsBytes, withoutContainersBytes, baseBytes } = dismantled;
  const each = (of: string, bytes: number, per: string, by: number): Row =>
    plain(of, `${megabytes(bytes)}, ${whole(bytes / by)} bytes a ${per}`, { bytes, bytesEach: bytes / by });
  return [
    ...rows,
    each(heapNames.all, before, "container", count),
    each(heapNames.loops, wholeBytes - withoutLoopsBytes, "node", nodes),
    each(heapNames.engines, withoutLoopsBytes - withoutContainersBytes, "container", count),
    each(heapNames.store, withoutContainersBytes - baseBytes, "container", count),
    each(heapNames.rows, wholeBytes - before, "container", count),
  ];
}

async function cpu(served: Served, context: Context): Promise<Row> {
  context.progress(cpuName, "idle");
  const { idle } = await served.ask({ ask: "idle", ms: context.quick ? quickIdleMs : idleMs });
  if (idle === undefined) throw new Error("it was not idle");
  const msPerSecond = idle.cpuMs / (idle.ms / 1_000);
  const text = `${msPerSecond.toFixed(1)} ms; ${idle.entries} entries, ${idle.cellWrites} writes of cells in ${whole(idle.ms / 1_000)} s`;
  return {
    workload: cpuName,
    cells: [text],
    figures: { cpuMsPerSecond: msPerSecond, entries: idle.entries, cellWrites: idle.cellWrites },
    bars: [factBar("no entry, no cell", idle.entries === 0 && idle.cellWrites === 0)],
  };
}

const plain = (workload: string, cell: string, figures: Row["figures"]): Row => ({ workload, cells: [cell], figures, bars: [] });
const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
