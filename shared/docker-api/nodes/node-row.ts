/** A node as classic Swarm showed it beside each row, and what is known of its age. */
import type { JsonObject } from "../../base/json.ts";
import type { Node } from "../../kinds/node.ts";

export type NodeRow = { readonly ID: string; readonly IP: string; readonly Addr: string; readonly Name: string };

export function nodeRow(node: Node): NodeRow {
  const ip = hostOf(node);
  const { port } = new URL(node.spec.address);
  return {
    ID: engineId(node) ?? node.metadata.uid,
    IP: ip,
    Addr: ip === "" ? node.spec.address : `${ip.includes(":") ? `[${ip}]` : ip}${port === "" ? "" : `:${port}`}`,
    Name: node.metadata.name,
  };
}

/** With what `docker inspect` showed there. */
export function nodeDetails(node: Node): JsonObject {
  const { resources } = node.status?.engine ?? {};
  return {
    ...nodeRow(node),
    Cpus: resources?.cpus ?? 0,
    Memory: resources?.memory ?? 0,
    Labels: { ...node.status?.engine?.labels, ...node.metadata.labels },
  };
}

/** The host of its address; empty for one on a socket of this machine. */
export const hostOf = ({ spec }: Node): string => new URL(spec.address).hostname.replace(/^\[(.*)\]$/, "$1");

/** Where a port of the node is published: each of its addresses is, seen from elsewhere, the node's. */
export function seenAddress(address: string, node: Node | undefined): string {
  const isAny = address === "0.0.0.0" || address === "::" || address === "";
  return (isAny && node !== undefined && hostOf(node)) || address;
}

/**
 * Whether a port's place on all IPv6 addresses is left out: the node is seen at an IPv4 address, where another of `all` publishes the same
 * port of the container.
 */
export function isHiddenTwin<P extends { readonly address: string | undefined; readonly port: string }>(
  one: P,
  all: readonly P[],
): boolean {
  return one.address === "::" && all.some(({ address, port }) => address === "0.0.0.0" && port === one.port);
}

/** `node-a at tcp://10.0.0.1:2376`, for people who go there themselves. */
export const nodeText = ({ metadata, spec }: Node): string => `${metadata.name} at ${spec.address}`;

export const isReady = ({ status }: Node): boolean => status?.state === "ready";

/** Seconds since the node was last known to answer; 0 while it does. */
export function ageSeconds({ status }: Node, nowMs: number): number {
  if (status?.state === "ready" || status?.since === undefined) return 0;
  return Math.max(0, Math.round((nowMs - Date.parse(status.since)) / 1_000));
}

const engineId = ({ status }: Node): string | undefined => status?.engine?.id;
