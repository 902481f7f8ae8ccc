/**
 * Networks that were made under a bare name: one on each node, alike, with no traffic between them, and for whoever asks one network of
 * the fleet. They carry a label, are listed once, and have one Id, made of the cluster and the name, so that clients that compare what a
 * container is in with what they were told find it the same on every node.
 */
import { createHash } from "node:crypto";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { clusterUidLabel } from "../../fleet/containers/labels.ts";
import { isOwnNetwork } from "../../fleet/containers/own-networks.ts";
import type { EngineNetwork, NetworkCreate } from "../../fleet/engine/networks.ts";
import type { Engine } from "../../fleet/engine.ts";
import { EngineError, NoSuchNetworkError } from "../../fleet/engine-errors.ts";
import type { Node } from "../../kinds/node.ts";
import type { Call } from "../call.ts";
import { askNodes } from "../fan-out.ts";
import { type Named, namedOf } from "./named.ts";

/** Says that the network is one of the fleet's. */
export const fleetLabel = "windlass.dev/fleet-network";

/** Also of a Network object: its nodes' networks are one network as well. */
export const isFleetNetwork = ({ Labels }: EngineNetwork): boolean =>
  Labels?.[fleetLabel] !== undefined || Labels?.[clusterUidLabel] !== undefined;

export const withFleetLabel = (body: JsonObject): JsonObject => ({
  ...body,
  Labels: { ...(isJsonObject(body["Labels"]) && body["Labels"]), [fleetLabel]: "true" },
});

/** 64 digits, as an engine's. */
export const fleetNetworkId = (clusterUid: string, name: string): string =>
  createHash("sha256").update(`network ${clusterUid} ${name}`).digest("hex");

/** What docker shows, at the least. */
const idPattern = /^[0-9a-f]{12,64}$/;

/** What clients call a network, in words that nodes know: ids, also of the fleet's networks, become names. */
export async function networkNamed(call: Call, reference: string): Promise<Named> {
  const named = namedOf(reference);
  if (named.nodeName !== undefined || !idPattern.test(named.name)) return named;
  const { parts } = await askNodes(call, "networks", (engine, engineCall) => engine.networks.list(undefined, engineCall));
  const all = parts.flatMap(({ node, value }) => value.map((network) => ({ node, network })));
  const { uid } = call.ground.store;
  const own = all.find(({ network: { Name } }) => isOwnNetwork(Name) && fleetNetworkId(uid, Name).startsWith(named.name));
  if (own !== undefined) return { nodeName: undefined, name: own.network.Name };
  const one = all.find(({ network: { Id } }) => Id.startsWith(named.name));
  if (one === undefined) return named;
  return { nodeName: one.node.metadata.name, name: one.network.Name };
}

/** Makes the fleet's network on a node that came after it. One that is nowhere is left: the engine says so when the container starts. */
export async function ensureFleetNetwork(
  call: Call,
  name: string,
  { engine, node }: { readonly engine: Engine; readonly node: Node },
): Promise<void> {
  const { signal } = call;
  if (await hasNetwork(engine, name, call)) return;
  const { parts } = await askNodes(call, "network", (other, engineCall) => other.networks.inspect(name, engineCall));
  const model = parts.find(({ value }) => isFleetNetwork(value))?.value;
  if (model === undefined) return;
  const body = bodyLike(model);
  try {
    await engine.networks.create(body, { signal });
  } catch (error) {
    // Another request has made it meanwhile; or its addresses are taken on this node, and it gets others.
    if (!(error instanceof EngineError)) throw error;
    if (await hasNetwork(engine, name, call)) return;
    await engine.networks.create({ ...body, IPAM: undefined }, { signal });
  }
  call.front.logger.log("info", "a network of the fleet was made on one more node", { network: name, node: node.metadata.name });
}

async function hasNetwork(engine: Engine, name: string, { signal }: Call): Promise<boolean> {
  try {
    await engine.networks.inspect(name, { signal });
    return true;
  } catch (error) {
    if (error instanceof NoSuchNetworkError) return false;
    throw error;
  }
}

/** What of an inspect is a create's, too. */
const kept = ["Name", "Driver", "EnableIPv6", "IPAM", "Internal", "Attachable", "Options", "Labels"] as const;

function bodyLike(network: EngineNetwork): NetworkCreate {
  const given = Object.entries(network).filter(([key]) => (kept as readonly string[]).includes(key));
  return Object.fromEntries(given) as NetworkCreate;
}
