/**
 * Each minute's wake-up of every cluster that has nodes: their health is looked at then, and whatever no event told of; of one that is
 * deleted, what it left on them is removed.
 */
import { prefixOf } from "../../shared/kinds/definition.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { type WakeQueue, wakesAtOnceMax } from "../aws/wake-queue.ts";
import type { Workshop } from "../aws/workshop.ts";

export type WakeOptions = Pick<Workshop, "clusters" | "objects" | "clock" | "logger"> & {
  readonly queue: WakeQueue;
  /** By the monotonic clock: nothing begins after it. */
  readonly endsMs: number;
};

/** Clusters that are looked at, or requests to the queue, at once. */
const atOnce = 16;
const prefix = prefixOf(nodeKind);

/** How many clusters could not be woken. Never rejects: what else the healer does must not wait for this. */
export async function wakeFleets(options: WakeOptions): Promise<number> {
  const { clusters, logger } = options;
  try {
    const waiting = (await clusters.list()).map(({ metadata }) => metadata.uid).values();
    const found: string[] = [];
    const failed: string[] = [];
    const work = async (): Promise<void> => {
      for (const uid of waiting) {
        const isToWake = isOver(options) ? undefined : await hasNodes(options, uid);
        if (isToWake === undefined) failed.push(uid);
        else if (isToWake) found.push(uid);
        if (found.length >= wakesAtOnceMax) failed.push(...(await unwoken(options, found.splice(0, wakesAtOnceMax))));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    failed.push(...(await unwoken(options, found)));
    return failed.length;
  } catch (error) {
    logger.log("error", "fleets can't be woken", { error });
    return 1;
  }
}

const isOver = ({ clock, endsMs }: WakeOptions): boolean => clock.monotonic() >= endsMs;

/** One read: half a unit for a cluster without nodes. undefined: it can't be told. */
async function hasNodes({ objects, logger }: WakeOptions, uid: string): Promise<boolean | undefined> {
  try {
    const { rows, next } = await objects.page(uid, { prefix, limit: 1 });
    return rows.length > 0 || next !== undefined;
  } catch (error) {
    logger.log("error", "a fleet can't be woken", { cluster: uid, error });
    return undefined;
  }
}

/** Wakes them in one request; those that were not. */
async function unwoken(options: WakeOptions, uids: readonly string[]): Promise<readonly string[]> {
  if (uids.length === 0 || isOver(options)) return uids;
  try {
    await options.queue.send(uids.map((cluster) => ({ cluster, health: true })));
    return [];
  } catch (error) {
    options.logger.log("error", "fleets can't be woken", { clusters: uids, error });
    return uids;
  }
}
