/**
 * What wakes the reconciler. People's containers do when they take room or make some, and only while that could change what is
 * decided: who runs thousands of them by hand has no round for each.
 */
import { containerKind } from "../../kinds/container.ts";
import { nodeKind } from "../../kinds/node.ts";
import { serviceKind } from "../../kinds/service.ts";
import { taskKind } from "../../kinds/task.ts";
import { onAny, onCreate, onDelete, type Specifier, type WatchEvent } from "../../state/event.ts";
import { takesRoom } from "../placement/standing.ts";

/** A container that ends leaves what takes room, so it comes as deleted. */
export const followed: readonly Specifier[] = [
  ...onAny(nodeKind),
  ...onAny(serviceKind),
  ...onAny(taskKind),
  onCreate(containerKind, takesRoom),
  onDelete(containerKind, takesRoom),
];

export type Known = {
  /** The revision of what was decided on: what a round committed itself is news, too. */
  readonly seen: number;
  /** As of the last round. */
  readonly isWaiting: boolean;
};

/** Whether a round may find something to do. */
export const isNews = (events: readonly WatchEvent[], { seen, isWaiting }: Known): boolean =>
  events.some((event) => event.revision > seen && (isWaiting || event.type === "commit" || event.kind !== containerKind.kind));
