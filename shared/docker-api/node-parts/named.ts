/**
 * Names of what is each node's own, networks and volumes: `node/name` is the one of that node. A bare name stands for those of all nodes:
 * what is made under it is made on every node that takes containers, what is removed is removed wherever it is, and what is shown is
 * the first node's, in the order of their names.
 */
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

/** The nodes that something new is for. @throws DockerError 404, 503 */
export async function nodesFor(call: Call, { nodeName }: Named, labels: unknown): Promise<readonly Node[]> {
  const wanted = nodeName ?? call.query.get("node") ?? labelOf(labels);
  const { nodes } = await nodesOf(call);
  if (wanted !== undefined) {
    const node = nodes.find(({ metadata }) => metadata.name === wanted);
    if (node === undefined) throw new DockerError(404, `No such node: ${wanted}`);
    return [node];
  }
  const active = nodes.filter((node) => isReady(node) && node.spec.availability === "active");
  if (active.length === 0) throw new DockerError(503, "no node is ready", { "retry-after": "1" });
  return active;
}

function labelOf(labels: unknown): string | undefined {
  if (labels === undefined || labels === null) return undefined;
  if (!isJsonObject(labels)) throw badParameter("invalid JSON: Labels must be an object");
  const value = labels[nodeLabel];
  return typeof value === "string" && value !== "" ? value : undefined;
}
