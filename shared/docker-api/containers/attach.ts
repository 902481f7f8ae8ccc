/** `docker attach`: a connection both ways with the container's process; over WebSockets too, where the engine speaks them. */
import { mustStream } from "../buffered.ts";
import type { Call } from "../call.ts";
import { badParameter, DockerError } from "../errors.ts";
import type { DockerAnswer, DockerUpgrade } from "../exchange.ts";
import { pass, segment } from "../forward.ts";
import { hijack } from "../hijack.ts";
import { flag } from "../query.ts";
import { containerOf } from "./pass.ts";

export async function attach(call: Call): Promise<DockerUpgrade> {
  const found = await containerOf(call);
  mustStream(call, "attach", [found.node]);
  return await hijack(call, found, { path: `/containers/${segment(found.engineId)}/attach`, body: null });
}

/** Of a client that did not ask to switch: what the container writes, one way. */
export async function attachOneWay(call: Call): Promise<DockerAnswer> {
  const found = await containerOf(call);
  mustStream(call, "attach", [found.node]);
  if (flag(call.query, "stdin")) throw badParameter("attach with stdin needs the headers Connection: Upgrade and Upgrade: tcp");
  return await pass(call, found, { path: `/containers/${segment(found.engineId)}/attach`, body: null });
}

/** RFC 6455's own headers would have to be passed, and engines have dropped it from their CLI: named, not served. */
export async function attachByWebSocket(call: Call): Promise<never> {
  const found = await containerOf(call);
  const advice = `use POST /containers/{id}/attach with Upgrade: tcp, or the node itself: ${found.node.spec.address}`;
  throw new DockerError(501, `attach over WebSockets is not served here; ${advice}`);
}
