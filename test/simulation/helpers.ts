/** Publishers and strippers: short-lived processes of their own, woken now and then, killed anywhere. */

import { fold } from "../../shared/log/fold.ts";
import type { Entry } from "../../shared/log/ports.ts";
import type { Code } from "./code.ts";
import { errorName, isHarmless } from "./errors.ts";
import type { History } from "./history.ts";
import type { Judge } from "./judge.ts";
import { type Link, PortError } from "./link.ts";
import { SimulatedLog } from "./simulated-log.ts";
import { SimulatedObjects } from "./simulated-objects.ts";
import type { World } from "./world.ts";

/** How the helpers themselves can be broken. */
export type HelperBreak = "stream records are data" | "events count as handed over";

export type HelperOptions = {
  readonly code: Code;
  readonly world: World;
  readonly judge: Judge;
  readonly link: Link;
  readonly broken: string | undefined;
};

const shape = { appendMax: 1, compressAboveBytes: Number.POSITIVE_INFINITY, exclusive: false };

/** A run of the publisher, woken by `record`. What it may throw is judged; nothing comes out. */
export async function publish(options: HelperOptions, history: History, record: Entry | undefined): Promise<void> {
  const { code, world, link, broken } = options;
  const objects = new SimulatedObjects(world, link, broken);
  const log = new SimulatedLog(world, link, shape, broken);
  await judged(options.judge, "publisher", async () => {
    if (broken === "stream records are data" && record !== undefined)
      return applyRecord(objects, history, { record, nowMs: link.now() });
    const sink = { publish: (_uid: string, entries: readonly Entry[]) => handOver(options, history, entries) };
    await new code.Publisher({ log, objects, clock: link, sink }).run(history.uid);
  });
}

export async function strip(options: HelperOptions, history: History, beforeMs: number): Promise<void> {
  const { code, world, link, broken } = options;
  const objects = new SimulatedObjects(world, link, broken);
  const log = new SimulatedLog(world, link, shape, broken);
  await judged(options.judge, "stripper", async () => {
    await new code.Stripper({ log, objects }).run(history.uid, { before: beforeMs, steps: 3 });
  });
}

/** What DESIGN section 1, rule 6, forbids: the record's entry is taken for the next one. */
async function applyRecord(
  objects: SimulatedObjects,
  { uid }: History,
  { record, nowMs }: { readonly record: Entry; readonly nowMs: number },
): Promise<void> {
  const markers = await objects.markers(uid);
  if (markers === undefined || record.seal === true || record.revision <= markers.applied) return;
  await objects.apply(uid, fold([record]), nowMs);
  await objects.move(uid, "applied", { from: markers.applied, to: record.revision });
}

async function handOver({ link, broken }: HelperOptions, history: History, entries: readonly Entry[]): Promise<void> {
  const take = () => {
    for (const { revision } of entries) history.published.add(revision);
  };
  await link.travel();
  const fate = link.fate();
  if (fate === "done" || fate === "twice" || fate === "lost after") take();
  if (fate === "late") link.options.scheduler.after(link.lateMs(Number.POSITIVE_INFINITY), take);
  await link.back();
  if (fate !== "done" && fate !== "twice" && broken !== "events count as handed over") throw new PortError(`publish: ${fate}`);
}

async function judged(judge: Judge, who: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!isHarmless(error)) judge.fail(`${who}: ${errorName(error)}: ${error instanceof Error ? error.stack : String(error)}`);
  }
}
