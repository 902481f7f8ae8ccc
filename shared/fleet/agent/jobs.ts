/**
 * What a node's agent has to do, decided from the objects alone: pure, level-based, one job a task or container. The containers' objects
 * follow the engine (looks.ts), so a job that was done leaves none behind, and one that was done twice does nothing.
 */
import type { Container } from "../../kinds/container.ts";
import { type Task, taskStateRank } from "../../kinds/task.ts";
import { isAssigned, isOver, isWanted, stateOf } from "../reconcile/world.ts";
import { moveAfter } from "./task-state.ts";

export type NodeWorld = {
  readonly nodeName: string;
  /** It is being removed: no container of a task stays, nor what they needed. */
  readonly isLeaving?: boolean;
  /** Of the node. */
  readonly tasks: readonly Task[];
  readonly containers: readonly Container[];
};

export type Job =
  /** Image, networks, container; then it is ready. */
  | { readonly do: "prepare"; readonly key: string; readonly task: Task }
  | { readonly do: "start"; readonly key: string; readonly task: Task; readonly container: Container }
  /** The task is told what its container's object says. */
  | { readonly do: "settle"; readonly key: string; readonly task: Task; readonly container: Container }
  /** It runs and must not. */
  | { readonly do: "stop"; readonly key: string; readonly task: Task; readonly container: Container }
  /** Nothing runs, and nothing is to: the task is shut down. */
  | { readonly do: "end"; readonly key: string; readonly task: Task; readonly container: Container | undefined }
  /** The container that it had is gone. */
  | { readonly do: "fail"; readonly key: string; readonly task: Task }
  /** Container and object go; `isLate`: its task was given up, so it is not asked to end first. */
  | { readonly do: "remove"; readonly key: string; readonly container: Container; readonly isLate: boolean };

export function jobsOf({ nodeName, isLeaving = false, tasks, containers }: NodeWorld): Job[] {
  const ofTasks = new Map(containers.filter(({ spec }) => spec.origin === "task").map((one) => [keyOf(one), one]));
  const jobs: Job[] = [];
  for (const task of tasks) {
    const key = keyOf(task);
    const container = ofTasks.get(key);
    // What another task of this name has left goes first.
    if (container !== undefined && !isOf(container, task)) continue;
    ofTasks.delete(key);
    const job = task.spec.nodeName === nodeName && jobOf({ task, container, key, isLeaving });
    if (job) jobs.push(job);
  }
  for (const [key, container] of ofTasks) jobs.push({ do: "remove", key, container, isLate: false });
  return jobs;
}

/** Whether time or the engine will bring the tasks on without anybody asking for more. */
export const isRestless = ({ tasks }: NodeWorld): boolean =>
  tasks.some((task) => {
    if (!isAssigned(task) || isOver(task)) return false;
    const { desiredState } = task.spec;
    return isWanted(task) ? taskStateRank(stateOf(task)) < taskStateRank(desiredState) : true;
  });

const ready = taskStateRank("ready");

const keyOf = ({ metadata }: Task | Container): string => `${metadata.namespace ?? "default"}/${metadata.name}`;
const isOf = ({ spec }: Container, { metadata }: Task): boolean =>
  spec.taskName === metadata.name && spec.taskUid === metadata.uid;

type Case = {
  readonly task: Task;
  readonly container: Container | undefined;
  readonly key: string;
  readonly isLeaving: boolean;
};

function jobOf({ task, container, key, isLeaving }: Case): Job | undefined {
  if (!isAssigned(task)) return container && { do: "remove", key, container, isLate: false };
  if (isOver(task)) return container && afterTask({ task, container, key, isLeaving });
  return isWanted(task) ? towards(task, container, key) : awayFrom(task, container, key);
}

/** What ended stays as history until its task or its node goes; what was given up does not. */
function afterTask({ task, container, key, isLeaving }: Case & { readonly container: Container }): Job | undefined {
  if (stateOf(task) === "orphaned") return { do: "remove", key, container, isLate: true };
  if (isUnmade(container)) return { do: "remove", key, container, isLate: true };
  if (isLive(container)) return { do: "stop", key, task, container };
  return isLeaving ? { do: "remove", key, container, isLate: true } : undefined;
}

function towards(task: Task, container: Container | undefined, key: string): Job | undefined {
  const isEarly = taskStateRank(stateOf(task)) < ready;
  if (container === undefined) return isEarly ? { do: "prepare", key, task } : { do: "fail", key, task };
  if (container.status !== undefined && moveAfter(task, container.status)) return { do: "settle", key, task, container };
  if (isUnmade(container)) return { do: "prepare", key, task };
  if (container.status?.state !== "created") return undefined;
  if (isEarly) return { do: "prepare", key, task };
  return task.spec.desiredState === "running" ? { do: "start", key, task, container } : undefined;
}

function awayFrom(task: Task, container: Container | undefined, key: string): Job | undefined {
  if (container !== undefined && isLive(container)) return { do: "stop", key, task, container };
  // Its node was down: what became of it is not known before it was looked at.
  if (container?.status?.state === "lost" && !isUnmade(container)) return undefined;
  return { do: "end", key, task, container };
}

/** Committed, and not seen on the engine. */
const isUnmade = ({ status }: Container): boolean => status?.containerId === undefined;

function isLive({ status }: Container): boolean {
  return status?.state === "running" || status?.state === "paused" || status?.state === "restarting";
}
