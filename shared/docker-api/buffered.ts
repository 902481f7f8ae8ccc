/**
 * Hosts that send an answer when it is whole (Lambda behind API Gateway): what fits is gathered, and what can't be carried is refused in
 * words that name the node where it can be had.
 */
import type { Readable } from "node:stream";
import type { Node } from "../kinds/node.ts";
import type { Call } from "./call.ts";
import { DockerError } from "./errors.ts";
import type { DockerAnswer } from "./exchange.ts";
import { nodeText } from "./nodes/node-row.ts";

/** Lambda: an answer has at most 6 MB, and what is no text grows by a third. */
export const answerBytesMax = 4 * 1024 * 1024;
/** API Gateway gives up after 29 s. */
export const answerMsMax = 25_000;

/** Nodes that a message names. */
const namedMax = 5;

/** @throws DockerError 501 where the transport can't carry `what`. `nodes`: where it can be had. */
export function mustStream(call: Call, what: string, nodes: readonly Node[]): void {
  if (call.front.transport === "buffer") throw cannotCarry(`${what} needs a connection that streams`, nodes);
}

export function cannotCarry(why: string, nodes: readonly Node[]): DockerError {
  const named = nodes.slice(0, namedMax).map(nodeText).join(", ");
  const more = nodes.length > namedMax ? `, or another of ${nodes.length} nodes` : "";
  const advice = named === "" ? "use the embedded server" : `ask the node itself: ${named}${more}`;
  return new DockerError(501, `${why}, which this host does not have; ${advice}`);
}

/** The answer with its body whole. @throws DockerError 501 when it is too large. */
export async function whole(call: Call, answer: DockerAnswer): Promise<DockerAnswer> {
  const { body } = answer;
  if (body === null || typeof body === "string" || body instanceof Uint8Array) return answer;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array | string>) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > answerBytesMax) throw await tooLarge(call, body);
    chunks.push(bytes);
  }
  return { ...answer, body: Buffer.concat(chunks) };
}

async function tooLarge(call: Call, body: Readable): Promise<DockerError> {
  body.destroy();
  const { value: nodes } = await call.ground.store.view((transaction) => transaction.nodes.find());
  const advice = "ask for less (--tail, --limit, filters)";
  return cannotCarry(
    `the answer has over ${answerBytesMax} bytes: ${advice}; one so large needs a connection that streams`,
    nodes,
  );
}
