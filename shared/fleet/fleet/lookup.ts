/**
 * From what people call a container to its object and its engine. Exact matches are look-ups in the store's indexes (engine's id, name,
 * attempt, the twelve digits that docker ps shows) or its key; only a shorter beginning of an id goes through the index of ids, all of
 * them: under a millisecond with 30,000. Absence is certain: the store is read as of this call, or later.
 */
import { type Container, shortIdDigits } from "../../kinds/container.ts";
import type { Node } from "../../kinds/node.ts";
import { byNode, type Selector } from "../../state/selector.ts";
import type { Transaction } from "../../state/transaction.ts";
import type { Engine } from "../engine.ts";
import { AmbiguousError, InvalidOptionError, NodeError, noSuchContainer } from "./errors.ts";
import type { Ground } from "./ground.ts";

/** A container with what its calls go to. */
export type Found = {
  readonly container: Container;
  readonly node: Node;
  readonly engine: Engine;
  /** What its engine knows it by: its id, or its name there while the id is not known. */
  readonly engineId: string;
};
export type Place = Omit<Found, "engine">;

/** Docker: a name has no bound of its own; ours has 255 characters, and a node's stands before it. */
const referenceMax = 520;
const id = /^[0-9a-f]{64}$/;
const idStart = /^[0-9a-f]{1,63}$/;

/**
 * By the engine's id, the name, `node/name` on its engine, the object's name (`namespace/name`, or alone in default), or a beginning of
 * the id that no other has: in this order. @throws NoSuchContainerError, AmbiguousError; NodeError when the node has no engine.
 */
export async function findContainer(ground: Ground, reference: string): Promise<Found> {
  const place = (await ground.store.view((transaction) => placeOf(transaction, reference))).value;
  return { ...place, engine: await engineOf(ground, place.node) };
}

/** @throws NodeError when the node has no engine. */
export async function engineOf({ engines }: Pick<Ground, "engines">, node: Node): Promise<Engine> {
  try {
    return await engines.of(node);
  } catch (error) {
    throw new NodeError(node.metadata.name, "connect", error);
  }
}

/** As findContainer, in a transaction and without the engine. */
export function placeOf(transaction: Transaction, given: string): Place {
  const container = containerOf(transaction, given);
  const { nodeName } = container.spec;
  const node = transaction.nodes.get(nodeName);
  if (node === undefined) throw noSuchContainer(`${given} (its node ${nodeName} was removed)`);
  return { container, node, engineId: engineIdOf(container) };
}

/** As placeOf, also one whose node was taken away. */
export function containerOf(transaction: Transaction, given: string): Container {
  if (given.length > referenceMax)
    throw new InvalidOptionError("container", `its name or id has ${given.length} characters; at most ${referenceMax}`);
  const reference = given.replace(/^\//, "");
  const container = reference === "" ? undefined : match(transaction, reference);
  if (container === undefined) throw noSuchContainer(given);
  return container;
}

/** What the engine knows it by. */
export const engineIdOf = ({ spec, status, metadata }: Container): string =>
  status?.containerId ?? spec.attempt?.id ?? metadata.name;

function match({ containers }: Transaction, reference: string): Container | undefined {
  const one = (selector: Selector): Container | undefined => containers.find(selector)[0];
  const under = (index: string, value: string): Container | undefined => one({ by: "index", index, value });
  if (id.test(reference)) return under("containerId", reference);
  const named = under("containerName", reference) ?? onNode(containers, reference) ?? under("attempt", reference);
  const object = named ?? byObjectName(containers, reference);
  return object ?? (idStart.test(reference) ? byStart(containers, reference) : undefined);
}

/** `node/name`, the name as the engine has it: how containers are shown that have no name of the cluster's. */
function onNode(containers: Transaction["containers"], reference: string): Container | undefined {
  const slash = reference.indexOf("/");
  if (slash <= 0) return undefined;
  const [nodeName, name] = [reference.slice(0, slash), reference.slice(slash + 1)];
  const isCalled = ({ spec, status }: Container) =>
    status?.engineName?.replace(/^\//, "") === name || spec.containerName === name || status?.containerId === name;
  return containers.find(byNode(nodeName)).find(isCalled);
}

function byObjectName(containers: Transaction["containers"], reference: string): Container | undefined {
  const [first = "", second] = reference.split("/", 2);
  const [namespace, name] = second === undefined ? ["default", first] : [first, second];
  return /^[a-z0-9][a-z0-9.-]*$/.test(name) && /^[a-z0-9][a-z0-9-]*$/.test(namespace)
    ? containers.get(name, namespace)
    : undefined;
}

function byStart(containers: Transaction["containers"], prefix: string): Container | undefined {
  const [first, second] = startingWith(containers, prefix);
  if (second !== undefined) throw new AmbiguousError(prefix);
  return first;
}

function startingWith(containers: Transaction["containers"], prefix: string): readonly Container[] {
  if (prefix.length < shortIdDigits) return containers.find({ by: "indexPrefix", index: "containerId", prefix });
  const value = prefix.slice(0, shortIdDigits);
  return containers
    .find({ by: "index", index: "shortId", value })
    .filter(({ status }) => status?.containerId?.startsWith(prefix));
}
