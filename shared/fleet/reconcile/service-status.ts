/** What a service's status says, told from its tasks: counts, what holds it up, and the conditions that `kubectl wait` asks for. */
import { isDeepStrictEqual } from "node:util";
import type { Service, ServiceStatus, UpdateStatus } from "../../kinds/service.ts";
import type { Task } from "../../kinds/task.ts";
import { serviceConditions } from "./service-conditions.ts";
import { sameTemplate } from "./template-hash.ts";
import { isAssigned, isOver, isWanted, stateOf } from "./world.ts";

export type StatusOptions = {
  readonly service: Service;
  readonly tasks: readonly Task[];
  readonly update: UpdateStatus | undefined;
  /** For a global service: nodes that may have a task. */
  readonly eligible: number;
  readonly now: number;
  readonly progressDeadlineMs: number;
};

export type Told = {
  /** undefined: it says so already. */
  readonly status: ServiceStatus | undefined;
  /** Which rules refuse the first of the tasks that fit nowhere. */
  readonly refusal: string | undefined;
  /** When time alone changes what it says, milliseconds since 1970. */
  readonly wakeAt: number | undefined;
};

export function serviceStatus({ service, tasks, update, eligible, now, progressDeadlineMs }: StatusOptions): Told {
  const wanted = tasks.filter((task) => isWanted(task) && !isOver(task));
  const ready = wanted.filter((task) => stateOf(task) === "running").length;
  const asked = service.spec.mode === "global" ? eligible : service.spec.replicas;
  const waiting = wanted.filter((task) => !isAssigned(task) && task.status?.message !== undefined);
  const refusal = waiting[0]?.status?.message;
  const unplaced = refusal === undefined ? undefined : `${waiting.length} of ${wanted.length} tasks fit nowhere: ${refusal}`;
  const message = unplaced ?? (update === undefined || update.state.endsWith("completed") ? undefined : update.message);
  const facts = { service, wanted, ready, asked, message, update, now, progressDeadlineMs };
  const { conditions, deadlineAt } = serviceConditions(facts);
  const status: ServiceStatus = {
    replicas: wanted.length,
    readyReplicas: ready,
    updatedReplicas: wanted.filter(({ spec }) => sameTemplate(spec.template, service.spec.template)).length,
    ...(message !== undefined && { message }),
    ...(update !== undefined && { update }),
    observedGeneration: service.metadata.generation,
    conditions,
  };
  return isDeepStrictEqual(status, service.status)
    ? { status: undefined, refusal, wakeAt: deadlineAt }
    : { status, refusal, wakeAt: undefined };
}
