/** Why no node takes a container, with those nodes that were not even asked: disabled, being healed, not accepted. */
import type { Node } from "../../kinds/node.ts";
import { nodeStatusText } from "../nodes/status.ts";
import { NoNodesError } from "./errors.ts";

const nobody = " (there are no nodes)";

/** `others`: registered nodes that are not enabled. `now`: milliseconds since 1970. */
export function withOthers({ message }: NoNodesError, others: readonly Node[], now: number): NoNodesError {
  const counts = new Map<string, number>();
  for (const node of others) {
    const text = nodeStatusText(node, now);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const reasons = [...counts].map(([text, nodes]) => `${nodes} ${nodes === 1 ? "node" : "nodes"} ${text}`);
  if (reasons.length === 0) return new NoNodesError(message);
  const told = message.endsWith(nobody) ? message.slice(0, -nobody.length) : message;
  const open = told.endsWith(")") ? `${told.slice(0, -1)}; ` : `${told} (`;
  return new NoNodesError(`${open}${reasons.join("; ")})`);
}
