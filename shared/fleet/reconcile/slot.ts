/** What one place needs, whatever happens to its service as a whole: replacements for what ended or was displaced, and starts that were put off. */
import { parseDuration } from "../../kinds/quantity.ts";
import type { Service } from "../../kinds/service.ts";
import type { Task, TaskState } from "../../kinds/task.ts";
import type { Template } from "../../kinds/template.ts";
import type { NewTask, Place, ReplaceTask } from "./actions.ts";
import type { Fates } from "./fate.ts";
import type { Plan } from "./plan.ts";
import { restartAt } from "./restart.ts";
import { numberOf, type Slot } from "./slots.ts";
import { sameTemplate } from "./template-hash.ts";
import { endedItself, isAssigned, isOver, isWanted, type Policy } from "./world.ts";

export type SlotContext = {
  readonly service: Service;
  readonly plan: Plan;
  readonly fates: Fates;
  readonly policy: Policy;
  readonly now: number;
};

/** Ends what can't stay; the reason is told on the task. */
export function endOutgoing({ outgoing }: Slot, { plan, fates }: Pick<SlotContext, "plan" | "fates">): ReplaceTask["ends"] {
  return outgoing.map((task) => {
    const fate = fates.of(task);
    const why = fate.kind === "fine" ? "another task has its place" : fate.why;
    return plan.end(task, { desiredState: "shutdown", why, isLost: fate.kind === "lost" });
  });
}

/** Replaces the place's last task, which ended or can't stay; `template`: what the next one runs. */
export function replaceFormer(slot: Slot, former: Task, context: SlotContext & { readonly template: Template }): ReplaceTask {
  const { plan, template, policy, now } = context;
  const isRestart = endedItself(former);
  const waits = isRestart ? restartAt(former, slot.tasks, policy.backOffMaxMs) > now : !isGone(former, context.fates);
  const before = sameTemplate(former.spec.template, template) ? (former.spec.restarts ?? 0) : undefined;
  // A move is no restart; a new template begins to count anew.
  const restarts = before === undefined ? 0 : before + (isRestart ? 1 : 0);
  const moved = isRestart ? undefined : moveOf(former, context.fates);
  return plan.replace({
    wanted: wantedOf(slot),
    ends: endOutgoing(slot, context),
    create: newTask({ ...context, slot, desiredState: waits ? "ready" : "running", restarts }),
    ...(moved !== undefined && { moved }),
  });
}

function moveOf(former: Task, fates: Fates): ReplaceTask["moved"] {
  const fate = fates.of(former);
  const from = former.spec.nodeName;
  return fate.kind === "fine" || from === undefined ? undefined : { from, why: fate.why };
}

export type NewTaskOptions = {
  readonly service: Service;
  readonly template: Template;
  readonly desiredState: TaskState;
  readonly restarts?: number;
} & ({ readonly slot: Slot } | { readonly place: Place });

export function newTask(options: NewTaskOptions): NewTask {
  const { service, template, desiredState, restarts = 0 } = options;
  const [place, tasks] = "slot" in options ? [options.slot.place, options.slot.tasks] : [options.place, []];
  const number = 1 + tasks.reduce((most, task) => Math.max(most, numberOf(task)), 0);
  return { service, place, number, template, desiredState, restarts, state: "pending", message: "" };
}

export const wantedOf = ({ tasks }: Slot): readonly string[] => tasks.filter(isWanted).map(({ metadata }) => metadata.uid);

/** Lets a task that was put off start when those before it are gone, or take too long, and its delay is over. */
export function promote(slot: Slot, keep: Task, { plan, fates, policy, now }: SlotContext): void {
  if (keep.spec.desiredState === "running") return;
  const others = slot.tasks.filter((task) => task !== keep && task !== slot.old);
  const startAt = Math.max(delayedUntil(slot, keep, policy), stoppedAt(others, keep, { fates, policy }));
  if (startAt <= now) plan.change(keep).desiredState = "running";
  else plan.wake(startAt);
}

/** A restart waits for its delay; what follows an update or a move does not. */
function delayedUntil({ tasks }: Slot, keep: Task, { backOffMaxMs }: Policy): number {
  const former = tasks[tasks.indexOf(keep) - 1];
  if (former === undefined || !endedItself(former)) return 0;
  return sameTemplate(former.spec.template, keep.spec.template) ? restartAt(former, tasks, backOffMaxMs) : 0;
}

/** 0 when all of them are gone, else when they are no longer waited for. */
function stoppedAt(others: readonly Task[], keep: Task, { fates, policy }: Pick<SlotContext, "fates" | "policy">): number {
  const stopping = others.filter((task) => !isGone(task, fates));
  if (stopping.length === 0) return 0;
  const grace = stopping.map(({ spec }) => parseDuration(spec.template.spec.stopGracePeriod) ?? 0);
  return Date.parse(keep.metadata.creationTimestamp) + Math.max(...grace) + policy.stopTimeoutMs;
}

/** It has no container that could still be at work, as far as anyone can tell. */
export const isGone = (task: Task, fates: Fates): boolean => isOver(task) || !isAssigned(task) || fates.of(task).kind === "lost";
