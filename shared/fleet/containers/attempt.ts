/**
 * What one attempt to make a container writes, each as a part of a transaction: begun before the engine is asked, completed or dropped only
 * while it is its object's current one. So of two that make the same container one writes nothing.
 */
import { type Container, type ContainerObjectSpec, type ContainerObjectStatus, containerKind } from "../../kinds/container.ts";
import { apiVersion } from "../../kinds/object.ts";
import type { Selector } from "../../state/selector.ts";
import type { Transaction } from "../../state/transaction.ts";
import { NoSuchNodeError } from "../nodes/errors.ts";
import { NameInUseError } from "./errors.ts";

/** Where a Container object stands. */
export type Place = { readonly namespace: string; readonly name: string };

export type NewAttempt = {
  readonly place: Place;
  readonly id: string;
  /** RFC 3339: when it counts as failed unless the engine has it. */
  readonly deadline: string;
  readonly nodeUid: string;
  readonly spec: Omit<ContainerObjectSpec, "attempt" | "containerName">;
  /** What people are to call it: the first that is free. */
  readonly names: readonly string[];
};

/**
 * The object with its new attempt. One that is there already (a task's, of an attempt before) is taken over.
 * @throws NameInUseError, NoSuchNodeError
 */
export function beginAttempt(transaction: Transaction, attempt: NewAttempt): Container {
  const { containers, nodes } = transaction;
  const { place, id, deadline, nodeUid, names } = attempt;
  if (nodes.get(attempt.spec.nodeName)?.metadata.uid !== nodeUid) throw new NoSuchNodeError(attempt.spec.nodeName);
  const containerName = freeName(transaction, names, place);
  const spec = { ...attempt.spec, containerName, attempt: { id, deadline } };
  const current = containers.get(place.name, place.namespace);
  if (current !== undefined) return containers.update({ ...current, spec, status: { state: "creating" } });
  return containers.create({ apiVersion, kind: containerKind.kind, metadata: place, spec, status: { state: "creating" } });
}

/** The object, if `id` is its current attempt; else undefined. */
function currentAttempt({ containers }: Transaction, { namespace, name }: Place, id: string): Container | undefined {
  const current = containers.get(name, namespace);
  return current?.spec.attempt?.id === id ? current : undefined;
}

/** The object with a later deadline of the attempt that is to be made only now; undefined: the attempt is over. */
export function putOffDeadline(
  transaction: Transaction,
  { place, id, deadline }: { readonly place: Place; readonly id: string; readonly deadline: string },
): Container | undefined {
  const current = currentAttempt(transaction, place, id);
  return current && transaction.containers.update({ ...current, spec: { ...current.spec, attempt: { id, deadline } } });
}

/** The object with what the engine made; undefined: the attempt is over, and the container must go. */
export function completeAttempt(
  transaction: Transaction,
  { place, id, made }: { readonly place: Place; readonly id: string; readonly made: Made },
): Container | undefined {
  const current = currentAttempt(transaction, place, id);
  if (current === undefined || current.status?.containerId === made.containerId) return current;
  // The engine has it, so whoever looked first knows more.
  if (current.status?.containerId !== undefined) return undefined;
  const { seen, ...answered } = made;
  return transaction.containers.update({ ...current, status: seen ?? { state: "created", ...answered } });
}

/** What the engine answered with; `seen`: what it showed then, where it was asked. */
export type Made = { readonly containerId: string; readonly engineName: string; readonly seen?: ContainerObjectStatus };

/** Takes the object away of an attempt that certainly made nothing. */
export function dropAttempt(transaction: Transaction, { place, id }: { readonly place: Place; readonly id: string }): void {
  const current = currentAttempt(transaction, place, id);
  if (current === undefined || current.status?.containerId !== undefined) return;
  transaction.containers.delete(place.name, { namespace: place.namespace, uid: current.metadata.uid });
}

const byContainerName = (value: string): Selector => ({ by: "index", index: "containerName", value });
export const byContainerId = (value: string): Selector => ({ by: "index", index: "containerId", value });
export const byAttempt = (value: string): Selector => ({ by: "index", index: "attempt", value });

function freeName({ containers }: Transaction, names: readonly string[], { namespace, name }: Place): string {
  let taken: NameInUseError | undefined;
  for (const candidate of names) {
    const holder = containers
      .find(byContainerName(candidate))
      .find(({ metadata }) => metadata.name !== name || metadata.namespace !== namespace);
    if (holder === undefined) return candidate;
    taken ??= new NameInUseError(candidate, holder.status?.containerId ?? holder.spec.attempt?.id ?? holder.metadata.name);
  }
  throw taken ?? new Error("an attempt needs a name for its container");
}
