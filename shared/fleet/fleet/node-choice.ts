/** Which nodes a call goes to: those it names, one of the enabled ones, or all of them. */

import type { Ids } from "../../base/ids.ts";
import type { Node } from "../../kinds/node.ts";
import { InvalidOptionError, NoNodesError } from "./errors.ts";
import type { Ground } from "./ground.ts";

/** As many as a fleet may have. */
const namedMax = 10_000;

/** By name or address, without doubles; absent: all enabled ones. @throws NoSuchNodeError, NoNodesError, InvalidOptionError */
export async function nodesNamed({ nodes }: Ground, names?: readonly string[]): Promise<readonly Node[]> {
  if (names !== undefined && names.length > namedMax)
    throw new InvalidOptionError("nodes", `has ${names.length} items; at most ${namedMax}`);
  const found = names === undefined ? await nodes.nodes() : await Promise.all(names.map((name) => nodes.get(name)));
  if (found.length === 0) throw new NoNodesError("No nodes available");
  return [...new Map(found.map((node) => [node.metadata.uid, node])).values()];
}

/** One of them by chance. @throws NoNodesError */
export async function anyNode(ground: Ground, { random }: Pick<Ids, "random">, names?: readonly string[]): Promise<Node> {
  const all = await nodesNamed(ground, names);
  const node = all[Math.floor(random() * all.length)];
  if (node === undefined) throw new NoNodesError("No nodes available");
  return node;
}
