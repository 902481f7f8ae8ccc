/**
 * Carries decisions out in a transaction, each only where what it was decided on still holds (actions.ts). Nothing here decides: an
 * action that no longer fits is left, and the next round sees what is there then.
 */
import { isDeepStrictEqual } from "node:util";
import { timestamp } from "../../base/clock.ts";
import { entryChangesMax } from "../../base/limits.ts";
import { apiVersion } from "../../kinds/object.ts";
import { type Service, serviceKind } from "../../kinds/service.ts";
import { type Task, type TaskSpec, taskKind } from "../../kinds/task.ts";
import { TooLargeError } from "../../log/errors.ts";
import { byNode, bySlot } from "../../state/selector.ts";
import type { Transaction } from "../../state/transaction.ts";
import { isLeaving } from "../nodes/status.ts";
import type { Action, ChangeNode, ChangeService, ChangeTask, NewTask, ReplaceTask, StepUpdate } from "./actions.ts";
import { isTaskOf } from "./decide.ts";
import { drainedOf, withDrained } from "./drain.ts";
import { hold, holdNode, needsHold, releaseNode } from "./hold.ts";
import { takeRoom, vacate } from "./live-room.ts";
import { taskName } from "./slots.ts";
import { templateHash } from "./template-hash.ts";
import { isWanted, ownerKeyOf, serviceKeyOf } from "./world.ts";

/** Names that are tried for a new task: somebody may have given one of his own. */
const namesMax = 20;

/** Whether it was carried out. Writes nothing when not. */
export function carryOut(transaction: Transaction, action: Action): boolean {
  switch (action.do) {
    case "change":
      return change(transaction, action);
    case "delete":
      return remove(transaction, action.task);
    case "replace":
      return replaceAll(transaction, [action]).length > 0;
    case "step":
      return step(transaction, action);
    case "service":
      return changeService(transaction, action);
    case "node":
      return changeNode(transaction, action);
    case "hold":
      return holdNode(transaction, action);
    case "release":
      return releaseNode(transaction, action);
    default:
      return action satisfies never;
  }
}

/** The object, if it is still as it was seen. */
function unchanged<O extends Task | Service>(current: O | undefined, seen: O): O | undefined {
  return current?.metadata.resourceVersion === seen.metadata.resourceVersion && current.metadata.uid === seen.metadata.uid
    ? current
    : undefined;
}

function change(transaction: Transaction, { task, desiredState, nodeName, state, message }: ChangeTask): boolean {
  const { tasks, context } = transaction;
  const current = unchanged(tasks.get(task.metadata.name, task.metadata.namespace), task);
  if (current === undefined) return false;
  if (nodeName !== undefined && !takeRoom(transaction, nodeName, { service: ownerKeyOf(task), template: task.spec.template }))
    return false;
  if (nodeName !== undefined) hold(transaction, nodeName);
  const spec = {
    ...current.spec,
    ...(desiredState !== undefined && { desiredState }),
    ...(nodeName !== undefined && { nodeName }),
  };
  const moved = state !== undefined && state !== current.status?.state;
  const status = {
    ...(current.status ?? { state: "new" as const }),
    ...(state !== undefined && { state }),
    ...(message !== undefined && { message }),
    ...(moved && { since: timestamp(context.now) }),
  };
  const hasStatus = current.status !== undefined || state !== undefined || message !== undefined;
  tasks.update({ ...current, spec, ...(hasStatus && { status }) });
  return true;
}

function remove(transaction: Transaction, task: Task): boolean {
  const { name, namespace, uid } = task.metadata;
  const current = unchanged(transaction.tasks.get(name, namespace), task);
  if (current === undefined) return false;
  transaction.tasks.delete(name, { uid, ...(namespace !== undefined && { namespace }) });
  return true;
}

type Checked = { readonly action: ReplaceTask; readonly name: string };

/**
 * Those that were carried out. All are checked before any is written, so that their looks at indexes meet nothing of this transaction.
 * They must be of different places. @throws TooLargeError, at once, when they do not fit what is left of the entry.
 */
export function replaceAll(transaction: Transaction, actions: readonly ReplaceTask[]): ReplaceTask[] {
  const before = transaction.changes.length;
  const changes = actions.reduce((sum, { ends }) => sum + 1 + ends.length, before + unheldOf(transaction, actions).size);
  if (before > 0 && changes > entryChangesMax) throw new TooLargeError("transaction", changes, entryChangesMax, "changes");
  const checked: Checked[] = [];
  for (const action of actions) {
    const name = nameIfItFits(transaction, action);
    if (name !== undefined) checked.push({ action, name });
  }
  for (const { action, name } of checked) {
    const { nodeName, state } = action.create;
    if (nodeName !== undefined && state === "assigned") hold(transaction, nodeName);
    for (const end of action.ends) change(transaction, end);
    transaction.tasks.create(taskObject(action.create, { name, now: transaction.context.now }));
  }
  return checked.map(({ action }) => action);
}

