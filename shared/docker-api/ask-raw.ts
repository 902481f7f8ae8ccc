/** One request of the Docker API to every node, its answers as JSON. */
import type { Json } from "../base/json.ts";
import { refusal } from "../fleet/engine-errors.ts";
import type { Call } from "./call.ts";
import { askNodes, type Gathered } from "./fan-out.ts";
import { forward, longMs, type Sent, type Target } from "./forward.ts";
import { rawJson, rawMessage } from "./raw-json.ts";

/** An answer that is read whole comes in one piece, once it has begun: a node that falls silent in it must not hold up the others. */
const idleMs = 60_000;

/** What engines work on before they answer (prune, sizes) takes as long as it takes. 404 of a node: it has no part in the answer. */
export function askRaw(call: Call, sent: Sent, only?: readonly string[]): Promise<Gathered<Json>> {
  const what = `${sent.method ?? call.request.method} ${sent.path}`;
  return askNodes(call, what, (engine, _engineCall, node) => rawOf(call, { engine, node }, sent), { only, timeoutMs: 0 });
}

/** @throws EngineError: what the engine refused with; NodeError. */
export async function rawOf(call: Call, target: Target, sent: Sent): Promise<Json> {
  const answer = await forward(call, target, { timeoutMs: longMs, idleMs, ...sent });
  if (answer.status >= 400) throw refusal(answer.status, await rawMessage(answer));
  return await rawJson(answer);
}
