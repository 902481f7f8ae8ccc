/**
 * Writes what was seen of one container, as a part of a transaction: its object, and the task that it runs. The look at the engine came
 * first and the state is newer, so a container whose attempt is nobody's current one now is certainly stale: attempts are committed before
 * their containers are made, and none becomes current again.
 */
import { isDeepStrictEqual } from "node:util";
import { type Container, type ContainerObjectStatus, containerKind } from "../../kinds/container.ts";
import type { Node } from "../../kinds/node.ts";
import { apiVersion } from "../../kinds/object.ts";
import type { Task } from "../../kinds/task.ts";
import type { Transaction } from "../../state/transaction.ts";
import { byAttempt, byContainerId } from "../containers/attempt.ts";
import { attemptOf, isOthers } from "../containers/labels.ts";
import { statusOf } from "../containers/seen.ts";
import type { ContainerDetails } from "../engine/containers.ts";
import { moveAfter, moveTask, type TaskMove } from "./task-state.ts";

export type Seen =
  /** It is shown as it is now; `task`: moved with it. */
  | { readonly kind: "changed"; readonly task?: { readonly task: Task; readonly move: TaskMove } }
  | { readonly kind: "same" }
  /** An attempt of this cluster that is over: it must go. */
  | { readonly kind: "stale" }
  /** It is shown as another node's: that one has the same engine. */
  | { readonly kind: "elsewhere"; readonly nodeName: string };

export type Look = {
  readonly node: Node;
  readonly details: ContainerDetails;
  /** Of the cluster, and of those that it has adopted. */
  readonly uids: ReadonlySet<string>;
};

const same: Seen = { kind: "same" };

export function observe(transaction: Transaction, look: Look): Seen {
  const { details, uids } = look;
  const { Id, Name, Config } = details;
  const known = ofId(transaction, look);
  if (known !== undefined && known.spec.origin !== "foreign" && isOthers(Config.Labels, uids)) return leave(transaction, look);
  if (known !== undefined) return follow(transaction, known, look);
  const attempt = attemptOf({ labels: Config.Labels ?? {}, engineName: Name }, uids);
  if (attempt === undefined) return adoptForeign(transaction, look);
  const [object] = transaction.containers.find(byAttempt(attempt));
  if (object === undefined) return { kind: "stale" };
  if (object.spec.nodeName !== look.node.metadata.name) return ofAnotherNode(transaction, object, look);
  if (object.status?.containerId !== undefined && object.status.containerId !== Id) return { kind: "stale" };
  return follow(transaction, object, look);
}

/** An import brought an object of a container that another life of the cluster made: that one is not adopted, so it is somebody else's. */
function leave(transaction: Transaction, look: Look): Seen {
  forget(transaction, { nodeName: look.node.metadata.name, id: look.details.Id });
  return adoptForeign(transaction, look);
}

/** A node may come back under another name, with the containers that people made there; an engine may be registered as two nodes. */
function ofAnotherNode(transaction: Transaction, object: Container, look: Look): Seen {
  const { nodeName, origin } = object.spec;
  if (transaction.nodes.get(nodeName) === undefined) {
    if (origin === "task") return { kind: "stale" };
    return follow(transaction, { ...object, spec: { ...object.spec, nodeName: look.node.metadata.name } }, look);
  }
  return isAnotherEngine(transaction, nodeName, look) ? { kind: "stale" } : { kind: "elsewhere", nodeName };
}

/** The engine has it no more: so has the store. A task that still needed it has failed. @returns whether anything was known of it. */
export function forget(transaction: Transaction, { nodeName, id }: { readonly nodeName: string; readonly id: string }): boolean {
  const found = transaction.containers.find(byContainerId(id)).filter(({ spec }) => spec.nodeName === nodeName);
  for (const object of found) {
    const task = taskOf(transaction, object);
    const why = { message: `its container ${id.slice(0, 12)} is no longer on node ${nodeName}`, containerId: id };
    if (task !== undefined) moveTask(transaction, task, { state: isEnding(task) ? "shutdown" : "failed", ...why });
    remove(transaction, object);
  }
  return found.length > 0;
}

export function remove({ containers }: Transaction, { metadata }: Container): void {
  const { name, namespace = "default", uid } = metadata;
  containers.delete(name, { namespace, uid });
}

/** The task that it runs, if it is still the one that it was made for. */
export function taskOf({ tasks }: Transaction, { spec, metadata }: Container): Task | undefined {
  if (spec.taskName === undefined) return undefined;
  const task = tasks.get(spec.taskName, metadata.namespace);
  return task?.metadata.uid === spec.taskUid && task?.spec.nodeName === spec.nodeName ? task : undefined;
}

const isEnding = ({ spec }: Task): boolean => spec.desiredState !== "running" && spec.desiredState !== "ready";

const ofId = ({ containers }: Transaction, { node, details }: Look): Container | undefined =>
  containers.find(byContainerId(details.Id)).find(({ spec }) => spec.nodeName === node.metadata.name);

/** The status follows the engine, and the task its container. */
function follow(transaction: Transaction, object: Container, { details }: Look): Seen {
  const seen = statusOf(details);
  const { conditions, observedGeneration, ...before } = object.status ?? { state: "creating" };
  const isNew = !isDeepStrictEqual(before, seen);
  if (isNew) {
    const kept = { ...(conditions && { conditions }), ...(observedGeneration !== undefined && { observedGeneration }) };
    transaction.containers.update({ ...object, status: { ...seen, ...kept } });
  }
  const task = taskOf(transaction, object);
  const move = task && moveAfter(task, seen);
  if (task !== undefined && move !== undefined && moveTask(transaction, task, move))
    return { kind: "changed", task: { task, move } };
  return isNew ? { kind: "changed" } : same;
}

/** Hexadecimal digits of an engine's id that name the object of a foreign container. */
const foreignNameDigits = 32;
/** The kind's own bound. */
const imageCharactersMax = 1_024;

function adoptForeign(transaction: Transaction, look: Look): Seen {
  const { containers, nodes } = transaction;
  const { node, details } = look;
  const status: ContainerObjectStatus = statusOf(details);
  const nodeName = node.metadata.name;
  const place = { namespace: "default", name: details.Id.slice(0, foreignNameDigits) };
  const image = (details.Config.Image || details.Image).slice(0, imageCharactersMax);
  const spec = { nodeName, origin: "foreign" as const, image };
  const current = containers.get(place.name, place.namespace);
  if (current === undefined) {
    containers.create({ apiVersion, kind: containerKind.kind, metadata: place, spec, status });
    return { kind: "changed" };
  }
  const holder = current.spec.nodeName;
  if (holder !== nodeName && nodes.get(holder)?.status?.state === "ready") return { kind: "elsewhere", nodeName: holder };
  containers.update({ ...current, spec, status });
  return { kind: "changed" };
}

/** Only what both engines say of themselves tells two nodes apart: one engine may be registered under two addresses. */
function isAnotherEngine({ nodes }: Transaction, nodeName: string, { node }: Look): boolean {
  const theirs = nodes.get(nodeName)?.status?.engine?.id;
  const own = nodes.get(node.metadata.name)?.status?.engine?.id;
  return theirs !== undefined && own !== undefined && theirs !== own;
}