/** Names of the nodes that are held from now on. */
function unheldOf(transaction: Transaction, actions: readonly ReplaceTask[]): ReadonlySet<string> {
  const given = actions.flatMap(({ create: { nodeName, state } }) => (state === "assigned" ? [nodeName ?? ""] : []));
  return new Set([...new Set(given)].filter((name) => needsHold(transaction, name)));
}

/** The new task's name, with its room taken; undefined: it no longer fits. */
function nameIfItFits(transaction: Transaction, { wanted, ends, create }: ReplaceTask): string | undefined {
  const service = sameService(transaction, create.service);
  if (service === undefined || !isSameSet(wantedNow(transaction, create), wanted)) return undefined;
  if (!ends.every(({ task }) => isThere(transaction, task))) return undefined;
  const { nodeName, state, template } = create;
  const name = freeName(transaction, create);
  if (name === undefined || nodeName === undefined || state !== "assigned") return name;
  const comeBack = vacate(transaction, ends);
  if (takeRoom(transaction, nodeName, { service: serviceKeyOf(service), template })) return name;
  comeBack();
  return undefined;
}

const isThere = ({ tasks }: Transaction, task: Task): boolean =>
  unchanged(tasks.get(task.metadata.name, task.metadata.namespace), task) !== undefined;

/** The service, if it is this one still, and stays. */
function sameService({ services }: Transaction, { metadata }: Service): Service | undefined {
  const current = services.get(metadata.name, metadata.namespace);
  return current?.metadata.uid === metadata.uid && current.metadata.deletionTimestamp === undefined ? current : undefined;
}

function wantedNow({ tasks }: Transaction, { service, place }: NewTask): string[] {
  const key = serviceKeyOf(service);
  const there =
    "slot" in place
      ? tasks.find(bySlot(key, place.slot))
      : tasks.find(byNode(place.nodeName)).filter((task) => ownerKeyOf(task) === key && task.spec.slot === undefined);
  return there.filter((task) => isTaskOf(task, service) && isWanted(task)).map(({ metadata }) => metadata.uid);
}

const isSameSet = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((item) => other.includes(item));

function freeName({ tasks }: Transaction, { service, place, number }: NewTask): string | undefined {
  for (let next = number; next < number + namesMax; next += 1) {
    const name = taskName(service, place, next);
    if (tasks.get(name, service.metadata.namespace) === undefined) return name;
  }
  return undefined;
}

function taskObject(create: NewTask, { name, now }: { readonly name: string; readonly now: number }) {
  const { service, place, template, desiredState, restarts, nodeName, state, message } = create;
  const { namespace, uid } = service.metadata;
  const { labels, annotations } = template.metadata ?? {};
  const spec: TaskSpec = {
    serviceName: service.metadata.name,
    ...(nodeName !== undefined && { nodeName }),
    ...("slot" in place && { slot: place.slot }),
    ...(restarts > 0 && { restarts }),
    desiredState,
    template,
  };
  const owner = {
    apiVersion,
    kind: serviceKind.kind,
    name: service.metadata.name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  return {
    apiVersion,
    kind: taskKind.kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(labels !== undefined && { labels }),
      ...(annotations !== undefined && { annotations }),
      ownerReferences: [owner],
    },
    spec,
    status: { state, since: timestamp(now), ...(message !== "" && { message }) },
  };
}

function step(transaction: Transaction, { service, step: at, replaces }: StepUpdate): boolean {
  const current = sameService(transaction, service);
  const update = current?.status?.update;
  if (current?.status === undefined || update === undefined || update.step !== at) return false;
  const isOpen = update.state === "updating" || update.state === "rollback_started";
  if (!isOpen || update.templateHash !== templateHash(current.spec.template)) return false;
  if (replaceAll(transaction, replaces).length === 0) return false;
  transaction.services.update({ ...current, status: { ...current.status, update: { ...update, step: at + 1 } } });
  return true;
}

function changeService({ services }: Transaction, { service, status, template }: ChangeService): boolean {
  const current = unchanged(services.get(service.metadata.name, service.metadata.namespace), service);
  if (current === undefined) return false;
  services.update({ ...current, status, ...(template !== undefined && { spec: { ...current.spec, template } }) });
  return true;
}

function changeNode({ nodes }: Transaction, { node, drained }: ChangeNode): boolean {
  const current = nodes.get(node.metadata.name);
  if (current?.metadata.uid !== node.metadata.uid || current.spec.availability !== node.spec.availability) return false;
  if (isLeaving(current) !== isLeaving(node) || !isDeepStrictEqual(drainedOf(current), drainedOf(node))) return false;
  nodes.update(withDrained(current, drained));
  return true;
}
