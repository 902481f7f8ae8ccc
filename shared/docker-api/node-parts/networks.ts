/** Networks, each node's own: listed from all nodes, made, shown, joined and removed on those that their name says (named.ts). */
import { type JsonObject, objectOf } from "../../base/json.ts";
import { endpointWithAlias, isOwnNetwork } from "../../fleet/containers/own-networks.ts";
import type { EngineNetwork, NetworkCreate } from "../../fleet/engine/networks.ts";
import type { Engine } from "../../fleet/engine.ts";
import type { Node } from "../../kinds/node.ts";
import { askRaw } from "../ask-raw.ts";
import { jsonBody } from "../body.ts";
import type { Call } from "../call.ts";
import { badParameter, DockerError } from "../errors.ts";
import { type DockerAnswer, json, nothing } from "../exchange.ts";
import { askNodes, gatheredHeaders, listMs, mustHaveSome } from "../fan-out.ts";
import { filtersOf, filtersQuery } from "../filters.ts";
import { segment } from "../forward.ts";
import { nodeRow } from "../nodes/node-row.ts";
import { onEach } from "./each.ts";
import { ensureFleetNetwork, fleetNetworkId, isFleetNetwork, networkNamed, withFleetLabel } from "./fleet-networks.ts";
import { activeNodes, askedAs, namedOf, nodeFor, onlyOf, shownAs } from "./named.ts";

export async function listNetworks(call: Call): Promise<DockerAnswer> {
  const filters = filtersOf(call.query);
  const asked = filtersQuery(filters, ["node", "id"]);
  const only = filters.get("node");
  const list = await askNodes(call, "networks", (engine, engineCall) => engine.networks.list(asked, engineCall), { only });
  mustHaveSome(list);
  const all = list.parts.flatMap(({ node, value }) => value.map((network) => ({ node, network })));
  const rows = only === undefined ? merged(call, all) : all.map(({ node, network }) => networkRow(network, node));
  const ids = filters.get("id");
  const shown = ids === undefined ? rows : rows.filter(({ Id }) => ids.some((id) => Id.startsWith(id)));
  return json(shown, { headers: gatheredHeaders(list) });
}

type Row = EngineNetwork & { readonly Node: object; readonly Nodes?: readonly string[] };

/** Each of the fleet's networks once, under its bare name. */
function merged(call: Call, all: readonly { readonly node: Node; readonly network: EngineNetwork }[]): readonly Row[] {
  const places = new Map<string, string[]>();
  for (const { node, network } of all) {
    if (!isFleetNetwork(network)) continue;
    const names = places.get(network.Name);
    if (names === undefined) places.set(network.Name, [node.metadata.name]);
    else names.push(node.metadata.name);
  }
  return all.flatMap(({ node, network }) => {
    if (!isFleetNetwork(network)) return [networkRow(network, node)];
    const Nodes = places.get(network.Name) ?? [];
    return Nodes[0] === node.metadata.name ? [{ ...bareRow(call, network, node), Nodes }] : [];
  });
}

/** Of one that is on several nodes, the first's; `Nodes` says where it is. */
export async function inspectNetwork(call: Call): Promise<DockerAnswer> {
  const named = await networkNamed(call, call.params["id"] ?? "");
  const found = await askRaw(
    call,
    { path: `/networks/${segment(named.name)}`, timeoutMs: listMs, idleMs: listMs },
    onlyOf(named),
  );
  const [first] = found.parts;
  if (first === undefined) throw found.errors[0] ?? noSuchNetwork(call.params["id"] ?? "");
  const network = first.value as EngineNetwork;
  const isBare = named.nodeName === undefined && isOwnNetwork(named.name) && network.Name === named.name;
  const row = isBare ? bareRow(call, network, first.node) : networkRow(network, first.node);
  const Containers = Object.assign({}, ...found.parts.map(({ value }) => objectOf(objectOf(value)["Containers"])));
  const Name = askedAs(named, first.node, network.Name);
  const Nodes = found.parts.map(({ node }) => node.metadata.name);
  return json({ ...row, Name, Containers, Nodes }, { headers: gatheredHeaders(found) });
}

