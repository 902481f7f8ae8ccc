/**
 * Whether a node still has room when a decision is carried out: two reconcilers that both saw it empty must not both fill it, nor one
 * what a person's container took meanwhile. Judged by the same rules as placement, on the transaction's own state; a node is looked at
 * once a transaction.
 */

import { byNode, byStanding } from "../../state/selector.ts";
import type { Transaction } from "../../state/transaction.ts";
import { demandOf } from "../placement/demand.ts";
import { Room, type Tenant } from "../placement/room.ts";
import { refusalOf, rulesFor } from "../placement/rules.ts";
import { standingOf } from "../placement/standing.ts";
import type { ChangeTask } from "./actions.ts";
import { isAssigned, isOver, isWanted, ownerKeyOf } from "./world.ts";

/** A step that is undone leaves what it took: then too much seems taken, and the next round tries again. */
const rooms = new WeakMap<Transaction, Map<string, Room>>();

/** Takes the room for one more; false: there is none, or no such node. */
export function takeRoom(transaction: Transaction, nodeName: string, tenant: Tenant): boolean {
  const room = roomOf(transaction, nodeName);
  if (room === undefined || refusalOf(room, tenant, rulesFor(demandOf(tenant.template))) !== undefined) return false;
  room.hold(tenant);
  room.join(tenant);
  return true;
}

/**
 * Makes the room that tasks leave which are ended together with what comes: decide has counted with it. They are as the transaction has
 * them now. What comes back takes it again, for where nothing comes.
 */
export function vacate(transaction: Transaction, ends: readonly ChangeTask[]): () => void {
  const undo: (() => void)[] = [];
  for (const { task, desiredState, state } of ends) {
    const { nodeName } = task.spec;
    const room = nodeName !== undefined && isAssigned(task) && !isOver(task) ? roomOf(transaction, nodeName) : undefined;
    if (room === undefined) continue;
    const tenant = { service: ownerKeyOf(task), template: task.spec.template };
    if (isWanted(task) && desiredState !== undefined) {
      room.leave(tenant);
      undo.push(() => room.join(tenant));
    }
    if (state === "orphaned") {
      room.release(tenant);
      undo.push(() => room.hold(tenant));
    }
  }
  return () => {
    for (const each of undo) each();
  };
}

function roomOf(transaction: Transaction, nodeName: string): Room | undefined {
  let known = rooms.get(transaction);
  if (known === undefined) {
    known = new Map();
    rooms.set(transaction, known);
  }
  const found = known.get(nodeName) ?? filled(transaction, nodeName);
  if (found !== undefined) known.set(nodeName, found);
  return found;
}

function filled({ nodes, tasks, containers }: Transaction, nodeName: string): Room | undefined {
  const node = nodes.get(nodeName);
  if (node === undefined) return undefined;
  const room = new Room(node, { index: 0, hasTraits: false });
  for (const task of tasks.find(byNode(nodeName))) {
    if (!isAssigned(task) || isOver(task)) continue;
    const tenant = { service: ownerKeyOf(task), template: task.spec.template };
    room.hold(tenant);
    if (isWanted(task)) room.join(tenant);
  }
  for (const container of containers.find(byStanding(nodeName))) room.take(standingOf(container).tenant);
  return room;
}
