/**
 * Volumes, each node's own: listed from all nodes, shown and removed on those that their name says (named.ts). One is made on one node,
 * as on one engine there is one of a name, and containers that use it go where it is (containers/nearness.ts).
 */
import type { EngineVolume } from "../../fleet/engine/networks.ts";
import type { Node } from "../../kinds/node.ts";
import { jsonBody } from "../body.ts";
import type { Call } from "../call.ts";
import { badParameter, DockerError } from "../errors.ts";
import { type DockerAnswer, json, nothing } from "../exchange.ts";
import { askNodes, gatheredHeaders, mustHaveSome, type Part } from "../fan-out.ts";
import { filtersOf, filtersQuery } from "../filters.ts";
import { nodeRow } from "../nodes/node-row.ts";
import { flag } from "../query.ts";
import { onEach } from "./each.ts";
import { activeNodes, askedAs, homeKey, homeOf, type Named, namedOf, nodeFor, onlyOf, shownAs } from "./named.ts";

export async function listVolumes(call: Call): Promise<DockerAnswer> {
  const filters = filtersOf(call.query);
  const asked = filtersQuery(filters, ["node"]);
  const list = await askNodes(call, "volumes", (engine, engineCall) => engine.volumes.list(asked, engineCall), {
    only: filters.get("node"),
  });
  mustHaveSome(list);
  const Volumes = list.parts.flatMap(({ node, value }) => value.map((volume) => volumeRow(volume, node)));
  const Warnings = list.errors.map(({ message }) => message);
  return json({ Volumes, Warnings: Warnings.length > 0 ? Warnings : null }, { headers: gatheredHeaders(list) });
}

/** Of one that is on several nodes, the first's; `Nodes` says where it is. */
export async function inspectVolume(call: Call): Promise<DockerAnswer> {
  const named = namedOf(call.params["id"] ?? "");
  const found = await volumesOf(call, named);
  const [first] = found.parts;
  if (first === undefined) throw found.errors[0] ?? noSuchVolume(call.params["id"] ?? "");
  return json(shownVolume(named, found.parts), { headers: gatheredHeaders(found) });
}

/** One that is there already is the answer, wherever it is. One without a name gets it from its node. */
export async function createVolume(call: Call): Promise<DockerAnswer> {
  const body = await jsonBody(call.request);
  const given = body["Name"] ?? "";
  if (typeof given !== "string") throw badParameter("invalid JSON: Name must be a string");
  const named = namedOf(given);
  const asked = await nodeFor(call, named, body["Labels"]);
  const there = asked === undefined && named.name !== "" ? (await volumesOf(call, named)).parts : [];
  const node = asked ?? there[0]?.node ?? homeOf(homeKey(body["Labels"], named.name), await activeNodes(call));
  if (node === undefined) throw new DockerError(503, "no node is ready");
  const made = await onEach(call, [node], {
    what: "volume create",
    act: (engine, engineCall) => engine.volumes.create({ ...body, Name: named.name }, engineCall),
    undo: async () => undefined,
  });
  return json(shownVolume(asked === undefined ? named : { nodeName: node.metadata.name, name: named.name }, made), {
    status: 201,
  });
}

const volumesOf = (call: Call, named: Named) =>
  askNodes(call, "volume inspect", (engine, engineCall) => engine.volumes.inspect(named.name, engineCall), {
    only: onlyOf(named),
  });

function shownVolume(named: Named, [first, ...others]: readonly Part<EngineVolume>[]): object {
  if (first === undefined) throw new DockerError(503, "no node is ready");
  const Nodes = [first, ...others].map(({ node }) => node.metadata.name);
  return { ...volumeRow(first.value, first.node), Name: askedAs(named, first.node, first.value.Name), Nodes };
}

export async function removeVolume(call: Call): Promise<DockerAnswer> {
  const named = namedOf(call.params["id"] ?? "");
  const options = { force: flag(call.query, "force") };
  const removed = await askNodes(
    call,
    "volume remove",
    (engine, engineCall) => engine.volumes.remove(named.name, options, engineCall),
    { only: onlyOf(named) },
  );
  if (removed.errors[0] !== undefined) throw removed.errors[0];
  if (removed.parts.length === 0 && !options.force) throw noSuchVolume(call.params["id"] ?? "");
  return nothing();
}

const volumeRow = (volume: EngineVolume, node: Node) => ({ ...volume, Name: shownAs(node, volume.Name), Node: nodeRow(node) });
const noSuchVolume = (name: string): DockerError => new DockerError(404, `get ${name}: no such volume`);
