/**
 * One try to make a container on one node: the hooks, the pull, the attempt. What the node itself did wrong is told to the healer: that it
 * was not reached, or that its engine failed to create; a refusal, a veto or a registry's answer is no node's fault.
 */
import { errorText } from "../../base/error-text.ts";
import type { Node } from "../../kinds/node.ts";
import type { Transaction } from "../../state/transaction.ts";
import type { CreateContainer } from "../containers/attempts.ts";
import type { ContainerCreate } from "../engine/containers.ts";
import { NoSuchImageError } from "../engine-errors.ts";
import { NoSuchNodeError } from "../nodes/errors.ts";
import type { CreateContainerOptions, Created } from "./container-options.ts";
import { reservationsOf } from "./demands.ts";
import { isNetworkError, isNodeFault, NodeError, RoomTakenError, wrapped } from "./errors.ts";
import { fleetActor, type Ground, type Tools } from "./ground.ts";
import { parseReference, registryOf } from "./image-reference.ts";
import { checkedName } from "./names.ts";
import { pullFor } from "./pull.ts";

export type Trier = { readonly ground: Ground; readonly tools: Tools };
/** `object`: where its Container stands, the same in every try. */
export type Try = Omit<CreateContainerOptions, "namespace" | "nodes"> & {
  readonly object: { readonly namespace: string; readonly name: string };
  /** Whether the node takes it still, of the body that hooks have left. Absent: always. */
  readonly admits?: (transaction: Transaction, body: ContainerCreate) => boolean;
};

/** An engine makes a container within seconds; a disk that is busy with pulls takes longer. */
const createMs = 120_000;

/** @throws NodeError, of a hook's veto, too; what the store does. */
export async function tryOn(maker: Trier, node: Node, options: Try): Promise<Created> {
  const { ground, tools } = maker;
  const { object, name: asked } = options;
  const nodeName = node.metadata.name;
  const subject = { namespace: object.namespace, nodeName, body: options.body, ...(asked !== undefined && { name: asked }) };
  const { body, name } = await tools.hooks.run("beforeContainerCreate", subject).catch((error: unknown) => {
    throw new NodeError(nodeName, "create", error);
  });
  const hooked = { ...options, body, ...(name !== undefined && { name: checkedName(name) }) };
  const pullError = await tryPull(maker, node, hooked);
  try {
    const made = await ground.attempts.create(requestFor(nodeName, hooked), options.signal);
    await ground.healer.succeeded(node);
    return { ...made, node };
  } catch (error) {
    if (options.signal?.aborted === true) throw options.signal.reason;
    if (isNodeFault(error)) await ground.healer.failed(node, error, { counts: true });
    if (isStores(error)) throw error;
    throw new NodeError(nodeName, "create", withPull(error, pullError));
  }
}

/** What was wrong with a pull that does not count: of an image without a registry, which may well be on the node. */
async function tryPull(maker: Trier, node: Node, options: Try): Promise<unknown> {
  const { ground, tools } = maker;
  const { image, ...how } = { ...options, image: options.body.Image };
  try {
    await pullFor({ ground, tools, node, reference: image, mode: how.pull ?? "always" }, how);
    return undefined;
  } catch (error) {
    if (options.signal?.aborted === true) throw options.signal.reason;
    const cause = error instanceof NodeError ? error.cause : error;
    // An engine that answers is well: that a registry can't be reached, or has no such image, is not its fault.
    const isNodes = isNetworkError(cause);
    if (isNodes) await ground.healer.failed(node, cause, { counts: true });
    const isRegistrys = !isNodes && error instanceof NodeError && !isStores(cause);
    if (isRegistrys && registryOf(parseReference(image).repository) === undefined) return cause;
    throw error;
  }
}

function requestFor(nodeName: string, options: Try): CreateContainer {
  const { object, body, name, platform, admits, actor = fleetActor, inactivityMs = createMs } = options;
  const reservations = reservationsOf(body);
  return {
    ...object,
    spec: {
      nodeName,
      origin: "user",
      image: body.Image,
      ...(name !== undefined && { containerName: name }),
      ...(reservations && { reservations }),
    },
    body,
    ...(platform !== undefined && { platform }),
    check: (transaction) => {
      if (admits?.(transaction, body) === false) throw new RoomTakenError(nodeName);
    },
    actor,
    deadlineMs: inactivityMs,
  };
}

/** Not for another node to mend. */
const isStores = (error: unknown): boolean => wrapped("", "", error) === error && !(error instanceof NoSuchNodeError);

function withPull(error: unknown, pullError: unknown): unknown {
  if (!(error instanceof NoSuchImageError) || pullError === undefined) return error;
  return new NoSuchImageError(error.status, `${error.message} (it could not be pulled: ${errorText(pullError)})`);
}
