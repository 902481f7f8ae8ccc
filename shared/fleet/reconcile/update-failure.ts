/**
 * When an update has failed, told from the tasks that it made, and what follows: it pauses, or the former template comes back. A rollback
 * that fails only pauses.
 */
import { timestamp } from "../../base/clock.ts";
import { parseDuration } from "../../kinds/quantity.ts";
import type { Service, UpdateConfig, UpdateStatus } from "../../kinds/service.ts";
import type { Task } from "../../kinds/task.ts";
import type { Template } from "../../kinds/template.ts";
import { endOf } from "./restart.ts";
import { sameTemplate, templateHash } from "./template-hash.ts";
import { endedItself, stateOf, timeOf } from "./world.ts";

export type Made = {
  readonly service: Service;
  readonly tasks: readonly Task[];
  /** How many places the service has. */
  readonly places: number;
  readonly known: UpdateStatus;
  readonly config: UpdateConfig;
};

/** What the service's status says next, and the template that comes back. */
export type Outcome = { readonly status: UpdateStatus; readonly template?: Template };

/** The task whose failure makes too many; undefined: none does. */
export function failureOf(made: Made): Task | undefined {
  const { tasks, places, config } = made;
  if (config.failureAction === "continue") return undefined;
  const failed = tasks.filter((task) => isFailure(task, made));
  return failed.length > config.maxFailureRatio * places ? failed.at(-1) : undefined;
}

/** A task of the update that ended by itself before it had run for `monitor`. */
function isFailure(task: Task, { service, known, config }: Made): boolean {
  if (!isAttempt(task, service.spec.template, known)) return false;
  // What may end and is not restarted then has done its work.
  if (stateOf(task) === "complete" && task.spec.template.spec.restartPolicy.condition !== "any") return false;
  const ran = endOf(task) - timeOf(task.status?.startedAt, endOf(task));
  return ran <= monitorOf(config);
}

export const monitorOf = ({ monitor }: UpdateConfig): number => parseDuration(monitor) ?? 0;

export function afterFailure({ service, known }: Pick<Made, "service" | "known">, failed: Task, now: number): Outcome {
  const why = `due to failure or early termination of task ${failed.metadata.name}`;
  const isRollback = known.state === "rollback_started";
  const { formerTemplate, ...rest } = known;
  if (!isRollback && service.spec.update.failureAction === "rollback" && formerTemplate !== undefined) {
    const status: UpdateStatus = {
      state: "rollback_started",
      message: `update rolled back ${why}`,
      startedAt: timestamp(now),
      // Of the spec that brings the former template back.
      generation: service.metadata.generation + 1,
      templateHash: templateHash(formerTemplate),
      step: known.step + 1,
    };
    return { status, template: formerTemplate };
  }
  const state = isRollback ? "rollback_paused" : "paused";
  const message = `${isRollback ? "rollback" : "update"} paused ${why}`;
  const kept = formerTemplate === undefined ? {} : { formerTemplate };
  return { status: { ...rest, ...kept, state, message, generation: service.metadata.generation } };
}

/** A task of the update that ended by itself. */
export const isAttempt = (task: Task, template: Template, { startedAt }: UpdateStatus): boolean =>
  endedItself(task) && task.metadata.creationTimestamp >= startedAt && sameTemplate(task.spec.template, template);
