/** What open watches take: memory of those that hear nothing, and how a write reaches all of very many. */
import path from "node:path";
import { median } from "../measure.ts";
import { type Bar, type Context, duration, factBar, type Group, type Row, timeBar, times, whole } from "../report.ts";
import { fillFolder } from "./fill.ts";
import { megabytes } from "./lists.ts";
import type { Memory } from "./probe.ts";
import { buildLoad, missingGo, type Probed, probeBare, probeWindlass } from "./servers.ts";

const objects = 1_000;
/** Opened and closed before what counts, so that code and tables that all share are there. */
const warmUp = 50;
const quickShare = 20;

type Rest = { readonly idle: Memory; readonly open: Memory; readonly seconds: number };

const idleTitle = "HTTP: memory of idle watches";
const idleWatches = [1_000] as const;
const watchBytesMax = 10 * 1024;
const residentMax = 1.5;

/** After the same puts: they make a young heap grow as far as it likes. */
async function prepared(server: Probed, context: Context, held?: string): Promise<void> {
  await server.load({ op: "fill", keys: context.quick ? objects / quickShare : objects });
  const first = await server.hold(warmUp, held);
  await first.end();
}

async function atRest(server: Probed, count: number, held?: string): Promise<Rest> {
  const idle = await server.ask("collect");
  const watches = await server.hold(count, held);
  try {
    return { idle, open: await server.ask("collect"), seconds: watches.seconds };
  } finally {
    await watches.end();
  }
}

export const idleWatchesGroup: Group = {
  title: idleTitle,
  workloads: idleWatches.map((count) => `${whole(count)} watches`),
  async run(wanted, context) {
    const missing = await missingGo();
    if (missing !== undefined) return { title: idleTitle, skipped: missing };
    const program = await buildLoad(context.folder);
    const rows: Row[] = [];
    for (const count of idleWatches) {
      const workload = `${whole(count)} watches`;
      if (!wanted.has(workload)) continue;
      const used = context.quick ? count / quickShare : count;
      const ours = await alone(() => probeWindlass(program, path.join(context.folder, "idle")), used, context);
      const bare = await alone(() => probeBare(program, path.join(context.folder, "idle-bare")), used, context, "/held");
      rows.push(idleRow(workload, used, ours, bare));
    }
    return {
      title: idleTitle,
      columns: ["heap a watch", "a held answer of a bare server", "resident", "of the bare server", "to bare"],
      rows,
      notes: [
        "Heap and buffers after a full collection, less what was there before the watches, by watch. Both servers took 1,000 puts before; the bare one is Node's http and SQLite with as many answers that do not end. In parentheses: before the watches were opened. Bookmarks are asked for.",
      ],
    };
  },
};

async function alone(start: () => Promise<Probed>, count: number, context: Context, held?: string): Promise<Rest> {
  // The first start makes certificates and a database; what counts is any later one.
  await (await start()).stop();
  const server = await start();
  try {
    context.progress(idleTitle, server.name);
    await prepared(server, context, held);
    return await atRest(server, count, held);
  } finally {
    await server.stop();
  }
}

function idleRow(workload: string, count: number, ours: Rest, bare: Rest): Row {
  const each = (rest: Rest): number => (rest.open.heapBytes - rest.idle.heapBytes) / count;
  const resident = ({ idle, open }: Rest): string => `${megabytes(open.residentBytes)} (${megabytes(idle.residentBytes)})`;
  const ratio = ours.open.residentBytes / bare.open.residentBytes;
  return {
    workload,
    cells: [`${kilobytes(each(ours))}`, `${kilobytes(each(bare))}`, resident(ours), resident(bare), times(ratio)],
    figures: {
      bytesEach: each(ours),
      bareBytesEach: each(bare),
      residentBytes: ours.open.residentBytes,
      bareResidentBytes: bare.open.residentBytes,
    },
    bars: [
      factBar("under 10 KB a watch", each(ours) < watchBytesMax),
      factBar(`resident at most ${times(residentMax)} bare`, ratio <= residentMax),
    ],
  };
}

