/**
 * Connections that leave HTTP: attach and exec start. The engine's connection is handed on as it is, each side free to end its half first,
 * as docker does when its input ends before the output.
 */
import type { Call } from "./call.ts";
import type { DockerUpgrade } from "./exchange.ts";
import { answerOf, failed, passedBack, rawRequest, type Sent, streamCall, type Target } from "./forward.ts";

/** Asks the engine to switch. Where it does not, what it said is the answer. */
export async function hijack(call: Call, target: Target, sent: Sent): Promise<DockerUpgrade> {
  const { engine, node } = target;
  try {
    const asked = await rawRequest(call, target, sent);
    const upgrade = call.request.header("upgrade") ?? "tcp";
    const request = { ...asked, headers: { ...asked.headers, upgrade } };
    const answer = await engine.raw.upgrade(request, streamCall(call, sent));
    if (answer.kind === "answered") return { kind: "answered", answer: answerOf(answer.answer) };
    return { kind: "upgraded", status: answer.status, headers: passedBack(answer.headers), connection: answer.connection };
  } catch (error) {
    throw failed(call, node, error);
  }
}
