/** Any node, for what all of them can tell: a search, a check of credentials. */

import type { Call } from "../call.ts";
import { DockerError } from "../errors.ts";
import { nodesOf } from "../fan-out.ts";
import { pass, type Target } from "../forward.ts";
import type { Handler } from "../route.ts";
import { isReady } from "./node-row.ts";

/** The query's `node`, else one that is ready. @throws DockerError 404, 503 */
export async function anyReady(call: Call): Promise<Target> {
  const wanted = call.query.get("node");
  const { nodes, revision } = await nodesOf(call);
  const candidates = wanted === null ? nodes.filter(isReady) : nodes.filter(({ metadata }) => metadata.name === wanted);
  // Not the first each time, and nothing that must be random.
  const node = candidates[revision % Math.max(1, candidates.length)];
  if (node === undefined && wanted !== null) throw new DockerError(404, `No such node: ${wanted}`);
  if (node === undefined) throw new DockerError(503, "no node is ready", { "retry-after": "1" });
  return { node, engine: await call.ground.engines.of(node) };
}

/** What any node can answer, passed to one. */
export const passToAny =
  (path: (call: Call) => string): Handler =>
  async (call) =>
    await pass(call, await anyReady(call), { path: path(call) });