const manyTitle = "HTTP: one write reaches all of many watches";
const manyWatches = [1_000, 10_000] as const;
const writes = 5;
/** A hundred microseconds a watcher: what a reader of ten thousand would call at once. */
const lastUsMax = 1_000_000;
/** What may stay of their heap when they are closed. */
const leftShareMax = 0.2;

export const manyWatchesGroup: Group = {
  title: manyTitle,
  workloads: manyWatches.map((count) => `${whole(count)} watches`),
  async run(wanted, context) {
    const missing = await missingGo();
    if (missing !== undefined) return { title: manyTitle, skipped: missing };
    const folder = path.join(context.folder, "many");
    await fillFolder(folder, context.quick ? objects / quickShare : objects);
    const server = await probeWindlass(await buildLoad(context.folder), folder);
    try {
      await prepared(server, context);
      const rows: Row[] = [];
      for (const count of manyWatches) {
        const workload = `${whole(count)} watches`;
        if (wanted.has(workload)) rows.push(await reached(workload, context.quick ? count / quickShare : count, server, context));
      }
      return {
        title: manyTitle,
        columns: ["opened in", "first half has it", "last has it", "heap a watch", "resident", "heap left when closed"],
        rows,
        notes: [
          `Medians of ${writes} puts, each counted from when it is sent until so many watchers, over a connection each, have parsed its event; load and server share the machine.`,
        ],
      };
    } finally {
      await server.stop();
    }
  },
};

async function reached(workload: string, count: number, server: Probed, context: Context): Promise<Row> {
  context.progress(manyTitle, workload);
  const idle = await server.ask("collect");
  const watches = await server.hold(count);
  const halves: number[] = [];
  const lasts: number[] = [];
  for (let write = 0; write < (context.quick ? 1 : writes); write += 1) {
    const { p50Us, maxUs } = await watches.put();
    halves.push(p50Us);
    lasts.push(maxUs);
  }
  const open = await server.ask("collect");
  await watches.end();
  const left = await settled(server, idle);
  return manyRow(workload, { count, idle, open, left, seconds: watches.seconds, halfUs: median(halves), lastUs: median(lasts) });
}

/** Connections close a moment after their clients have gone: looked at until what is left is little, and no longer than that takes. */
async function settled(server: Probed, idle: Memory): Promise<Memory> {
  let left = await server.ask("collect");
  for (let look = 0; look < 20 && left.heapBytes - idle.heapBytes > 1e6; look += 1) left = await server.ask("collect");
  return left;
}

type Reached = Rest & {
  readonly count: number;
  readonly left: Memory;
  readonly halfUs: number;
  readonly lastUs: number;
};

function manyRow(workload: string, { count, idle, open, left, seconds, halfUs, lastUs }: Reached): Row {
  const heapBytes = open.heapBytes - idle.heapBytes;
  const leftBytes = Math.max(0, left.heapBytes - idle.heapBytes);
  const bars: Bar[] = [
    timeBar(`all within ${duration(lastUsMax)}`, lastUs <= lastUsMax),
    factBar("under 10 KB a watch", heapBytes / count < watchBytesMax),
    factBar("at least 80 % given back", leftBytes <= leftShareMax * heapBytes),
  ];
  return {
    workload,
    cells: [
      duration(seconds * 1e6),
      duration(halfUs),
      duration(lastUs),
      kilobytes(heapBytes / count),
      `${megabytes(open.residentBytes)} (${megabytes(idle.residentBytes)})`,
      megabytes(leftBytes),
    ],
    figures: { seconds, halfUs, lastUs, bytesEach: heapBytes / count, residentBytes: open.residentBytes, leftBytes },
    bars,
  };
}

const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KB`;
