/**
 * A service's conditions, Available and Progressing, with the meaning and, where there is one, the reason of a Kubernetes Deployment's:
 * what waits for those (`kubectl wait`, pipelines) waits for these.
 */
import type { Condition } from "../../kinds/condition.ts";
import type { Service, UpdateStatus } from "../../kinds/service.ts";
import type { Task } from "../../kinds/task.ts";
import { conditionOf, type Judgement } from "./conditions.ts";
import { timeOf } from "./world.ts";

export type Facts = {
  readonly service: Service;
  /** Those that are meant to run. */
  readonly wanted: readonly Task[];
  readonly ready: number;
  readonly asked: number;
  /** What holds it up. */
  readonly message: string | undefined;
  readonly update: UpdateStatus | undefined;
  readonly now: number;
  readonly progressDeadlineMs: number;
};

/** `deadlineAt`: when it is no longer said to progress if nothing happens, milliseconds since 1970; undefined: time alone changes nothing. */
export function serviceConditions(facts: Facts): { readonly conditions: Condition[]; readonly deadlineAt: number | undefined } {
  const { service, ready, asked, now } = facts;
  const before = service.status?.conditions;
  const isAvailable = ready >= asked;
  const available = conditionOf(
    "Available",
    {
      holds: isAvailable,
      reason: isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
      message: `${ready} of ${asked} tasks run`,
    },
    { before, now },
  );
  const deadlineAt = isAvailable || isHeld(facts.update) ? undefined : progressedAt(facts, available) + facts.progressDeadlineMs;
  const isLate = deadlineAt !== undefined && deadlineAt <= now;
  const progressing = conditionOf("Progressing", progress(facts, { isAvailable, isLate }), { before, now });
  return { conditions: [available, progressing], deadlineAt: isLate ? undefined : deadlineAt };
}

const isHeld = (update: UpdateStatus | undefined): boolean => update?.state === "paused" || update?.state === "rollback_paused";

function progress(
  { update, message = "", progressDeadlineMs }: Facts,
  { isAvailable, isLate }: { readonly isAvailable: boolean; readonly isLate: boolean },
): Judgement {
  if (update?.state === "paused") return { holds: false, reason: "UpdatePaused", message };
  if (update?.state === "rollback_paused") return { holds: false, reason: "RollbackPaused", message };
  if (isLate) {
    const why = message === "" ? "tasks do not come to run" : message;
    return {
      holds: false,
      reason: "ProgressDeadlineExceeded",
      message: `no progress for ${progressDeadlineMs / 1_000} s: ${why}`,
    };
  }
  if (update?.state === "updating") return { holds: true, reason: "Updating", message };
  if (update?.state === "rollback_started") return { holds: true, reason: "RollingBack", message };
  if (!isAvailable) return { holds: true, reason: "ReplicasStarting", message };
  return { holds: true, reason: update?.state === "rollback_completed" ? "RolledBack" : "NewGenerationAvailable", message };
}

/** When it last came further: a task began to run, more was asked of it, or it fell short. */
function progressedAt({ service, wanted, update, now }: Facts, { lastTransitionTime }: Condition): number {
  const { observedGeneration, conditions } = service.status ?? {};
  if (observedGeneration !== service.metadata.generation) return now;
  const progressing = conditions?.find(({ type, status }) => type === "Progressing" && status === "True");
  let latest = Math.max(
    timeOf(lastTransitionTime, now),
    timeOf(progressing?.lastTransitionTime, 0),
    timeOf(update?.startedAt, 0),
  );
  for (const { status } of wanted) latest = Math.max(latest, timeOf(status?.startedAt, 0));
  return latest;
}
