/**
 * Takes a container away: from its node, and then its object. Where the node is gone the object alone; where the node can't be reached only
 * by force, and then its container, which is nobody's any more, goes in the first round of the node that is back.
 */
import type { Call } from "../engine/call.ts";
import { slowMs } from "./container-streams.ts";
import { isNetworkError, isNotFound, wrapped } from "./errors.ts";
import type { Ground } from "./ground.ts";
import { containerOf, engineIdOf, engineOf } from "./lookup.ts";
import { forgetContainer } from "./names.ts";

export type RemoveOptions = {
  /** Also if it runs, or its node can't be reached. */
  readonly force?: boolean;
  /** Also its anonymous volumes. */
  readonly volumes?: boolean;
};

/** A node that is not ready is asked all the same, for it may be back; but nobody waits for long. */
const notReadyMs = 15_000;

/** A node that has it no more is no error; any other keeps the object. @throws NoSuchContainerError, AmbiguousError; NodeError */
export async function removeContainer(ground: Ground, reference: string, options: RemoveOptions, call: Call): Promise<void> {
  const { store } = ground;
  const { value } = await store.view((transaction) => {
    const container = containerOf(transaction, reference);
    return { container, node: transaction.nodes.get(container.spec.nodeName) };
  });
  const { container, node } = value;
  if (node !== undefined) {
    const timeoutMs = node.status?.state === "ready" ? slowMs : notReadyMs;
    try {
      const engine = await engineOf(ground, node);
      await engine.containers.remove(engineIdOf(container), options, { timeoutMs, ...call });
    } catch (error) {
      call.signal?.throwIfAborted();
      // What was found there is made by others: it would be shown again, and stay.
      const isLeft = options.force === true && isNetworkError(error) && container.spec.origin !== "foreign";
      if (!isLeft && !isNotFound(error)) throw wrapped(node.metadata.name, "remove", error);
    }
  }
  await forgetContainer(store, container);
}
