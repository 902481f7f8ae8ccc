/**
 * What is passed to a container's node as it is: the engine's id in place of the name, the body untouched both ways. What changed a
 * container is looked at before the client hears of it, so that the `docker ps` it asks for next shows it.
 */
import type { Found } from "../../fleet/fleet/lookup.ts";
import { mustStream } from "../buffered.ts";
import type { Call } from "../call.ts";
import { longMs, pass, segment } from "../forward.ts";
import { flag, integer } from "../query.ts";
import type { Handler } from "../route.ts";

/** A grace time that is longer is waited for no longer: 20 days. */
const graceMsMax = 20 * 24 * 3_600_000;

export type Passing = {
  /** Milliseconds until the answer begins; absent: the engine's own. */
  readonly timeoutMs?: (call: Call) => number;
  /** Whether it needs a host that streams. */
  readonly streams?: (call: Call) => boolean;
  /** Whether it changes what is known of the container. */
  readonly changes?: boolean;
};

/** Passes `/containers/<id>/<verb>`. */
export const passTo =
  (verb: string, passing: Passing = {}): Handler =>
  async (call) => {
    const found = await containerOf(call);
    if (passing.streams?.(call)) mustStream(call, `${call.request.method} ${call.place.path}`, [found.node]);
    const timeoutMs = passing.timeoutMs?.(call);
    const path = `/containers/${segment(found.engineId)}/${verb}`;
    const answer = await pass(call, found, { path, ...(timeoutMs !== undefined && { timeoutMs }) });
    if (passing.changes && answer.status < 400) await look(call, found);
    return answer;
  };

export const containerOf = (call: Call): Promise<Found> => call.fleet.containers.find(call.params["id"] ?? "");

/** Brings the container's object up to what its engine shows. What fails here the node's agent does. */
export async function look(
  call: Call,
  { node, container, engineId }: Pick<Found, "node" | "container" | "engineId">,
): Promise<void> {
  try {
    await call.look(node.metadata.name, container.status?.containerId ?? engineId);
  } catch (error) {
    call.front.logger.log("warn", "a container could not be looked at after a change", { node: node.metadata.name, error });
  }
}

export const isAlways = (): boolean => true;
export const follows = ({ query }: Call): boolean => flag(query, "follow");
export const slowly = (): number => longMs;

/** An engine answers when the container has stopped: after its grace time, which may be the container's own. */
export function afterGrace({ query }: Call): number {
  const seconds = integer(query, "t");
  return seconds === undefined || seconds < 0 ? longMs : Math.min(seconds * 1_000, graceMsMax) + longMs;
}
