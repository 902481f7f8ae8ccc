/** The STATUS column of `docker ps`, made of what is known and when it is looked at. Docker's own words (moby, container/state.go). */
import type { Container, ContainerObjectStatus } from "../../kinds/container.ts";
import type { Node } from "../../kinds/node.ts";
import { durationText } from "./duration-text.ts";

/** What does not change with time, and the moment that the duration between is counted from; absent: there is none. */
export type StatusParts = { readonly before: string; readonly sinceMs?: number; readonly after?: string };

/** Of a container whose node does not answer classic Swarm said so in place of a status. */
const hostDown = "Host Down";

export function statusText({ before, sinceMs, after = "" }: StatusParts, node: Node | undefined, nowMs: number): string {
  if (node?.status?.state === "down" || node?.status?.state === "disconnected") return hostDown;
  return sinceMs === undefined ? before : `${before}${durationText(Math.max(0, nowMs - sinceMs))}${after}`;
}

export function statusParts({ metadata, status }: Container): StatusParts {
  const since = (time: string | undefined): number => Date.parse(time ?? status?.createdAt ?? metadata.creationTimestamp);
  switch (status?.state) {
    case "running":
      return { before: "Up ", sinceMs: since(status.startedAt), after: healthText(status) };
    case "paused":
      return { before: "Up ", sinceMs: since(status.startedAt), after: " (Paused)" };
    case "restarting":
      return { before: `Restarting (${status.exitCode ?? 0}) `, sinceMs: since(status.finishedAt), after: " ago" };
    case "removing":
      return { before: "Removal In Progress" };
    case "dead":
      return { before: "Dead" };
    case "lost":
      return { before: status.message === undefined ? "Lost" : `Lost (${status.message})` };
    case "exited":
      return { before: `Exited (${status.exitCode ?? 0}) `, sinceMs: since(status.finishedAt), after: " ago" };
    default:
      return { before: "Created" };
  }
}

function healthText({ health }: ContainerObjectStatus): string {
  if (health === undefined) return "";
  return health === "starting" ? " (health: starting)" : ` (${health})`;
}
