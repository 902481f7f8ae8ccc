/**
 * swarmkit's restart supervisor without its memory: whether a task that ended is replaced, and when, told from the tasks that are
 * there. New here: the delay doubles with each failure in a row, as far as the history of the slot reaches.
 */
import { parseDuration } from "../../kinds/quantity.ts";
import type { Task } from "../../kinds/task.ts";
import { sameTemplate } from "./template-hash.ts";
import { endedItself, stateOf, timeOf } from "./world.ts";

/** A task that ran for so long begins anew: what failed before it no longer delays. Kubernetes' reset of a back-off. */
const steadyMs = 600_000;

/** How far back the window of a restart policy makes the history of a slot reach; more attempts are not counted. */
export const attemptsKeptMax = 100;

/** `history`: the tasks of its slot, oldest first, `task` among them. swarmkit's ShouldRestart. */
export function mayRestart(task: Task, history: readonly Task[]): boolean {
  const { condition, maxAttempts, window } = task.spec.template.spec.restartPolicy;
  if (condition === "none" || (condition === "on-failure" && stateOf(task) === "complete")) return false;
  if (maxAttempts === 0) return true;
  const windowMs = parseDuration(window) ?? 0;
  if (windowMs === 0) return (task.spec.restarts ?? 0) < maxAttempts;
  const since = endOf(task) - windowMs;
  const restarted = history.filter(
    (each) =>
      (each.spec.restarts ?? 0) > 0 &&
      Date.parse(each.metadata.creationTimestamp) > since &&
      sameTemplate(each.spec.template, task.spec.template),
  );
  return restarted.length < Math.min(maxAttempts, attemptsKeptMax);
}

/** When the one that follows `former`, which ended, may start: milliseconds since 1970. */
export function restartAt(former: Task, history: readonly Task[], backOffMaxMs: number): number {
  const delayMs = parseDuration(former.spec.template.spec.restartPolicy.delay) ?? 0;
  let doubled = delayMs;
  for (let index = history.indexOf(former) - 1; index >= 0; index -= 1) {
    const before = history[index];
    if (before === undefined || !isQuickFailure(before) || !sameTemplate(before.spec.template, former.spec.template)) break;
    doubled *= 2;
  }
  const delay = isQuickFailure(former) ? doubled : delayMs;
  return endOf(former) + Math.max(delayMs, Math.min(delay, backOffMaxMs));
}

function isQuickFailure(task: Task): boolean {
  if (!endedItself(task) || stateOf(task) === "complete") return false;
  return endOf(task) - timeOf(task.status?.startedAt, endOf(task)) < steadyMs;
}

/** When it ended; for want of that, when it was made. */
export const endOf = (task: Task): number => timeOf(task.status?.since, Date.parse(task.metadata.creationTimestamp));
