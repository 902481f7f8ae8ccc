/** What is kept of a place's past: its newest ended tasks, for people to look at and for restart policies to count. swarmkit's task reaper. */
import type { Task } from "../../kinds/task.ts";
import { attemptsKeptMax } from "./restart.ts";
import type { SlotContext } from "./slot.ts";
import type { Slot } from "./slots.ts";
import { isUnderway } from "./update.ts";
import { isOver, isWanted } from "./world.ts";

/** Those that are not wanted but still there: lost ones are given up here, too. */
export function forgetHistory(slot: Slot, context: SlotContext): void {
  const { plan, fates, policy } = context;
  const past: Task[] = [];
  for (const task of slot.tasks) {
    if (isWanted(task)) continue;
    const fate = fates.of(task);
    if (isOver(task) && task.spec.desiredState === "remove") plan.delete(task);
    else if (isOver(task)) past.push(task);
    else if (fate.kind === "lost") plan.end(task, { desiredState: "shutdown", why: fate.why, isLost: true });
  }
  const others = past.filter((task) => task !== slot.former);
  const surplus = others.slice(0, Math.max(0, past.length - historyMax(slot, context, policy.historyMax)));
  for (const task of [...surplus, ...others.filter((each) => fates.isLeaving(each))]) plan.delete(task);
}

/** Restart policies with a window and updates that are not decided yet count what failed. */
function historyMax({ former, keep }: Slot, { service }: SlotContext, usual: number): number {
  const state = service.status?.update?.state;
  if (isUnderway(service) && (state === "updating" || state === "rollback_started")) return Math.max(usual, attemptsKeptMax);
  const { maxAttempts, window } = (keep ?? former ?? { spec: service.spec }).spec.template.spec.restartPolicy;
  return /[1-9]/.test(window) ? Math.max(usual, Math.min(maxAttempts, attemptsKeptMax)) : usual;
}
