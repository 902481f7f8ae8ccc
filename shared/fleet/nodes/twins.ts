/**
 * Nodes that are one engine, registered at two addresses. The one that is in use stays, else the older; the other is not used, for two nodes
 * would count one machine's room twice, and each would take the other's containers for stale ones.
 */
import { engineIdentity, type Node, type NodeStatus } from "../../kinds/node.ts";
import type { Selector } from "../../state/selector.ts";
import type { EngineFacts } from "./facts.ts";

/** The value that nodes of this engine stand under in their index; undefined: the engine has not told who it is. */
export const identityOf = (engine: EngineFacts | undefined): string | undefined => engineIdentity(engine)?.[0];
export const byEngine = (identity: string): Selector => ({ by: "index", index: "engine", value: identity });

/** The node that `node`, whose engine is `identity`, must give way to. `others`: all of that engine, itself among them or not. */
export function twinOf(node: Node, identity: string, others: readonly Node[]): Node | undefined {
  const inUse = others.filter((other) => other.metadata.uid !== node.metadata.uid && uses(other.status, identity));
  const rivals = uses(node.status, identity) ? inUse.filter((other) => isOlder(other, node)) : inUse;
  return rivals.reduce<Node | undefined>(
    (first, other) => (first !== undefined && isOlder(first, other) ? first : other),
    undefined,
  );
}

const uses = (status: NodeStatus | undefined, identity: string): boolean =>
  identityOf(status?.engine) === identity && (status?.state === "ready" || status?.state === "disconnected");

/** Names are unique, so of two nodes one always is. */
export function isOlder(one: Node, other: Node): boolean {
  const [a, b] = [one.metadata, other.metadata];
  return a.creationTimestamp === b.creationTimestamp ? a.name < b.name : a.creationTimestamp < b.creationTimestamp;
}
