/**
 * How those who remove deleted clusters learn that the nodes are cleared: publisher and healer stand outside of the network that nodes are
 * in, so the reconciler clears and notes it in a cell of the installation. The healer's schedule wakes it while the cluster has rows of nodes.
 */
import type { Clock } from "../../shared/base/clock.ts";
import type { Logger } from "../../shared/base/logger.ts";
import { isHeldTooLong } from "../../shared/fleet/clearance.ts";
import { readSealedLife } from "../../shared/fleet/sealed-life.ts";
import type { Cluster } from "../../shared/kinds/cluster.ts";
import { installationUid } from "../../shared/state/clusters.ts";
import type { Ports } from "./dynamo-ports.ts";

type NoteOptions = Pick<Ports, "cells"> & { readonly clock: Clock };

const noteCell = (uid: string): string => `cleared/${uid}`;
/** The cluster itself is gone long before. */
const noteMs = 24 * 3600 * 1_000;
/** Longer than the reconciler waits for nodes itself: it says which, whoever waits for it can't. */
const graceMs = 300_000;

export async function noteCleared(uid: string, { cells, clock }: NoteOptions): Promise<void> {
  const expires = clock.now() + noteMs;
  // Lost: another one noted it.
  await cells.put(installationUid, { key: noteCell(uid), value: {}, expires, when: "absent" });
}

export async function isNotedAsCleared(uid: string, { cells }: Pick<NoteOptions, "cells">): Promise<boolean> {
  return (await cells.get(installationUid, noteCell(uid))) !== undefined;
}

/** Whether a deleted cluster has nothing left on nodes, or is held for it no longer. @throws what the ports do. */
export async function isCleared(cluster: Cluster, options: Ports & NoteOptions & { readonly logger: Logger }): Promise<boolean> {
  const { name, uid } = cluster.metadata;
  if (await isNotedAsCleared(uid, options)) return true;
  if ((await readSealedLife(cluster, options)).nodes.length === 0) return true;
  if (!isHeldTooLong(cluster, options.clock.now(), graceMs)) return false;
  options.logger.log("warn", "a deleted cluster's containers may run on: no reconciler has cleared its nodes", {
    cluster: name,
    uid,
  });
  return true;
}
