/**
 * Where a new container wants to be for what it uses: volumes are on one node, and networks do not reach from node to node. So it goes where
 * its volumes are, and, if there is room, to those that are in its networks already: what Compose starts together finds each other.
 */
import { type Json, type JsonObject, objectOf } from "../../base/json.ts";
import { isOwnNetwork } from "../../fleet/containers/own-networks.ts";
import type { Node } from "../../kinds/node.ts";
import { byReferencedNetwork } from "../../state/selector.ts";
import type { Call } from "../call.ts";
import { DockerError } from "../errors.ts";
import { askNodes, nodesOf } from "../fan-out.ts";
import { homeKey, homeOf, takesContainers } from "../node-parts/named.ts";

export type Nearness = {
  /** Networks that the node must have, by their names there. */
  readonly networks: readonly string[];
  /** Names of the nodes that have all of its volumes; undefined: any will do. */
  readonly among?: readonly string[];
  /** The node where it would be best. */
  readonly wish?: string;
  readonly warnings: readonly string[];
};

/** Volumes and networks of one container that are looked at. */
const namesMax = 100;

/** @throws DockerError 409 where no node has all of its volumes. */
export async function nearnessOf(call: Call, body: JsonObject): Promise<Nearness> {
  const networks = networksOf(body);
  const { among, warnings } = await holdersOf(call, volumesOf(body));
  const { nodes } = await nodesOf(call);
  const active = nodes.filter((node) => takesContainers(node) && (among?.includes(node.metadata.name) ?? true));
  const wish = await bestOf(call, { networks, active, labels: body["Labels"] });
  return { networks, warnings, ...(among && { among }), ...(wish !== undefined && { wish }) };
}

/** A volume that is nowhere is made by the engine that the container comes to. */
async function holdersOf(call: Call, names: readonly string[]): Promise<Pick<Nearness, "among" | "warnings">> {
  let among: readonly string[] | undefined;
  const warnings: string[] = [];
  for (const name of names) {
    const { parts, errors } = await askNodes(call, "volume", (engine, engineCall) => engine.volumes.inspect(name, engineCall));
    const holders = parts.map(({ node }) => node.metadata.name);
    const silent = errors.map(({ nodeName }) => nodeName).join(", ");
    if (holders.length === 0 && silent !== "") warnings.push(`volume ${name} may be on a node that did not answer: ${silent}`);
    if (holders.length === 0) continue;
    const both: readonly string[] = among === undefined ? holders : among.filter((node) => holders.includes(node));
    if (both.length === 0)
      throw new DockerError(
        409,
        `its volumes are on different nodes: ${name} is on ${holders.join(", ")}, others on ${among?.join(", ")}`,
      );
    among = both;
  }
  return { warnings, ...(among && { among }) };
}

type Choice = { readonly networks: readonly string[]; readonly active: readonly Node[]; readonly labels: Json | undefined };

/** The node where most are that share a network with it; before there are any, the home of its project. */
async function bestOf(call: Call, { networks, active, labels }: Choice): Promise<string | undefined> {
  const [first] = networks;
  if (first === undefined) return undefined;
  const { value: members } = await call.ground.store.view(({ containers }) =>
    networks.flatMap((name) => containers.find(byReferencedNetwork(name))),
  );
  const counts = new Map(active.map(({ metadata }) => [metadata.name, 0]));
  for (const { spec } of members) {
    const count = counts.get(spec.nodeName);
    if (count !== undefined) counts.set(spec.nodeName, count + 1);
  }
  const [best] = [...counts].filter(([, count]) => count > 0).sort(([, one], [, other]) => other - one);
  return best?.[0] ?? homeOf(homeKey(labels, first), active)?.metadata.name;
}

function networksOf(body: JsonObject): readonly string[] {
  const mode = objectOf(body["HostConfig"])["NetworkMode"];
  const endpoints = Object.keys(objectOf(objectOf(body["NetworkingConfig"])["EndpointsConfig"]));
  const names = new Set([...(typeof mode === "string" ? [mode] : []), ...endpoints].filter(isOwnNetwork));
  return [...names].slice(0, namesMax);
}

/** Names of volumes, not paths: of `-v name:/path` and of `--mount type=volume,source=name`. */
function volumesOf(body: JsonObject): readonly string[] {
  const host = objectOf(body["HostConfig"]);
  const bound = listOf(host["Binds"]).flatMap((bind) => (typeof bind === "string" ? [bind.split(":")] : []));
  const binds = bound.flatMap(([source = "", target]) => (target === undefined || source.startsWith("/") ? [] : [source]));
  const mounts = listOf(host["Mounts"]).map(objectOf);
  const sources = mounts.flatMap(({ Type, Source }) => (Type === "volume" && typeof Source === "string" ? [Source] : []));
  return [...new Set([...binds, ...sources])].filter((name) => name !== "").slice(0, namesMax);
}

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);
