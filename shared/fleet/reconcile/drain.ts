/**
 * How far the draining of nodes is: the condition Drained, with how many tasks are left. It is there while a node is drained, and True
 * when nothing of a service or a task by hand runs there any more; containers that people made themselves stay where they are.
 */
import { isDeepStrictEqual } from "node:util";
import type { Condition } from "../../kinds/condition.ts";
import type { Node } from "../../kinds/node.ts";
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

export function tellDrains({ nodes, tasks, now }: World, plan: Plan): void {
  const told = nodes.filter((node) => isDraining(node) || drainedOf(node) !== undefined);
  if (told.length === 0) return;
  const left = new Map<string, number>();
  for (const task of tasks) {
    const { nodeName } = task.spec;
    if (nodeName !== undefined && isAssigned(task) && !isOver(task)) left.set(nodeName, (left.get(nodeName) ?? 0) + 1);
  }
  for (const node of told) {
    const known = drainedOf(node);
    const drained = isDraining(node) ? judge(node, left.get(node.metadata.name) ?? 0, now) : undefined;
    if (!isDeepStrictEqual(drained, known)) plan.nodes.push({ do: "node", node, drained, notes: notesOf(known, drained) });
  }
}

const isDraining = ({ spec }: Node): boolean => spec.availability === "drain";

function judge({ status }: Node, left: number, now: number): Condition {
  const message = left === 1 ? "1 task is left" : `${left === 0 ? "no" : left} tasks are left`;
  const judgement = { holds: left === 0, reason: left === 0 ? "NoTasksLeft" : "TasksLeft", message };
  return conditionOf(type, judgement, { before: status?.conditions, now });
}

function notesOf(known: Condition | undefined, drained: Condition | undefined): Note[] {
  if (drained === undefined || known?.status === drained.status) return [];
  if (drained.status === "True") return [{ type: "Normal", reason: "NodeDrained", message: "no tasks are left on the node" }];
  return [{ type: "Normal", reason: "Draining", message: `the node is drained: ${drained.message ?? ""}` }];
}
