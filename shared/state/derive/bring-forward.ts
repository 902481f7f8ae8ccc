/**
 * Brings what derives from the logs of many clusters forward, a few at a time. Tenants share wake-ups, so one that fails, or takes too
 * long, is noted for later and holds up no other.
 */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import { GoneError } from "../errors.ts";
import type { Publisher } from "../publisher.ts";
import type { LagNotes } from "./lag-notes.ts";

export type ForwardOptions = {
  readonly publisher: Pick<Publisher, "run">;
  readonly notes: Pick<LagNotes, "add">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** By the monotonic clock: no run begins after it. */
  readonly endsMs: number;
};

/** Clusters that are worked on at once: below the SDK's 50 connections, and few enough that none waits long for its turn. */
const atOnce = 8;
/** Runs for one cluster, each of which got on, before the others' sake counts more. */
const runsMax = 20;

/** Gives the uids whose lag could not even be noted: they must be woken again. Never rejects. */
export async function bringForward(uids: ReadonlySet<string>, options: ForwardOptions): Promise<ReadonlySet<string>> {
  const unnoted = new Set<string>();
  const waiting = uids.values();
  const work = async (): Promise<void> => {
    for (const uid of waiting) {
      if (await isForward(uid, options)) continue;
      if (!(await isNoted(uid, options))) unnoted.add(uid);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, uids.size) }, work));
  return unnoted;
}

/** Whether it is at the head now, or over. */
export async function isForward(
  uid: string,
  { publisher, clock, logger, endsMs }: Omit<ForwardOptions, "notes">,
): Promise<boolean> {
  try {
    for (let runs = 0; runs < runsMax && clock.monotonic() < endsMs; runs += 1) {
      if ((await publisher.run(uid)).done) return true;
    }
    logger.log("warn", "a cluster is not at its head yet", { cluster: uid });
  } catch (error) {
    // Its last entry may wake us when all of it is removed.
    if (error instanceof GoneError) return true;
    logger.log("error", "a cluster can't be brought forward now", { cluster: uid, error });
  }
  return false;
}

async function isNoted(uid: string, { notes, logger }: ForwardOptions): Promise<boolean> {
  try {
    await notes.add(uid, { sweep: false });
    return true;
  } catch (error) {
    logger.log("error", "that a cluster lags can't be noted", { cluster: uid, error });
    return false;
  }
}
