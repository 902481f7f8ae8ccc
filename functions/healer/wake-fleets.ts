/**
 * Each minute's wake-up of every cluster that has nodes: their health is looked at then, and whatever no event told of; of one that is
 * deleted, what it left on them is removed.
 */
import { prefixOf } from "../../shared/kinds/definition.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import type { WakeQueue } from "../aws/wake-queue.ts";
import type { Workshop } from "../aws/workshop.ts";

export type WakeOptions = Pick<Workshop, "clusters" | "objects" | "clock" | "logger"> & {
  readonly queue: WakeQueue;
  /** By the monotonic clock: nothing begins after it. */
  readonly endsMs: number;
};

/** Clusters that are looked at, or woken, at once. */
const atOnce = 16;
const prefix = prefixOf(nodeKind);

/** How many clusters could not be woken. Never rejects: what else the healer does must not wait for this. */
export async function wakeFleets(options: WakeOptions): Promise<number> {
  const { clusters, clock, endsMs, logger } = options;
  try {
    const waiting = (await clusters.list()).map(({ metadata }) => metadata.uid).values();
    let failed = 0;
    const work = async (): Promise<void> => {
      for (const uid of waiting) if (clock.monotonic() >= endsMs || !(await wake(options, uid))) failed += 1;
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return failed;
  } catch (error) {
    logger.log("error", "fleets can't be woken", { error });
    return 1;
  }
}

/** One read for a cluster without nodes: half a unit. */
async function wake({ objects, queue, logger }: WakeOptions, uid: string): Promise<boolean> {
  try {
    const { rows, next } = await objects.page(uid, { prefix, limit: 1 });
    if (rows.length > 0 || next !== undefined) await queue.send([{ cluster: uid, health: true }]);
    return true;
  } catch (error) {
    logger.log("error", "a fleet can't be woken", { cluster: uid, error });
    return false;
  }
}
