/**
 * What a write of a Cluster sets going in the same call: a new one's log begins, a deleted one's is sealed, so that nobody works in it
 * any more. What fails here, whoever keeps the clusters carries on (state/cluster-keeper.ts).
 */
import type { Cluster } from "../kinds/cluster.ts";
import { clusterKind } from "../kinds/cluster.ts";
import type { WindlassObject } from "../kinds/object.ts";
import type { Call } from "./call.ts";

/** Never rejects: the write itself is done. */
export async function advanceCluster({ api, definition }: Call, object: WindlassObject): Promise<void> {
  if (definition.kind !== clusterKind.kind) return;
  const cluster = object as unknown as Cluster;
  try {
    if (cluster.metadata.deletionTimestamp !== undefined) await api.clusters.end(cluster);
    else await api.clusters.resolve(cluster.metadata.name);
  } catch (error) {
    api.logger.log("warn", "a cluster's change is not carried out yet", { cluster: cluster.metadata.name, error });
  }
}
