/**
 * What holds a node's deletion: a finalizer that the node gets in the entry that gives it a task, and that goes when nothing of a task is
 * left there. Without it the node's agent would end at once, and the tasks' containers would run on, known to nobody.
 */
import type { Container } from "../../kinds/container.ts";
import { type Node, nodeKind } from "../../kinds/node.ts";
import { withoutFinalizer, writeOrRemove } from "../../state/garbage/deletion.ts";
import { byNode } from "../../state/selector.ts";
import type { ReadTable, Transaction } from "../../state/transaction.ts";
import { isLeaving } from "../nodes/status.ts";
import type { HoldNode, ReleaseNode } from "./actions.ts";
import { isAssigned, isOver } from "./world.ts";

export const tasksFinalizer = "windlass.dev/tasks";

export const isHeld = ({ metadata }: Node): boolean => metadata.finalizers?.includes(tasksFinalizer) === true;

/** Whether a task that it gets brings the finalizer with it: once in a node's life. */
export function needsHold({ nodes }: Transaction, nodeName: string): boolean {
  const node = nodes.get(nodeName);
  return node !== undefined && !isHeld(node) && !isLeaving(node);
}

/** Whether it was not held before, and is now. */
export function hold(transaction: Transaction, nodeName: string): boolean {
  const node = transaction.nodes.get(nodeName);
  if (node === undefined || !needsHold(transaction, nodeName)) return false;
  const { finalizers = [], ...metadata } = node.metadata;
  transaction.nodes.update({ ...node, metadata: { ...metadata, finalizers: [...finalizers, tasksFinalizer] } });
  return true;
}

/** One that was decided on by itself: tasks may be older than the finalizer, and a PUT may leave it out. */
export const holdNode = (transaction: Transaction, { node }: HoldNode): boolean =>
  transaction.nodes.get(node.metadata.name)?.metadata.uid === node.metadata.uid && hold(transaction, node.metadata.name);

/** The node goes, unless others hold it. */
export function releaseNode(transaction: Transaction, { node, isLost }: ReleaseNode): boolean {
  const { nodes, tasks, containers } = transaction;
  const { name, uid } = node.metadata;
  const current = nodes.get(name);
  if (current?.metadata.uid !== uid || !isLeaving(current) || !isHeld(current)) return false;
  if (tasks.find(byNode(name)).some((task) => isAssigned(task) && !isOver(task))) return false;
  if (isLost ? !isAsLost(current, node) : containersOf(containers, name) > 0) return false;
  writeOrRemove(transaction, nodeKind, withoutFinalizer(current, tasksFinalizer));
  return true;
}

/** How many containers of tasks the nodes that are being removed have; a node that has none is left out. */
export function containersLeft(nodes: readonly Node[], containers: ReadTable<Container>): ReadonlyMap<string, number> {
  const counted = nodes.filter(isLeaving).map(({ metadata: { name } }) => [name, containersOf(containers, name)] as const);
  return new Map(counted.filter(([, count]) => count > 0));
}

const containersOf = (containers: ReadTable<Container>, nodeName: string): number =>
  containers.find(byNode(nodeName)).filter(({ spec }) => spec.origin === "task").length;

/** It has not come back since it was found to be lost. */
const isAsLost = (current: Node, seen: Node): boolean =>
  current.status?.state === seen.status?.state && current.status?.since === seen.status?.since;
