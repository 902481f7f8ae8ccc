/** Something made on several nodes, on all or on none: where one fails, the others are asked to undo it. */
import type { Call as EngineCall } from "../../fleet/engine/call.ts";
import type { Engine } from "../../fleet/engine.ts";
import { onAllNodes } from "../../fleet/fleet/fan-out.ts";
import type { Node } from "../../kinds/node.ts";
import type { Call } from "../call.ts";
import type { Part } from "../fan-out.ts";

export type Making<T> = {
  /** For messages. */
  readonly what: string;
  readonly act: (engine: Engine, engineCall: EngineCall) => Promise<T>;
  readonly undo: (engine: Engine, made: T) => Promise<void>;
};

/** Not ended by a client that leaves, for that would leave it half made. @throws NodeError: the first failure, after the others were undone. */
export async function onEach<T>(call: Call, nodes: readonly Node[], { what, act, undo }: Making<T>): Promise<readonly Part<T>[]> {
  const { engines } = call.ground;
  const { values, errors } = await onAllNodes({ command: what, nodes, engines, call: act });
  const [failure] = errors;
  if (failure === undefined) return values;
  await Promise.all(values.map(({ node, value }) => undone(call, { node, undo: (engine) => undo(engine, value) })));
  throw failure;
}

/** What can't be undone stays, and the log says where. */
async function undone(
  call: Call,
  { node, undo }: { readonly node: Node; readonly undo: (engine: Engine) => Promise<void> },
): Promise<void> {
  try {
    await undo(await call.ground.engines.of(node));
  } catch (error) {
    call.front.logger.log("warn", "what was made on a node could not be undone", { node: node.metadata.name, error });
  }
}
