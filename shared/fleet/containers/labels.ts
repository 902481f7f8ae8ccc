/**
 * How a container on an engine says whose it is: labels that each attempt sets, and its engine-side name, which is the attempt's id. A
 * container is ours only if both agree: labels alone are inherited from images that were committed from one of ours.
 */
import type { Ids } from "../../base/ids.ts";

/** The uid of the cluster's life that made it. */
export const clusterUidLabel = "windlass.dev/cluster-uid";
/** The attempt's id, which is also its name on the engine. */
export const attemptLabel = "windlass.dev/attempt";
/** `uid/namespace/name` of the task that it runs; absent with others. */
export const taskLabel = "windlass.dev/task";
/** `namespace/name` of its Container object. */
const containerLabel = "windlass.dev/container";

export type Labels = Readonly<Record<string, string>>;

/** 96 bits of chance: enough for every container there will ever be. */
const attemptDigits = 24;
const attemptPattern = new RegExp(`^wl-[0-9a-f]{${attemptDigits}}$`);

export const newAttemptId = (ids: Ids): string => `wl-${ids.uuid().replaceAll("-", "").slice(0, attemptDigits)}`;

export type OwnLabels = {
  readonly clusterUid: string;
  readonly attempt: string;
  readonly container: { readonly namespace: string; readonly name: string };
  readonly task?: { readonly uid: string; readonly namespace: string; readonly name: string };
};

export function ownLabels({ clusterUid, attempt, container, task }: OwnLabels): Labels {
  return {
    [clusterUidLabel]: clusterUid,
    [attemptLabel]: attempt,
    [containerLabel]: `${container.namespace}/${container.name}`,
    ...(task && { [taskLabel]: `${task.uid}/${task.namespace}/${task.name}` }),
  };
}

/** Whether a container was made by a cluster's life that is none of these: it is never ours, whatever an object says of it. */
export function isOthers(labels: Labels | null | undefined, uids: ReadonlySet<string>): boolean {
  const uid = labels?.[clusterUidLabel];
  return uid !== undefined && !uids.has(uid);
}

/** The attempt that made a container; undefined: none of these clusters did. `engineName`: with or without its slash. */
export function attemptOf(
  { labels, engineName }: { readonly labels: Labels; readonly engineName: string | undefined },
  clusterUids: ReadonlySet<string>,
): string | undefined {
  const attempt = labels[attemptLabel];
  if (attempt === undefined || !attemptPattern.test(attempt)) return undefined;
  const isOurs = clusterUids.has(labels[clusterUidLabel] ?? "") && engineName?.replace(/^\//, "") === attempt;
  return isOurs ? attempt : undefined;
}
