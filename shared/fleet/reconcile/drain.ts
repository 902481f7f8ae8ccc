/**
 * How far the draining of nodes is: the condition Drained, with how many tasks are left. It is there while a node is drained or removed, and
 * True when nothing of a service or a task by hand runs there any more; containers that people made themselves stay where they are.
 */
import { isDeepStrictEqual } from "node:util";
import type { Condition } from "../../kinds/condition.ts";
import type { Node } from "../../kinds/node.ts";
import type { Task } from "../../kinds/task.ts";
import { isLeaving } from "../nodes/status.ts";
import type { Note } from "./actions.ts";
import { conditionOf } from "./conditions.ts";
import type { Plan } from "./plan.ts";
import { isAssigned, isOver, type World } from "./world.ts";

const type = "Drained";

export const drainedOf = ({ status }: Node): Condition | undefined => status?.conditions?.find((each) => each.type === type);

/** The node with this condition, or without any. */
export function withDrained(node: Node, drained: Condition | undefined): Node {
  const { conditions = [], ...status } = node.status ?? { state: "unknown" as const };
  const kept = conditions.filter((each) => each.type !== type);
  const next = drained === undefined ? kept : [...kept, drained];
  return { ...node, status: { ...status, ...(next.length > 0 && { conditions: next }) } };
}

/** Tasks that may have a container, by their nodes' names; a node without any is left out. */
export function tasksLeft(tasks: readonly Task[]): ReadonlyMap<string, number> {
  const left = new Map<string, number>();
  for (const task of tasks) {
    const { nodeName } = task.spec;
    if (nodeName !== undefined && isAssigned(task) && !isOver(task)) left.set(nodeName, (left.get(nodeName) ?? 0) + 1);
  }
  return left;
}

export function tellDrains({ nodes, tasks, containersLeft, now }: World, plan: Plan): void {
  const told = nodes.filter((node) => isDraining(node) || drainedOf(node) !== undefined);
  if (told.length === 0) return;
  const left = tasksLeft(tasks);
  for (const node of told) {
    const { name } = node.metadata;
    const known = drainedOf(node);
    const counts = { tasks: left.get(name) ?? 0, containers: containersLeft?.get(name) ?? 0 };
    const drained = isDraining(node) ? judge(node, counts, now) : undefined;
    if (!isDeepStrictEqual(drained, known)) plan.nodes.push({ do: "node", node, drained, notes: notesOf(node, drained) });
  }
}

const isDraining = (node: Node): boolean => node.spec.availability === "drain" || isLeaving(node);

type Counts = { readonly tasks: number; readonly containers: number };

function judge({ status }: Node, { tasks, containers }: Counts, now: number): Condition {
  const holds = tasks === 0 && containers === 0;
  const reason = holds ? "NoTasksLeft" : tasks > 0 ? "TasksLeft" : "ContainersLeft";
  const text = tasks === 1 ? "1 task is left" : `${tasks === 0 ? "no" : tasks} tasks are left`;
  const message =
    reason === "ContainersLeft" ? `${text}; ${containers} of their containers ${containers === 1 ? "is" : "are"}` : text;
  return conditionOf(type, { holds, reason, message }, { before: status?.conditions, now });
}

function notesOf(node: Node, drained: Condition | undefined): Note[] {
  const known = drainedOf(node);
  if (drained === undefined || known?.status === drained.status) return [];
  if (drained.status === "True") return [{ type: "Normal", reason: "NodeDrained", message: "no tasks are left on the node" }];
  const what = isLeaving(node) ? "being removed" : "drained";
  return [{ type: "Normal", reason: "Draining", message: `the node is ${what}: ${drained.message ?? ""}` }];
}
