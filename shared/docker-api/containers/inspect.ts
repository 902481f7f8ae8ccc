/** `docker inspect`: what the node's engine says, under the names of the cluster, with the node beside it, as classic Swarm showed it. */
import { type Json, type JsonObject, objectOf } from "../../base/json.ts";
import { isOwnNetwork } from "../../fleet/containers/own-networks.ts";
import type { Node } from "../../kinds/node.ts";
import type { Call } from "../call.ts";
import { type DockerAnswer, json } from "../exchange.ts";
import { knowledgeHeaders } from "../fan-out.ts";
import { answerOf, forward, segment } from "../forward.ts";
import { fleetNetworkId } from "../node-parts/fleet-networks.ts";
import { isHiddenTwin, nodeDetails, seenAddress } from "../nodes/node-row.ts";
import { rawObject } from "../raw-json.ts";
import { revisionOf, shownName } from "./row.ts";

export async function inspectContainer(call: Call): Promise<DockerAnswer> {
  const found = await call.fleet.containers.find(call.params["id"] ?? "");
  const { container, node, engineId } = found;
  const raw = await forward(call, found, { path: `/containers/${segment(engineId)}/json` });
  if (raw.status !== 200) return answerOf(raw);
  const details = await rawObject(raw);
  const translated = {
    ...details,
    Name: shownName(container),
    Node: nodeDetails(node),
    NetworkSettings: withNetworkIds(withNodeAddress(objectOf(details["NetworkSettings"]), node), call.ground.store.uid),
    Windlass: { Name: container.metadata.name, Namespace: container.metadata.namespace, Revision: revisionOf(container) },
  };
  return json(translated, { headers: knowledgeHeaders({ revision: revisionOf(container), ageSeconds: 0 }) });
}

function withNodeAddress(settings: JsonObject, node: Node): JsonObject {
  const ports = Object.entries(objectOf(settings["Ports"])).map(([name, bindings]): [string, Json] => {
    if (!Array.isArray(bindings)) return [name, bindings ?? null];
    const places = bindings.map((binding: Json) => ({ address: textOf(objectOf(binding)["HostIp"]), port: name }));
    const seen = bindings.filter((_, index) => !isHiddenTwin(places[index] ?? noPlace, places));
    return [name, seen.map((binding: Json) => withAddress(objectOf(binding), node))];
  });
  return { ...settings, Ports: Object.fromEntries(ports) };
}

const textOf = (value: Json | undefined): string | undefined => (typeof value === "string" ? value : undefined);
const noPlace = { address: undefined, port: "" };

/** As `docker network inspect` says them. */
function withNetworkIds(settings: JsonObject, clusterUid: string): JsonObject {
  const networks = Object.entries(objectOf(settings["Networks"])).map(([name, endpoint]): [string, Json] => {
    if (!isOwnNetwork(name)) return [name, endpoint ?? null];
    return [name, { ...objectOf(endpoint), NetworkID: fleetNetworkId(clusterUid, name) }];
  });
  return { ...settings, Networks: Object.fromEntries(networks) };
}

const withAddress = (binding: JsonObject, node: Node): JsonObject => {
  const address = binding["HostIp"];
  return typeof address === "string" ? { ...binding, HostIp: seenAddress(address, node) } : binding;
};
