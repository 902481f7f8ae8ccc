/**
 * What every node is asked for: lists of images, networks, volumes, sizes. Nodes that don't answer hold up nobody beyond their time-out;
 * what the others say is the answer, and headers name those that are missing from it.
 */
import { errorText } from "../base/error-text.ts";
import type { Call as EngineCall } from "../fleet/engine/call.ts";
import type { Engine } from "../fleet/engine.ts";
import { isNotFound, type NodeError } from "../fleet/fleet/errors.ts";
import { onAllNodes } from "../fleet/fleet/fan-out.ts";
import type { Node } from "../kinds/node.ts";
import type { Call } from "./call.ts";
import { DockerError } from "./errors.ts";
import type { Headers } from "./exchange.ts";
import { ageSeconds } from "./nodes/node-row.ts";

/** Of one node. */
export type Part<T> = { readonly node: Node; readonly value: T };

export type Gathered<T> = {
  readonly parts: readonly Part<T>[];
  readonly errors: readonly NodeError[];
  /** What those said that have no part in the answer: 404. */
  readonly absences: readonly NodeError[];
  /** The names of nodes that alone were to be asked. Absent: all were. */
  readonly only?: readonly string[] | undefined;
  /** Of the store, when the nodes were looked up. */
  readonly revision: number;
};

/** Time for one node: lists come in milliseconds, and whoever waits for `docker images` waits for the slowest. */
export const listMs = 10_000;
/** Names in the header that tells of missing nodes. */
const namedMax = 50;

/** Nodes of the cluster, and the revision they were read at. `only`: of these names. */
export async function nodesOf(
  call: Call,
  only?: readonly string[],
): Promise<{ readonly nodes: readonly Node[]; readonly revision: number }> {
  const { value, revision } = await call.ground.store.view(({ nodes }) => nodes.find());
  return { nodes: only === undefined ? value : value.filter(({ metadata }) => only.includes(metadata.name)), revision };
}

export type Ask<T> = (engine: Engine, engineCall: EngineCall, node: Node) => Promise<T>;

/** Asks all nodes, those that were down at last, too: they may be back. One that says 404 has no part in the answer. `timeoutMs` 0: `ask` bounds itself. */
export async function askNodes<T>(
  call: Call,
  command: string,
  ask: Ask<T>,
  { only, timeoutMs = listMs }: { readonly only?: readonly string[] | undefined; readonly timeoutMs?: number } = {},
): Promise<Gathered<T>> {
  const { nodes, revision } = await nodesOf(call, only);
  const { engines } = call.ground;
  const { values, errors } = await onAllNodes({ command, nodes, engines, call: ask, signal: call.signal, timeoutMs });
  const [absences, failures] = [errors.filter(isAbsence), errors.filter((error) => !isAbsence(error))];
  return { parts: values, errors: failures, absences, only, revision };
}

/** What an aggregated answer says of itself. `missing`: names of nodes whose part is not in it. */
export function knowledgeHeaders(
  { revision, ageSeconds: age }: { readonly revision: number; readonly ageSeconds: number },
  missing: readonly string[] = [],
): Headers {
  return {
    "windlass-revision": String(revision),
    "windlass-age": String(age),
    ...(missing.length > 0 && { "windlass-missing-nodes": missing.slice(0, namedMax).join(",") }),
  };
}

/** Of what was asked for just now. */
export const gatheredHeaders = <T>({ revision, errors }: Gathered<T>): Headers =>
  knowledgeHeaders(
    { revision, ageSeconds: 0 },
    errors.map(({ nodeName }) => nodeName),
  );

/** The oldest of what is known of `nodes`, in seconds. */
export const oldest = (nodes: readonly Node[], nowMs: number): number =>
  nodes.reduce((age, node) => Math.max(age, ageSeconds(node, nowMs)), 0);

const isAbsence = ({ cause }: NodeError): boolean => isNotFound(cause);

/** Of some node at least; else why of none. @throws NodeError: the first failure of those that failed; DockerError 404, 503 */
export function mustHaveSome<T>({ parts, errors, absences, only }: Gathered<T>): void {
  if (parts.length > 0) return;
  if (errors[0] !== undefined) throw errors[0];
  if (absences[0] !== undefined) throw new DockerError(404, `no node has it: ${errorText(absences[0].cause)}`);
  if (only !== undefined) throw new DockerError(404, `no such node: ${only.slice(0, namedMax).join(", ")}`);
  throw new DockerError(503, "the cluster has no nodes", { "retry-after": "1" });
}