/** Under a bare name it is the fleet's: one on each node, with one Id for all of them. */
export async function createNetwork(call: Call): Promise<DockerAnswer> {
  const body = await jsonBody(call.request);
  const given = body["Name"];
  if (typeof given !== "string" || given === "") throw badParameter("network name is required");
  const named = namedOf(given);
  const asked = await nodeFor(call, named, body["Labels"]);
  const nodes = asked === undefined ? await activeNodes(call) : [asked];
  const own = asked === undefined ? withFleetLabel(body) : body;
  const create = { ...own, Name: named.name, ...(body["Driver"] === "" && { Driver: "bridge" }) } as NetworkCreate;
  const made = await onEach(call, nodes, {
    what: "network create",
    act: (engine, engineCall) => engine.networks.create(create, engineCall),
    undo: (engine, { Id }) => engine.networks.remove(Id),
  });
  const Id = asked === undefined ? fleetNetworkId(call.ground.store.uid, named.name) : (made[0]?.value.Id ?? "");
  return json({ Id, Warning: "" }, { status: 201 });
}

export async function removeNetwork(call: Call): Promise<DockerAnswer> {
  const named = await networkNamed(call, call.params["id"] ?? "");
  const removed = await askNodes(call, "network remove", (engine, engineCall) => engine.networks.remove(named.name, engineCall), {
    only: onlyOf(named),
  });
  if (removed.errors[0] !== undefined) throw removed.errors[0];
  if (removed.parts.length === 0) throw noSuchNetwork(call.params["id"] ?? "");
  return nothing();
}

/** On the container's node, whose network it must be. */
export const connectNetwork = (call: Call): Promise<DockerAnswer> =>
  withMember(call, async ({ engine, node, name, container, alias, body }) => {
    const given = objectOf(body["EndpointConfig"]);
    const isOwn = isOwnNetwork(name);
    if (isOwn) await ensureFleetNetwork(call, name, { engine, node });
    const endpoint = isOwn && alias !== undefined ? endpointWithAlias(given, alias) : given;
    await engine.networks.connect(name, container, endpoint, { signal: call.signal });
  });

export const disconnectNetwork = (call: Call): Promise<DockerAnswer> =>
  withMember(call, ({ engine, name, container, body }) =>
    engine.networks.disconnect(name, container, { force: body["Force"] === true }, { signal: call.signal }),
  );

type Member = {
  readonly engine: Engine;
  readonly node: Node;
  readonly name: string;
  readonly container: string;
  /** What people call it. */
  readonly alias: string | undefined;
  readonly body: JsonObject;
};

async function withMember(call: Call, act: (member: Member) => Promise<void>): Promise<DockerAnswer> {
  const body = await jsonBody(call.request);
  const { Container } = body;
  if (typeof Container !== "string" || Container === "") throw badParameter("a container must be named");
  const found = await call.fleet.containers.find(Container);
  const { nodeName, name } = await networkNamed(call, call.params["id"] ?? "");
  const own = found.node.metadata.name;
  if (nodeName !== undefined && nodeName !== own) {
    throw badParameter(
      `container ${Container} is on node ${own}, the network on ${nodeName}: networks do not reach from node to node`,
    );
  }
  const alias = found.container.spec.containerName;
  await act({ engine: found.engine, node: found.node, name, container: found.engineId, alias, body });
  await call.look(own, found.engineId);
  return nothing(200);
}

/** As the fleet's, or as what stands for those of this name on all nodes. */
const bareRow = (call: Call, network: EngineNetwork, node: Node) => ({
  ...networkRow(network, node),
  Name: network.Name,
  Id: fleetNetworkId(call.ground.store.uid, network.Name),
});

const networkRow = (network: EngineNetwork, node: Node) => ({
  ...network,
  Name: shownAs(node, network.Name),
  Node: nodeRow(node),
});
const noSuchNetwork = (name: string): DockerError => new DockerError(404, `network ${name} not found`);
