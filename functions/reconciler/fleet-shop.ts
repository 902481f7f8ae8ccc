/** What the reconciler works with: the clusters, and what the fleet of each is opened with. */
import type { Clock } from "../../shared/base/clock.ts";
import type { Ids } from "../../shared/base/ids.ts";
import type { Logger } from "../../shared/base/logger.ts";
import { type ClusterFleet, type FleetPolicy, openClusterFleet } from "../../shared/fleet/cluster-fleet.ts";
import type { OpenEngine } from "../../shared/fleet/nodes/engines.ts";
import type { SecretResolver } from "../../shared/fleet/secrets/resolver.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { Clusters } from "../../shared/state/clusters.ts";
import { EventJournal } from "../../shared/state/core-events/event-journal.ts";
import { eventRecorder } from "../../shared/state/core-events/event-recorder.ts";
import type { Store } from "../../shared/state/store.ts";
import type { Ports } from "../aws/dynamo-ports.ts";
import type { WakeQueue } from "../aws/wake-queue.ts";

export type FleetShopOptions = Ports & {
  readonly queue: WakeQueue;
  readonly secrets: SecretResolver;
  readonly open: OpenEngine;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly policy?: FleetPolicy;
};

export type FleetShop = FleetShopOptions & {
  readonly clusters: Clusters;
  /** Dispose of it with the invocation: connections do not outlive the pause until the next one. */
  fleetOf(store: Store): ClusterFleet;
};

/** Of an environment with 1 GB: stores of so many clusters, each with so much JSON in it. */
const openMax = 16;
const cachedBytesMax = 32 * 1024 * 1024;

export async function openFleetShop(options: FleetShopOptions): Promise<FleetShop> {
  const registry = createRegistry(builtinKinds);
  const clusters = await Clusters.open({ ...options, registry, lazy: true, openMax, cachedBytesMax });
  const journal = new EventJournal(options);
  return {
    ...options,
    clusters,
    fleetOf: (store) => openClusterFleet({ ...options, store, root: clusters.root, recorder: eventRecorder(journal, store.uid) }),
  };
}
