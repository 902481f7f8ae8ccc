/**
 * What an embedded cluster needs from time to time: entries past the retention are stripped. Rows need nothing here (SQLite writes
 * them with the entries), and nobody listens to events outside the process yet, so what is applied counts as published.
 */
import type { Clock } from "../../shared/base/clock.ts";
import type { Logger } from "../../shared/base/logger.ts";
import type { Log, Objects } from "../../shared/log/ports.ts";
import { Stripper } from "../../shared/state/stripper.ts";

export type UpkeepOptions = {
  readonly log: Log;
  readonly objects: Objects;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The lives there are, each with how many milliseconds its entries are kept. */
  readonly retentions: () => Promise<ReadonlyMap<string, number>>;
};

const intervalMs = 60_000;
/** Entries of a life that one round strips, in steps that let requests through: bounds how long a backlog holds the process. */
const stepsPerRound = 200;

/** Runs until `signal` aborts. A round that fails is logged, and the next one tries again. */
export async function keepUp(options: UpkeepOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  while (!signal.aborted) {
    try {
      await clock.sleep(intervalMs, signal);
      for (const life of await options.retentions()) await strip(options, life, signal);
    } catch (error) {
      if (!signal.aborted) logger.log("error", "old entries can't be stripped", { error });
    }
  }
}

/** One round of one life: what is applied counts as published, and what is older than the retention goes. */
async function strip(
  { log, objects, clock }: UpkeepOptions,
  [uid, retentionMs]: [string, number],
  signal: AbortSignal,
): Promise<void> {
  const markers = await objects.markers(uid);
  if (markers === undefined) return;
  const { applied, published } = markers;
  if (applied > published) await objects.move(uid, "published", { from: published, to: applied });
  const stripper = new Stripper({ log, objects });
  const before = clock.now() - retentionMs;
  for (let step = 0; step < stepsPerRound; step += 1) {
    if ((await stripper.run(uid, { before, steps: 1 })) === 0) return;
    await clock.sleep(0, signal);
  }
}
