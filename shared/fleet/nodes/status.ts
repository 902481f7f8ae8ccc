/** The source's status table of a node, as pure functions of the Node object and the time. */
import { timestamp } from "../../base/clock.ts";
import type { Node } from "../../kinds/node.ts";
import { creationStatusOf } from "./creation-status.ts";
import { metadataOf } from "./metadata.ts";

/** The source's NodeStatus… and NodeCreationStatus… constants. */
export type NodeStatusText =
  | "waiting"
  | "ready"
  | "ready for retry"
  | "temporarily disabled"
  | "healing"
  | "created"
  | "error"
  | "pending"
  | "disabled";

/**
 * In the source's order: what people decided, then healing, then whether it was ever reached, then failures. `now`: milliseconds since
 * 1970. `healingUntil`: until when somebody holds the node to heal it; it ends then, whether or not it was given back.
 */
export function nodeStatusText(node: Node, now: number, healingUntil?: number): NodeStatusText {
  const creation = creationStatusOf(node);
  if (creation !== "created") return creation;
  if (healingUntil !== undefined && healingUntil > now) return "healing";
  const { state = "unknown" } = node.status ?? {};
  if (state === "unknown" && failureCount(node) === 0) return "waiting";
  if (state === "down" || isDisabled(node, now)) return "temporarily disabled";
  return failureCount(node) > 0 || state !== "ready" ? "ready for retry" : "ready";
}

/** Its deletion was asked for: it takes nothing new, and goes when nothing holds it any more. */
export const isLeaving = ({ metadata }: Node): boolean => metadata.deletionTimestamp !== undefined;

/** Whether new containers may go there: the source's enabled nodes. One whose time of being disabled is over is tried again. */
export function isEnabled(node: Node, now: number): boolean {
  if (isLeaving(node)) return false;
  const text = nodeStatusText(node, now);
  return text === "ready" || text === "ready for retry" || text === "waiting";
}

/** Takes no new containers for a time; its containers stay. */
export function isDisabled({ status }: Node, now: number): boolean {
  return status?.disabledUntil !== undefined && Date.parse(status.disabledUntil) > now;
}

export const failureCount = ({ status }: Node): number => status?.failures ?? 0;

/** Whether it was ever reached. */
export const hasSuccess = ({ status }: Node): boolean => status?.engine !== undefined;

/** The node without its failures; where it stands is not changed. */
export function resetFailures(node: Node): Node {
  if (node.status === undefined) return node;
  const { failures: _, disabledUntil: __, lastError: ___, ...status } = node.status;
  return { ...node, status };
}

/** The source's ExtraMetadata: what the healer keeps of a node, under the names it has there. */
export function extraMetadata({ status }: Node): Readonly<Record<string, string>> {
  const { failures, disabledUntil, lastError, state, since } = status ?? {};
  return {
    ...(failures !== undefined && { Failures: String(failures) }),
    ...(disabledUntil !== undefined && { DisabledUntil: disabledUntil }),
    ...(lastError !== undefined && { LastError: lastError }),
    ...(state === "ready" && since !== undefined && { LastSuccess: since }),
  };
}

/** The source's MarshalJSON: no certificate, and no name of one. */
export function nodeJson(
  node: Node,
  now: number,
): {
  readonly Address: string;
  readonly Metadata: Readonly<Record<string, string>>;
  readonly Status: NodeStatusText;
} {
  return {
    Address: node.spec.address,
    Metadata: { ...metadataOf(node), ...extraMetadata(node) },
    Status: nodeStatusText(node, now),
  };
}

/** When a node that is disabled for `ms` from `now` is tried again; in the whole seconds that objects have, and never sooner. */
export const disabledUntil = (now: number, ms: number): string => timestamp(Math.ceil((now + ms) / 1_000) * 1_000);
