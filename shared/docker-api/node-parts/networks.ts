/** Networks, each node's own: listed from all nodes, made, shown, joined and removed on those that their name says (named.ts). */
import { type JsonObject, objectOf } from "../../base/json.ts";
import type { EngineNetwork, NetworkCreate } from "../../fleet/engine/networks.ts";
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
import { namedOf, nodesFor, onlyOf, shownAs } from "./named.ts";

export async function listNetworks(call: Call): Promise<DockerAnswer> {
  const filters = filtersOf(call.query);
  const asked = filtersQuery(filters, ["node"]);
  const list = await askNodes(call, "networks", (engine, engineCall) => engine.networks.list(asked, engineCall), {
    only: filters.get("node"),
  });
  mustHaveSome(list);
  const rows = list.parts.flatMap(({ node, value }) => value.map((network) => networkRow(network, node)));
  return json(rows, { headers: gatheredHeaders(list) });
}

/** Of one that is on several nodes, the first's; `Nodes` says where it is. */
export async function inspectNetwork(call: Call): Promise<DockerAnswer> {
  const named = namedOf(call.params["id"] ?? "");
  const found = await askRaw(
    call,
    { path: `/networks/${segment(named.name)}`, timeoutMs: listMs, idleMs: listMs },
    onlyOf(named),
  );
  const [first] = found.parts;
  if (first === undefined) throw found.errors[0] ?? noSuchNetwork(call.params["id"] ?? "");
  const Nodes = found.parts.map(({ node }) => node.metadata.name);
  return json({ ...networkRow(first.value as EngineNetwork, first.node), Nodes }, { headers: gatheredHeaders(found) });
}

/** Its Id is that of the one node, or its name where it was made on several: that is what stands for all of them. */
export async function createNetwork(call: Call): Promise<DockerAnswer> {
  const body = await jsonBody(call.request);
  const given = body["Name"];
  if (typeof given !== "string" || given === "") throw badParameter("network name is required");
  const named = namedOf(given);
  const nodes = await nodesFor(call, named, body["Labels"]);
  const create = { ...body, Name: named.name, ...(body["Driver"] === "" && { Driver: "bridge" }) } as NetworkCreate;
  const made = await onEach(call, nodes, {
    what: "network create",
    act: (engine, engineCall) => engine.networks.create(create, engineCall),
    undo: (engine, { Id }) => engine.networks.remove(Id),
  });
  const [only] = made;
  return json({ Id: made.length === 1 && only !== undefined ? only.value.Id : named.name, Warning: "" }, { status: 201 });
}

export async function removeNetwork(call: Call): Promise<DockerAnswer> {
  const named = namedOf(call.params["id"] ?? "");
  const removed = await askNodes(call, "network remove", (engine, engineCall) => engine.networks.remove(named.name, engineCall), {
    only: onlyOf(named),
  });
  if (removed.errors[0] !== undefined) throw removed.errors[0];
  if (removed.parts.length === 0) throw noSuchNetwork(call.params["id"] ?? "");
  return nothing();
}

/** On the container's node, whose network it must be. */
export const connectNetwork = (call: Call): Promise<DockerAnswer> =>
  withMember(call, ({ engine, name, container, body }) =>
    engine.networks.connect(name, container, objectOf(body["EndpointConfig"]), { signal: call.signal }),
  );

export const disconnectNetwork = (call: Call): Promise<DockerAnswer> =>
  withMember(call, ({ engine, name, container, body }) =>
    engine.networks.disconnect(name, container, { force: body["Force"] === true }, { signal: call.signal }),
  );

type Member = {
  readonly engine: Awaited<ReturnType<Call["fleet"]["containers"]["find"]>>["engine"];
  readonly name: string;
  readonly container: string;
  readonly body: JsonObject;
};

async function withMember(call: Call, act: (member: Member) => Promise<void>): Promise<DockerAnswer> {
  const body = await jsonBody(call.request);
  const { Container } = body;
  if (typeof Container !== "string" || Container === "") throw badParameter("a container must be named");
  const found = await call.fleet.containers.find(Container);
  const { nodeName, name } = namedOf(call.params["id"] ?? "");
  const own = found.node.metadata.name;
  if (nodeName !== undefined && nodeName !== own) {
    throw badParameter(
      `container ${Container} is on node ${own}, the network on ${nodeName}: networks do not reach from node to node`,
    );
  }
  await act({ engine: found.engine, name, container: found.engineId, body });
  await call.look(own, found.engineId);
  return nothing(200);
}

const networkRow = (network: EngineNetwork, node: Node) => ({
  ...network,
  Name: shownAs(node, network.Name),
  Node: nodeRow(node),
});
const noSuchNetwork = (name: string): DockerError => new DockerError(404, `network ${name} not found`);
