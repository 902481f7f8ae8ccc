/**
 * The source's CreationStatus, which only people and their programs set: in a Node it is membership and availability, where kubectl shows
 * and sets it, too. `error` differs from `disabled` by an annotation.
 */
import type { Node } from "../../kinds/node.ts";
import type { ObjectInput } from "../../kinds/object.ts";

export const creationStatuses = ["created", "error", "pending", "disabled"] as const;
export type CreationStatus = (typeof creationStatuses)[number];

const annotation = "windlass.dev/creation-status";

export function creationStatusOf({ metadata, spec }: Node): CreationStatus {
  if (spec.membership === "pending") return "pending";
  if (spec.availability === "active") return "created";
  return metadata.annotations?.[annotation] === "error" ? "error" : "disabled";
}

/** The node with that creation status; one that is drained and to be disabled stays drained. */
export function creationSpec<N extends ObjectInput<Node>>(node: N, status: CreationStatus): N {
  const { [annotation]: _, ...others } = node.metadata.annotations ?? {};
  const annotations = status === "error" ? { ...others, [annotation]: status } : others;
  const { annotations: __, ...metadata } = node.metadata;
  const { availability } = node.spec;
  const isOff = status === "error" || status === "disabled";
  return {
    ...node,
    metadata: { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: {
      ...node.spec,
      membership: status === "pending" ? "pending" : "accepted",
      availability: isOff ? (availability === "active" ? "pause" : availability) : status === "created" ? "active" : availability,
    },
  };
}
