/**
 * BuildKit: its clients speak gRPC with the daemon's builder over connections that leave HTTP. All of one caller's go to one node, for a build
 * needs several; what they say is between the two. What was built is found on that node when it is asked for.
 */
import { mustStream } from "../buffered.ts";
import type { Call } from "../call.ts";
import { DockerError } from "../errors.ts";
import type { DockerAnswer, DockerUpgrade } from "../exchange.ts";
import { nodesOf } from "../fan-out.ts";
import { longMs, pass, type Target } from "../forward.ts";
import { hijack } from "../hijack.ts";
import { activeNodes, homeOf } from "../node-parts/named.ts";

/** `/session` and `/grpc`. */
export async function connectBuilder(call: Call): Promise<DockerUpgrade> {
  return await hijack(call, await builderOf(call), { path: call.place.path, query: withoutNode(call), body: null });
}

/** Of a client that did not ask to switch. */
export function builderOneWay(_call: Call): never {
  throw new DockerError(400, "BuildKit's connections need the headers Connection: Upgrade and Upgrade: h2c");
}

/** `/build?version=2` and `/build/cancel`: of clients that open a session first, and then ask for the build. */
export const passToBuilder =
  (path: string) =>
  async (call: Call): Promise<DockerAnswer> =>
    await pass(call, await builderOf(call), { path, query: withoutNode(call), timeoutMs: longMs });

/** The caller's builder; the query's `node` may name another. @throws DockerError 404, 501, 503 */
async function builderOf(call: Call): Promise<Target> {
  const wanted = call.query.get("node");
  const nodes = wanted === null ? await activeNodes(call) : (await nodesOf(call, [wanted])).nodes;
  const node = homeOf(`builder ${call.principal.name}`, nodes);
  if (node === undefined) throw new DockerError(404, `No such node: ${wanted}`);
  mustStream(call, "build", [node]);
  return { node, engine: await call.ground.engines.of(node) };
}

const withoutNode = ({ query }: Call): URLSearchParams => new URLSearchParams([...query].filter(([name]) => name !== "node"));
