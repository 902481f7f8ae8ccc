/**
 * One call on many nodes at once: the source's runOnNodes, in its two forms. A node that fails is told by name and holds up nobody.
 * Bounded: so many at a time, each for so long.
 */
import type { Node } from "../../kinds/node.ts";
import type { Call } from "../engine/call.ts";
import type { Engine } from "../engine.ts";
import type { NodeEngines } from "../nodes/engines.ts";
import { inParallel } from "../nodes/in-parallel.ts";
import { isNotFound, NodeError } from "./errors.ts";

/** Nodes that are asked at once: nearly all of a fleet of 1,000 in four turns, though 50 of them hang. */
const atOnceMax = 256;
/** A list of a node that has thousands of containers takes a second; what takes longer hangs. */
const askMs = 15_000;

export type FanOut<T> = {
  /** For errors: `list`. */
  readonly command: string;
  readonly nodes: readonly Node[];
  readonly engines: NodeEngines;
  readonly call: (engine: Engine, call: Call, node: Node) => Promise<T>;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for one node; absent: `askMs`; 0: the call bounds itself. */
  readonly timeoutMs?: number;
  /** Nodes that are asked at the same time. Absent: 256. */
  readonly atOnce?: number;
};

export type Gathered<T> = {
  readonly values: readonly { readonly node: Node; readonly value: T }[];
  readonly errors: readonly NodeError[];
};

/** Waits for all; values and errors in the nodes' order. Rejects with the signal's reason only. */
export async function onAllNodes<T>(options: FanOut<T>): Promise<Gathered<T>> {
  const { nodes, signal, atOnce = atOnceMax } = options;
  type Outcome = { readonly node: Node; readonly value: T } | { readonly error: NodeError };
  const outcomes = await inParallel(nodes, atOnce, async (node): Promise<Outcome> => {
    signal?.throwIfAborted();
    try {
      return { node, value: await onNode(options, node, signal) };
    } catch (error) {
      if (error instanceof NodeError) return { error };
      throw error;
    }
  });
  return {
    values: outcomes.filter((outcome) => "node" in outcome),
    errors: outcomes.flatMap((outcome) => ("error" in outcome ? [outcome.error] : [])),
  };
}

/**
 * The first value, without waiting for the others, which are left; 404 of a node is ignored. undefined: every node said 404.
 * @throws NodeError: nobody had a value, and one failed, so that it can't be said that there is none.
 */
export async function onFirstNode<T>(options: FanOut<T>): Promise<{ readonly node: Node; readonly value: T } | undefined> {
  const enough = new AbortController();
  const signal = options.signal === undefined ? enough.signal : AbortSignal.any([options.signal, enough.signal]);
  const { promise, resolve } = Promise.withResolvers<{ readonly node: Node; readonly value: T }>();
  const errors: NodeError[] = [];
  const all = inParallel(options.nodes, atOnceMax, async (node) => {
    if (enough.signal.aborted) return;
    try {
      resolve({ node, value: await onNode(options, node, signal) });
      enough.abort();
    } catch (error) {
      if (enough.signal.aborted) return;
      if (!(error instanceof NodeError)) throw error;
      if (!isNotFound(error.cause)) errors.push(error);
    }
  });
  const found = await Promise.race([promise, all.then(() => undefined)]);
  if (found === undefined && errors[0] !== undefined) throw errors[0];
  return found;
}

/** One call on one node. @throws NodeError; the signal's reason. */
export async function onNode<T>(
  { command, engines, call, timeoutMs = askMs }: Omit<FanOut<T>, "nodes" | "signal">,
  node: Node,
  signal?: AbortSignal,
): Promise<T> {
  try {
    const engine = await engines.of(node);
    return await call(engine, { ...(signal && { signal }), ...(timeoutMs > 0 && { timeoutMs }) }, node);
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw error instanceof NodeError ? error : new NodeError(node.metadata.name, command, error);
  }
}
