/**
 * `docker network prune`. Engines take what nobody uses of their own; one of the fleet's goes from all nodes or from none, and those of
 * Network objects are never taken.
 */
import type { Json } from "../../base/json.ts";
import { objectOf } from "../../base/json.ts";
import { clusterUidLabel } from "../../fleet/containers/labels.ts";
import type { EngineNetwork } from "../../fleet/engine/networks.ts";
import { EngineError } from "../../fleet/engine-errors.ts";
import { askRaw } from "../ask-raw.ts";
import type { Call } from "../call.ts";
import { askNodes, type Gathered, mustHaveSome } from "../fan-out.ts";
import { type Filters, filtersOf, queryOf, withValue } from "../filters.ts";
import { listOf } from "../raw-json.ts";
import { fleetLabel } from "./fleet-networks.ts";
import { shownAs } from "./named.ts";

/** Names of those that are gone; of the fleet's the bare ones. */
export async function prunedNetworks(
  call: Call,
): Promise<{ readonly pruned: Gathered<Json>; readonly names: readonly string[] }> {
  const given = filtersOf(call.query);
  const own = withValue(withValue(given, "label!", fleetLabel), "label!", clusterUidLabel);
  const pruned = await askRaw(call, { path: "/networks/prune", query: queryOf(own), body: null });
  mustHaveSome(pruned);
  const names = pruned.parts.flatMap(({ node, value }) =>
    listOf(value, "NetworksDeleted").flatMap((name) => (typeof name === "string" ? [shownAs(node, name)] : [])),
  );
  return { pruned, names: [...names, ...(await pruneFleetNetworks(call, given))] };
}

/** Only of labels: when they were made is each node's own. */
async function pruneFleetNetworks(call: Call, given: Filters): Promise<readonly string[]> {
  if ([...given.keys()].some((name) => name !== "label")) return [];
  const asked = { label: [...(given.get("label") ?? []), fleetLabel] };
  const listed = await askNodes(call, "networks", (engine, engineCall) => engine.networks.list(asked, engineCall));
  // Who does not answer may use one.
  if (listed.errors.length > 0) return [];
  const gone: string[] = [];
  for (const name of new Set(listed.parts.flatMap(({ value }) => value.map(({ Name }) => Name))))
    if (await pruneFleetNetwork(call, name)) gone.push(name);
  return gone;
}

async function pruneFleetNetwork(call: Call, name: string): Promise<boolean> {
  const { parts, errors } = await askNodes(call, "network", (engine, engineCall) => engine.networks.inspect(name, engineCall));
  if (errors.length > 0 || parts.some(({ value }) => isUsed(value))) return false;
  const removed = await askNodes(call, "network remove", (engine, engineCall) => engine.networks.remove(name, engineCall));
  const [failure] = removed.errors;
  if (failure === undefined) return true;
  // A container has come to it meanwhile; where it is gone, the next that needs it there brings it back.
  if (failure.cause instanceof EngineError) return false;
  throw failure;
}

const isUsed = (network: EngineNetwork): boolean => Object.keys(objectOf(network["Containers"])).length > 0;
