/** What a container's state means for the task that it runs, and how a task moves: forward only, and only if it is still the one that was seen. */
import { timestamp } from "../../base/clock.ts";
import type { ContainerObjectStatus } from "../../kinds/container.ts";
import { type Task, type TaskState, taskStateRank } from "../../kinds/task.ts";
import type { Transaction } from "../../state/transaction.ts";
import { isOver, isWanted, stateOf } from "../reconcile/world.ts";

export type TaskMove = {
  readonly state: TaskState;
  /** For people; absent: nothing is to be said. */
  readonly message?: string;
  readonly containerId?: string;
  readonly exitCode?: number;
};

/** undefined: the task stays as it is. */
export function moveAfter(task: Task, container: ContainerObjectStatus): TaskMove | undefined {
  if (isOver(task)) return undefined;
  switch (container.state) {
    case "running":
      return afterRunning(task, container);
    case "exited":
    case "dead":
      return afterEnd(task, container);
    default:
      return undefined;
  }
}

function afterRunning(task: Task, { health, containerId = "" }: ContainerObjectStatus): TaskMove | undefined {
  if (task.spec.desiredState !== "running") return undefined;
  if (health === "unhealthy") return { state: "failed", message: "its health check failed", containerId };
  if (health === "starting" || stateOf(task) === "running") return undefined;
  return { state: "running", containerId };
}

function afterEnd(task: Task, container: ContainerObjectStatus): TaskMove {
  const { exitCode = 0, isOutOfMemory = false, containerId = "" } = container;
  const ended = { containerId, exitCode };
  if (!isWanted(task)) return { state: "shutdown", ...ended };
  if (exitCode === 0 && container.state === "exited") return { state: "complete", ...ended };
  const why = isOutOfMemory ? "its container ran out of memory" : container.message;
  const message = `its command ended with exit code ${exitCode}${why === undefined ? "" : `: ${why}`}`;
  return { state: "failed", message, ...ended };
}

/** The task if it is still the same one, on that node; else undefined. */
export function sameTask({ tasks }: Transaction, { metadata, spec }: Task): Task | undefined {
  const current = tasks.get(metadata.name, metadata.namespace);
  const isSame = current?.metadata.uid === metadata.uid && current.spec.nodeName === spec.nodeName;
  return isSame ? current : undefined;
}

/** false: it is past that state. Says again what is already said without a write. */
export function moveTask({ tasks, context }: Transaction, task: Task, move: TaskMove): boolean {
  const from = stateOf(task);
  const steps = taskStateRank(move.state) - taskStateRank(from);
  const isSaid = steps === 0 && move.message === task.status?.message;
  if (steps < 0 || isOver(task) || isSaid) return false;
  const { message: _, ...kept } = task.status ?? { state: from };
  const now = timestamp(context.now);
  const startedAt = move.state === "running" && kept.startedAt === undefined ? { startedAt: now } : {};
  const since = steps === 0 && kept.since !== undefined ? kept.since : now;
  tasks.update({ ...task, status: { ...kept, ...move, ...startedAt, since } });
  return true;
}
