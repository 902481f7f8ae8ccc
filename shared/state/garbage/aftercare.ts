/**
 * What follows from committed entries beside rows and events: garbage is collected, and clusters are begun and removed. For hosts that
 * are woken and stop again: entries say where to look, before their marker moves, and a sweep looks at everything. What can't be done
 * now is noted, so that a sweep follows; so nothing here keeps rows or events from getting on.
 */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { Entry, Objects } from "../../log/ports.ts";
import { ClusterKeeper } from "../cluster-keeper.ts";
import type { Clusters } from "../clusters.ts";
import type { LagNotes } from "../derive/lag-notes.ts";
import { GoneError, SealedError } from "../errors.ts";
import type { Sink } from "../publisher.ts";
import type { Store } from "../store.ts";
import { Collector } from "./collector.ts";

export type AftercareOptions = {
  readonly clusters: Clusters;
  readonly objects: Objects;
  readonly notes: Pick<LagNotes, "add">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts when the time is over: what is left then is noted. */
  readonly signal: AbortSignal;
};

export class Aftercare implements Sink {
  readonly #options: AftercareOptions;

  constructor(options: AftercareOptions) {
    this.#options = options;
  }

  /** Rejects only when what is left could not be noted. */
  async publish(uid: string, entries: readonly Entry[]): Promise<void> {
    const done = await this.#care(uid, (collector) => collector.follow(entries, this.#options.signal));
    if (!done) await this.#options.notes.add(uid, { sweep: true });
  }

  /** Looks at everything in the life `uid`; whether nothing is left to do. Never rejects. */
  sweep(uid: string): Promise<boolean> {
    return this.#care(uid, (collector) => collector.sweep(this.#options.signal));
  }

  async #care(uid: string, collect: (collector: Collector) => Promise<unknown>): Promise<boolean> {
    const { clusters, logger } = this.#options;
    try {
      const store = await clusters.storeOf(uid);
      if (store === undefined) return true;
      const isRoot = store === clusters.root;
      await collect(this.#collector(store, isRoot));
      return isRoot ? await this.#keepClusters() : true;
    } catch (error) {
      // All of the cluster goes.
      if (error instanceof SealedError || error instanceof GoneError) return true;
      logger.log("warn", "what owners left is collected later", { cluster: uid, error });
      return false;
    }
  }

  #collector(store: Store, isRoot: boolean): Collector {
    return new Collector({ ...this.#options, store, scope: isRoot ? "root" : "cluster" });
  }

  /** Whether no cluster is on its way any more. */
  async #keepClusters(): Promise<boolean> {
    const { signal } = this.#options;
    const keeper = new ClusterKeeper(this.#options);
    while (!signal.aborted) {
      const round = await keeper.round();
      if (round !== "more") return round === "done";
    }
    return false;
  }
}
