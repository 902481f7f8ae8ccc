/** A cluster of 100,000 objects beside one of 1,000: start-up, memory, lists, watch delay and puts. */
import path from "node:path";
import { performance } from "node:perf_hooks";
import { median } from "../measure.ts";
import { type Context, type Group, whole } from "../report.ts";
import { fillFolder } from "./fill.ts";
import type { Result } from "./held.ts";
import { type Facts, largeRows, pageLimit, type Reading, rowsOf } from "./large-rows.ts";
import { nodesPath, readAnswer, readPages } from "./read.ts";
import { buildLoad, missingGo, type Probed, probeWindlass, startWindlass } from "./servers.ts";

const sizes = [1_000, 100_000] as const;
const quickShare = 50;

const title = "HTTP: many objects in one cluster";
/** Of writes. */
const rounds = 3;

type Loads = { readonly puts: Result; readonly delay: Result };

export const largeGroup: Group = {
  title,
  workloads: largeRows,
  async run(wanted, context) {
    const missing = await missingGo();
    if (missing !== undefined) return { title, skipped: missing };
    const program = await buildLoad(context.folder);
    const [small, large] = await inTurns(program, context);
    return {
      title,
      columns: sizes.map((size) => `${whole(size)} objects`),
      rows: rowsOf(small, large).filter(({ workload }) => wanted.has(workload)),
      notes: [
        "Start-up from spawning the process on a filled folder. Memory after a full collection. Delays from a put's acknowledgement to its event at one watcher, 200 puts a second; puts by 64 clients; medians of three rounds in turns.",
      ],
    };
  },
};

type Opened = { readonly server: Probed; readonly objects: number; readonly read: Reading; readonly loads: Loads[] };

/** Both clusters' servers stand while writes are measured, round by round, so that they meet the same load of the machine. */
async function inTurns(program: string, context: Context): Promise<[Facts, Facts]> {
  const opened: Opened[] = [];
  try {
    for (const size of sizes) opened.push(await openSize(context.quick ? size / quickShare : size, program, context));
    for (let round = 0; round < (context.quick ? 1 : rounds); round += 1) {
      for (const one of round % 2 === 0 ? opened : opened.toReversed()) one.loads.push(await writing(one, context));
    }
    return opened.map(factsOf) as [Facts, Facts];
  } finally {
    for (const { server } of opened) await server.stop();
  }
}

async function openSize(objects: number, program: string, context: Context): Promise<Opened> {
  const folder = path.join(context.folder, `large-${objects}`);
  context.progress(title, `filling ${whole(objects)}`);
  await fillFolder(folder, objects);
  // The first start makes certificates and a token.
  await (await startWindlass(program, folder)).stop();
  const begun = performance.now();
  const server = await probeWindlass(program, folder);
  try {
    context.progress(title, `reading ${whole(objects)}`);
    return { server, objects, read: await reading(server, begun), loads: [] };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function writing({ server, objects }: Opened, context: Context): Promise<Loads> {
  context.progress(title, `writing among ${whole(objects)}`);
  const seconds = context.quick ? 0.3 : 3;
  const puts = await server.load({ op: "put", clients: 64, keys: objects, seconds });
  return { puts, delay: await server.load({ op: "watch", watchers: 1, rate: 200, keys: objects, seconds }) };
}

const factsOf = ({ objects, read, loads }: Opened): Facts => ({
  objects,
  ...read,
  putsPerSecond: median(loads.map(({ puts }) => puts.perSecond)),
  delayP50Us: median(loads.map(({ delay }) => delay.p50Us)),
  delayP99Us: median(loads.map(({ delay }) => delay.p99Us)),
});

async function reading(server: Probed, begun: number): Promise<Reading> {
  await readAnswer(server, `${nodesPath}/bench-1`);
  const getUs = (performance.now() - begun) * 1_000;
  const afterGet = await server.ask("collect");
  const { us: listUs, bytes } = await readAnswer(server, nodesPath);
  const afterList = await server.ask("collect");
  const { us: warmUs } = await readAnswer(server, nodesPath);
  const { us: pagesUs } = await readPages(server, pageLimit);
  return { getUs, afterGet, listUs, afterList, warmUs, pagesUs, bytes };
}
