/** What the reconciler looks at, all of it: decide reads nothing else. Objects are as one revision of the store has them. */
import type { Node } from "../../kinds/node.ts";
import type { Service } from "../../kinds/service.ts";
import { type Task, type TaskState, taskStateRank } from "../../kinds/task.ts";
import type { Standing } from "../placement/standing.ts";
import type { Strategy, StrategyName } from "../placement/strategies.ts";

/** The actor of the reconciler's entries, and the source of its events. */
export const reconcilerName = "reconciler";

export type World = {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  readonly tasks: readonly Task[];
  /** What containers that people made take of the nodes. */
  readonly standing: readonly Standing[];
  /** Of nodes that are being removed, by their names: how many containers of tasks they have. Absent: none. */
  readonly containersLeft?: ReadonlyMap<string, number>;
};

export type Policy = {
  /** Where a template names none. */
  readonly strategy: StrategyName | Strategy;
  /** A node that does not answer for so long loses its tasks; one that is `down` at once. */
  readonly lossGraceMs: number;
  /** swarmkit's TaskHistoryRetentionLimit: tasks that ended, kept for each slot. */
  readonly historyMax: number;
  /** A replacement waits so long for the task before it to stop, beyond that one's own grace period; then it starts beside it. */
  readonly stopTimeoutMs: number;
  /** Where the doubling of a restart's delay ends. */
  readonly backOffMaxMs: number;
  /** A service that has too few tasks and gets no further for so long is no longer said to progress: a Deployment's progressDeadlineSeconds. */
  readonly progressDeadlineMs: number;
  /** For random placement. */
  readonly seed: number;
};

export const defaultPolicy: Policy = {
  strategy: "spread",
  lossGraceMs: 60_000,
  historyMax: 5,
  stopTimeoutMs: 60_000,
  backOffMaxMs: 300_000,
  progressDeadlineMs: 600_000,
  seed: 1,
};

const ranks = {
  assigned: taskStateRank("assigned"),
  running: taskStateRank("running"),
} as const;

export const stateOf = (task: Pick<Task, "status">): TaskState => task.status?.state ?? "new";
/** It is meant to run, or to be ready to. */
export const isWanted = ({ spec }: Task): boolean => taskStateRank(spec.desiredState) <= ranks.running;
/** Its container is gone, or never was: nothing comes after this but its deletion. */
export const isOver = (task: Task): boolean => taskStateRank(stateOf(task)) > ranks.running;
/** A node was found and checked for it: only from then on may it have a container. */
export const isAssigned = (task: Task): boolean =>
  task.spec.nodeName !== undefined && taskStateRank(stateOf(task)) >= ranks.assigned;

/** It ended though it was not asked to. */
export function endedItself(task: Task): boolean {
  const state = stateOf(task);
  return state === "failed" || state === "rejected" || state === "complete";
}

/** Milliseconds since 1970; `otherwise` where the time is absent. */
export const timeOf = (text: string | undefined, otherwise: number): number =>
  text === undefined ? otherwise : Date.parse(text);

/** What tasks of a service are found by: `namespace/name`. */
export const serviceKeyOf = ({ metadata }: Pick<Service, "metadata">): string =>
  `${metadata.namespace ?? "default"}/${metadata.name}`;

/** The key of the service that a task belongs to; undefined: it stands alone. */
export const ownerKeyOf = ({ metadata, spec }: Pick<Task, "metadata" | "spec">): string | undefined =>
  spec.serviceName === undefined ? undefined : `${metadata.namespace ?? "default"}/${spec.serviceName}`;
