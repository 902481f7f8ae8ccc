/**
 * What the embedded host does for objects and clusters that are going: the collector of every open cluster and of the root, and the
 * keeper of the clusters. All of it works from what is there, so a crash at any point only delays it.
 */

import { aborted } from "../../shared/base/aborted.ts";
import type { Objects } from "../../shared/log/ports.ts";
import { ClusterKeeper, type ClusterKeeperOptions } from "../../shared/state/cluster-keeper.ts";
import { Collector } from "../../shared/state/garbage/collector.ts";
import type { Store } from "../../shared/state/store.ts";

export type GarbageOptions = ClusterKeeperOptions & { readonly objects: Objects };

/** Runs until `signal` aborts and everything that it started has ended. Never rejects. */
export async function collectGarbage(options: GarbageOptions, signal: AbortSignal): Promise<void> {
  const { clusters } = options;
  const running = new Set<Promise<void>>([new ClusterKeeper(options).run(signal)]);
  const stop = clusters.onOpen((store) => {
    const collecting = collect(store, options, signal).finally(() => running.delete(collecting));
    running.add(collecting);
  });
  await aborted(signal);
  stop();
  await Promise.all(running);
}

function collect(store: Store, options: GarbageOptions, signal: AbortSignal): Promise<void> {
  const scope = store === options.clusters.root ? "root" : "cluster";
  return new Collector({ ...options, store, scope }).run(signal);
}
