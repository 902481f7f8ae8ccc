/**
 * Carries out what Clusters say: begins the logs of new ones, removes what deleted ones left. It looks at the Clusters as they stand, so
 * whatever was interrupted anywhere is carried on, by this process or another.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { type Cluster, clusterKind } from "../kinds/cluster.ts";
import { type ChangeProgress, type Clusters, clearRetryMs } from "./clusters.ts";
import { onAny } from "./event.ts";
import { follow } from "./follow.ts";

export type ClusterKeeperOptions = { readonly clusters: Clusters; readonly clock: Clock; readonly logger: Logger };

type Round = ChangeProgress | "failed";

/** So often all are looked at: what failed is tried again. */
const everyMs = 60_000;
/** Steps of one removal before others are looked at. */
const stepsAtOnce = 20;

export class ClusterKeeper {
  readonly #options: ClusterKeeperOptions;

  constructor(options: ClusterKeeperOptions) {
    this.#options = options;
  }

  /** Runs until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void> {
    const { clusters, clock, logger } = this.#options;
    const look = async (): Promise<void> => {
      for (;;) {
        const round = signal.aborted ? "done" : await this.round();
        if (round !== "more" && round !== "waiting") return;
        await clock.sleep(round === "more" ? 0 : clearRetryMs, signal);
      }
    };
    const options = { store: clusters.root, clock, logger, name: "clusters", specifiers: onAny(clusterKind), everyMs, look };
    return follow(options, signal);
  }

  /**
   * Brings every cluster a bounded number of steps on. One that fails does not hold up the others.
   * done: nothing is left to do. more: another round gets further. waiting: one after `clearRetryMs` may. failed: nothing is left but what
   * failed.
   */
  async round(): Promise<Round> {
    const { clusters } = this.#options;
    const waiting = (await clusters.list()).filter(needsSomething);
    const done = await Promise.all(waiting.map((cluster) => this.#carryOn(cluster)));
    if (done.includes("more")) return "more";
    if (done.includes("waiting")) return "waiting";
    return done.includes("failed") ? "failed" : "done";
  }

  async #carryOn(cluster: Cluster): Promise<Round> {
    const { clusters, logger } = this.#options;
    try {
      return await clusters.carryOn(cluster, stepsAtOnce);
    } catch (error) {
      logger.log("warn", "a cluster's change is carried out later", { cluster: cluster.metadata.name, error });
      return "failed";
    }
  }
}

/** A deleted one that is held by others' finalizers only has nothing left to remove. */
function needsSomething({ metadata, status }: Cluster): boolean {
  if (metadata.deletionTimestamp === undefined) return status?.state !== "ready";
  return (metadata.finalizers ?? []).includes(clusterKind.finalizer ?? "");
}
