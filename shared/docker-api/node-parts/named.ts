/**
 * Names of what is each node's own, networks and volumes: `node/name` is the one of that node. A bare name stands for those of all nodes:
 * what is removed is removed wherever it is, and what is shown is the first node's, in the order of their names, under the name it was
 * asked for by.
 */
import { createHash } from "node:crypto";
import { isJsonObject } from "../../base/json.ts";
import type { Node } from "../../kinds/node.ts";
import type { Call } from "../call.ts";
import { badParameter, DockerError } from "../errors.ts";
import { nodesOf } from "../fan-out.ts";
import { isReady } from "../nodes/node-row.ts";

/** On whose node something is to be made; also the query's `node`. */
const nodeLabel = "windlass.dev/node";

/** `nodeName` undefined: the name is bare. */
export type Named = { readonly nodeName: string | undefined; readonly name: string };

export function namedOf(given: string): Named {
  const at = given.indexOf("/");
  return at <= 0
    ? { nodeName: undefined, name: given.replace(/^\//, "") }
    : { nodeName: given.slice(0, at), name: given.slice(at + 1) };
}

/** Names of the nodes that are asked for what is there; undefined: all. */
export const onlyOf = ({ nodeName }: Named): readonly string[] | undefined => (nodeName === undefined ? undefined : [nodeName]);

/** What the list shows. */
export const shownAs = (node: Node, name: string): string => `${node.metadata.name}/${name}`;

/** Of what was found by `named`: under the same form. */
export const askedAs = (named: Named, node: Node, name: string): string =>
  named.nodeName === undefined && named.name === name ? name : shownAs(node, name);

/** The node that something new was asked for on; undefined: none was named. @throws DockerError 404 */
export async function nodeFor(call: Call, { nodeName }: Named, labels: unknown): Promise<Node | undefined> {
  const wanted = nodeName ?? call.query.get("node") ?? labelOf(labels);
  if (wanted === undefined) return undefined;
  const { nodes } = await nodesOf(call, [wanted]);
  if (nodes[0] === undefined) throw new DockerError(404, `No such node: ${wanted}`);
  return nodes[0];
}

/** All that take containers. @throws DockerError 503 */
export async function activeNodes(call: Call): Promise<readonly Node[]> {
  const { nodes } = await nodesOf(call);
  const active = nodes.filter(takesContainers);
  if (active.length === 0) throw new DockerError(503, "no node is ready", { "retry-after": "1" });
  return active;
}

export const takesContainers = (node: Node): boolean =>
  isReady(node) && node.spec.availability === "active" && node.metadata.deletionTimestamp === undefined;

/** The same of these nodes for one key, whoever asks; few keys move when a node comes or goes (rendezvous hashing). */
export function homeOf(key: string, nodes: readonly Node[]): Node | undefined {
  const rank = (node: Node): string => createHash("sha256").update(`${key} ${node.metadata.name}`).digest("hex");
  return nodes.reduce<{ readonly node: Node; readonly rank: string } | undefined>((best, node) => {
    const own = rank(node);
    return best === undefined || own > best.rank ? { node, rank: own } : best;
  }, undefined)?.node;
}

/** Compose's own: what one project is made of belongs together. */
const projectLabel = "com.docker.compose.project";

/** What is of one project has one key, and so one home. */
export function homeKey(labels: unknown, name: string): string {
  const project = isJsonObject(labels) ? labels[projectLabel] : undefined;
  return typeof project === "string" && project !== "" ? project : name;
}

function labelOf(labels: unknown): string | undefined {
  if (labels === undefined || labels === null) return undefined;
  if (!isJsonObject(labels)) throw badParameter("invalid JSON: Labels must be an object");
  const value = labels[nodeLabel];
  return typeof value === "string" && value !== "" ? value : undefined;
}
