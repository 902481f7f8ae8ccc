/**
 * How a node whose deletion was asked for comes to its end: its tasks end, those of services go on elsewhere as at a drain, and when neither
 * a task nor a container of one is left the node is let go (hold.ts). One that is lost is not waited for; what people made there stays.
 */
import type { Node } from "../../kinds/node.ts";
import { isLeaving } from "../nodes/status.ts";
import type { Note } from "./actions.ts";
import { tasksLeft } from "./drain.ts";
import type { Fates } from "./fate.ts";
import { isHeld } from "./hold.ts";
import type { Plan } from "./plan.ts";
import { isOver, type World } from "./world.ts";

/** Nobody tells the reconciler of containers: it looks again after a second, and the longer it has waited the less often. */
const lookMs = { first: 1_000, last: 30_000 } as const;
/** Of the time that was waited already. */
const lookShare = 0.1;

/**
 * Whatever its service or who made it wants of such a node's task, it ends there, and goes then. Asked when these have decided. One that
 * ended before goes with its place's history (history.ts): the last one of a place may tell that its work is done.
 */
export function endTasks({ nodes, tasks }: World, plan: Plan, fates: Fates): void {
  if (!nodes.some(isLeaving)) return;
  for (const task of tasks) {
    const fate = fates.of(task);
    if (isOver(task) || fate.kind === "fine" || !fates.isLeaving(task)) continue;
    plan.end(task, { desiredState: "remove", why: fate.why, isLost: fate.kind === "lost" });
  }
}

/** Which nodes are held from now on, and which are let go. */
export function holdNodes(world: World, plan: Plan, fates: Fates): void {
  const { nodes, tasks, containersLeft, now } = world;
  const open = nodes.filter((node) => isLeaving(node) === isHeld(node));
  if (open.length === 0) return;
  const left = tasksLeft(tasks);
  for (const node of open) {
    const { name } = node.metadata;
    const isBusy = left.has(name);
    if (!isLeaving(node)) {
      if (isBusy) plan.holds.push({ do: "hold", node });
      continue;
    }
    if (isBusy) continue;
    const fate = fates.ofNode(name);
    const isLost = fate.kind === "lost";
    if (!isLost && containersLeft?.has(name)) plan.wake(lookAt(node, now));
    else plan.releases.push({ do: "release", node, isLost, note: isLost ? lostNote(fate.why) : goneNote });
  }
}

function lookAt({ metadata }: Node, now: number): number {
  const waitedMs = now - Date.parse(metadata.deletionTimestamp ?? "");
  return now + Math.min(lookMs.last, Math.max(lookMs.first, lookShare * waitedMs));
}

const goneNote: Note = {
  type: "Normal",
  reason: "NodeReleased",
  message: "no tasks are left on the node, nor containers of them",
};

const lostNote = (why: string): Note => ({
  type: "Warning",
  reason: "NodeReleased",
  message: `${why}: its tasks were given up, and their containers may still be there`,
});
