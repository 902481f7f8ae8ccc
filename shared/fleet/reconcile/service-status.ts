/** What a service's status says, told from its tasks: counts, what holds it up, and the conditions that `kubectl wait` asks for. */
import { isDeepStrictEqual } from "node:util";
import { timestamp } from "../../base/clock.ts";
import type { Condition } from "../../kinds/condition.ts";
import type { Service, ServiceStatus, UpdateStatus } from "../../kinds/service.ts";
import type { Task } from "../../kinds/task.ts";
import { sameTemplate } from "./template-hash.ts";
import { isAssigned, isOver, isWanted, stateOf } from "./world.ts";

export type StatusOptions = {
  readonly service: Service;
  readonly tasks: readonly Task[];
  readonly update: UpdateStatus | undefined;
  /** For a global service: nodes that may have a task. */
  readonly eligible: number;
  readonly now: number;
};

/** undefined: it says so already. */
export function serviceStatus({ service, tasks, update, eligible, now }: StatusOptions): ServiceStatus | undefined {
  const wanted = tasks.filter((task) => isWanted(task) && !isOver(task));
  const ready = wanted.filter((task) => stateOf(task) === "running").length;
  const asked = service.spec.mode === "global" ? eligible : service.spec.replicas;
  const message = whatHolds(wanted, update);
  const conditions = conditionsOf({ service, ready, asked, message, update, now });
  const status: ServiceStatus = {
    replicas: wanted.length,
    readyReplicas: ready,
    updatedReplicas: wanted.filter(({ spec }) => sameTemplate(spec.template, service.spec.template)).length,
    ...(message !== undefined && { message }),
    ...(update !== undefined && { update }),
    observedGeneration: service.metadata.generation,
    conditions,
  };
  return isDeepStrictEqual(status, service.status) ? undefined : status;
}

function whatHolds(wanted: readonly Task[], update: UpdateStatus | undefined): string | undefined {
  const waiting = wanted.filter((task) => !isAssigned(task) && task.status?.message !== undefined);
  const why = waiting[0]?.status?.message;
  if (why !== undefined) return `${waiting.length} of ${wanted.length} tasks fit nowhere: ${why}`;
  return update === undefined || update.state.endsWith("completed") ? undefined : update.message;
}

type Facts = {
  readonly service: Service;
  readonly ready: number;
  readonly asked: number;
  readonly message: string | undefined;
  readonly update: UpdateStatus | undefined;
  readonly now: number;
};

function conditionsOf({ service, ready, asked, message, update, now }: Facts): Condition[] {
  const isAvailable = ready >= asked;
  const state = update?.state;
  const isStuck = state === "paused" || state === "rollback_paused";
  const isMoving = state === "updating" || state === "rollback_started" || !isAvailable;
  return [
    condition("Available", isAvailable, {
      reason: isAvailable ? "EnoughReplicas" : "TooFewReplicas",
      message: `${ready} of ${asked} tasks run`,
    }),
    condition("Progressing", isMoving && !isStuck, { reason: reasonOf(update, isAvailable), message: message ?? "" }),
  ].map((next) => stamped(next, service.status?.conditions, now));
}

function condition(
  type: string,
  holds: boolean,
  { reason, message }: { readonly reason: string; readonly message: string },
): Condition {
  return { type, status: holds ? "True" : "False", reason, ...(message !== "" && { message }) };
}

function reasonOf(update: UpdateStatus | undefined, isAvailable: boolean): string {
  switch (update?.state) {
    case "updating":
      return "Updating";
    case "rollback_started":
      return "RollingBack";
    case "paused":
      return "UpdatePaused";
    case "rollback_paused":
      return "RollbackPaused";
    default:
      return isAvailable ? "Settled" : "ReplicasStarting";
  }
}

/** lastTransitionTime moves with the status only, as Kubernetes' API conventions ask. */
function stamped(next: Condition, before: readonly Condition[] | undefined, now: number): Condition {
  const known = before?.find(({ type }) => type === next.type);
  const since = known?.status === next.status ? known.lastTransitionTime : undefined;
  return { ...next, lastTransitionTime: since ?? timestamp(now) };
}
