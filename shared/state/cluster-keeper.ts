/**
 * Carries out what Clusters say: begins the logs of new ones, removes what deleted ones left. It looks at the Clusters as they stand, so
 * whatever was interrupted anywhere is carried on, by this process or another.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { Pool } from "../base/pool.ts";
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
/** Clusters that are carried on at once: one whose nodes can't be reached takes its turn for 45 seconds, and not the others'. */
const atOnceMax = 64;

export class ClusterKeeper {
  readonly #options: ClusterKeeperOptions;
  readonly #turns = new Pool(atOnceMax);
  /** By uid, as they were seen last, until they are taken up. */
  readonly #seen = new Map<string, Cluster>();
  readonly #underway = new Map<string, Promise<void>>();

  constructor(options: ClusterKeeperOptions) {
    this.#options = options;
  }

  /** Runs until `signal` aborts. Each cluster goes on by itself. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clusters, clock, logger } = this.#options;
    const look = async (): Promise<void> => {
      for (const cluster of await this.#unfinished()) this.#takeUp(cluster, signal);
    };
    const options = { store: clusters.root, clock, logger, name: "clusters", specifiers: onAny(clusterKind), everyMs, look };
    await follow(options, signal);
    await Promise.all(this.#underway.values());
  }

  /**
   * Brings every cluster a bounded number of steps on. One that fails does not hold up the others.
   * done: nothing is left to do. more: another round gets further. waiting: one after `clearRetryMs` may. failed: nothing is left but what
   * failed.
   */
  async round(): Promise<Round> {
    const never = new AbortController().signal;
    const unfinished = await this.#unfinished();
    const done = await Promise.all(unfinished.map((cluster) => this.#turns.run(() => this.#carryOn(cluster), never)));
    if (done.includes("more")) return "more";
    if (done.includes("waiting")) return "waiting";
    return done.includes("failed") ? "failed" : "done";
  }

  async #unfinished(): Promise<readonly Cluster[]> {
    return (await this.#options.clusters.list()).filter(needsSomething);
  }

  #takeUp(cluster: Cluster, signal: AbortSignal): void {
    const { uid } = cluster.metadata;
    this.#seen.set(uid, cluster);
    if (this.#underway.has(uid)) return;
    const done = this.#carryThrough(uid, signal).catch(() => undefined); // it was told to end
    this.#underway.set(uid, done);
  }

  /** To its end, to a failure, or until nobody has seen it anew. Rejects with the signal's reason only. */
  async #carryThrough(uid: string, signal: AbortSignal): Promise<void> {
    for (let next = this.#taken(uid); next !== undefined; ) {
      const cluster = next;
      const round = await this.#turns.run(() => this.#carryOn(cluster), signal);
      const isUnderWay = round === "more" || round === "waiting";
      if (isUnderWay) await this.#options.clock.sleep(round === "waiting" ? clearRetryMs : 0, signal);
      next = this.#taken(uid) ?? (isUnderWay ? cluster : undefined);
    }
    this.#underway.delete(uid);
  }

  #taken(uid: string): Cluster | undefined {
    const cluster = this.#seen.get(uid);
    this.#seen.delete(uid);
    return cluster;
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
