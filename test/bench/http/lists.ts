/** A list of 10,000 objects: how long it takes, and how much memory the server takes for it beyond what it holds when idle. */
import path from "node:path";
import { median } from "../measure.ts";
import { type Context, duration, factBar, type Group, type Row, range, times } from "../report.ts";
import { fillFolder } from "./fill.ts";
import type { Memory } from "./probe.ts";
import { asTable, nodesPath, type Read, readAnswer } from "./read.ts";
import { buildLoad, missingGo, type Probed, probeWindlass } from "./servers.ts";

const objects = 10_000;
const quickObjects = 500;
const forms: Readonly<Record<string, string>> = { JSON: "application/json", Table: asTable };
/** Peak growth to the answer's size. */
const growthMax = 2;

const title = "HTTP: a list of 10,000 objects";

export const listsGroup: Group = {
  title,
  workloads: Object.keys(forms),
  async run(wanted, context) {
    const missing = await missingGo();
    if (missing !== undefined) return { title, skipped: missing };
    const folder = path.join(context.folder, "lists");
    context.progress(title, "filling");
    await fillFolder(folder, context.quick ? quickObjects : objects);
    const server = await probeWindlass(await buildLoad(context.folder), folder);
    try {
      const rows: Row[] = [];
      for (const [form, accept] of Object.entries(forms))
        if (wanted.has(form)) rows.push(await measured(form, accept, server, context));
      return {
        title,
        columns: ["time", "range", "answer", "heap in use over idle", "resident over idle"],
        rows,
        notes: [
          "Nodes with a 256-byte annotation, read without gzip by one client on the same machine, after a first list. Over idle: the most of all rounds that was seen while a list ran, looked at with each write to the connection, less what was there before it. Heap in use: with buffers, and the garbage collected before each look. Beside the answer: its part.",
        ],
      };
    } finally {
      await server.stop();
    }
  },
};

type Sample = { readonly reads: readonly Read[]; readonly liveBytes: number; readonly residentBytes: number };

async function measured(form: string, accept: string, server: Probed, { quick, rounds, progress }: Context): Promise<Row> {
  const reads: Read[] = [];
  const resident: number[] = [];
  const count = quick ? 1 : rounds;
  await readAnswer(server, nodesPath, accept);
  for (let round = 0; round < count; round += 1) {
    progress(`${title}, ${form}`, `round ${round + 1} of ${count}`);
    reads.push(await readAnswer(server, nodesPath, accept));
    resident.push((await growth(server, "sample", accept)).residentBytes);
  }
  // A hundred collections: no need to see that often.
  const { heapBytes: liveBytes } = await growth(server, "sampleLive", accept);
  return row(form, { reads, liveBytes, residentBytes: Math.max(...resident) });
}

/** The most that was seen while a list ran, less what was there before. */
async function growth(server: Probed, how: "sample" | "sampleLive", accept: string): Promise<Memory> {
  const before = await server.ask("collect");
  await server.ask(how);
  await readAnswer(server, nodesPath, accept);
  const peak = await server.ask("peak");
  return { heapBytes: peak.heapBytes - before.heapBytes, residentBytes: peak.residentBytes - before.residentBytes };
}

function row(workload: string, { reads, liveBytes, residentBytes }: Sample): Row {
  const us = reads.map((read) => read.us);
  const bytes = median(reads.map((read) => read.bytes));
  return {
    workload,
    cells: [
      duration(median(us)),
      range(us, duration),
      megabytes(bytes),
      ...[liveBytes, residentBytes].map((grown) => `${megabytes(grown)} (${times(grown / bytes)})`),
    ],
    figures: { us: median(us), bytes, liveBytes, residentBytes },
    bars: [factBar(`at most ${growthMax} x the answer`, Math.max(liveBytes, residentBytes) <= growthMax * bytes)],
  };
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
