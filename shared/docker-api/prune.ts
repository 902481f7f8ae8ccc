/**
 * Prunes, on all nodes, their answers added up. What Windlass runs for its services is never pruned: a task's container that does not run
 * yet, or any more, is its service's to keep. Of volumes only those that engines of the client's version would remove.
 */
import { type Json, type JsonObject, objectOf } from "../base/json.ts";
import { taskLabel } from "../fleet/containers/labels.ts";
import { inParallel } from "../fleet/nodes/in-parallel.ts";
import { askRaw, rawOf } from "./ask-raw.ts";
import type { Call } from "./call.ts";
import { type DockerAnswer, json } from "./exchange.ts";
import { askNodes, type Gathered, gatheredHeaders, mustHaveSome, type Part } from "./fan-out.ts";
import { boolFilter, type Filters, filtersOf, filtersQuery, queryOf, withValue } from "./filters.ts";
import { shownAs } from "./node-parts/named.ts";
import { prunedNetworks } from "./node-parts/prune-networks.ts";
import { listOf } from "./raw-json.ts";
import { isBelow } from "./versions.ts";

/** From this version on a prune of volumes leaves those that have a name. */
const anonymousOnly = "1.42";
/** Containers that are looked at at once; each node's agent bounds its own. */
const looksAtOnce = 64;

export async function pruneContainers(call: Call): Promise<DockerAnswer> {
  const filters = withValue(filtersOf(call.query), "label!", taskLabel);
  const pruned = await askRaw(call, { path: "/containers/prune", query: queryOf(filters), body: null });
  mustHaveSome(pruned);
  const removed = pruned.parts.flatMap(({ node, value }) => textsOf(value, "ContainersDeleted").map((id) => ({ node, id })));
  await inParallel(removed, looksAtOnce, ({ node, id }) => gone(call, node.metadata.name, id));
  return summed(pruned, { ContainersDeleted: removed.map(({ id }) => id) });
}

export async function pruneImages(call: Call): Promise<DockerAnswer> {
  const pruned = await askRaw(call, { path: "/images/prune", body: null });
  mustHaveSome(pruned);
  return summed(pruned, { ImagesDeleted: pruned.parts.flatMap(({ value }) => listOf(value, "ImagesDeleted")) });
}

export async function pruneNetworks(call: Call): Promise<DockerAnswer> {
  const { pruned, names } = await prunedNetworks(call);
  return summed(pruned, { NetworksDeleted: [...names] });
}

export async function pruneVolumes(call: Call): Promise<DockerAnswer> {
  const filters = filtersOf(call.query);
  const all = boolFilter(filters, "all") ?? isBelow(call.version, anonymousOnly);
  const pruned = await askNodes(
    call,
    "volume prune",
    (engine, _engineCall, node) => pruneVolumesOf(call, { engine, node }, { filters, all }),
    {
      timeoutMs: 0,
    },
  );
  mustHaveSome(pruned);
  return summed(pruned, { VolumesDeleted: namesOf(pruned, "VolumesDeleted") });
}

export async function pruneBuilds(call: Call): Promise<DockerAnswer> {
  const pruned = await askRaw(call, { path: "/build/prune", body: null });
  mustHaveSome(pruned);
  return summed(pruned, { CachesDeleted: namesOf(pruned, "CachesDeleted") });
}

/** An engine that does not know the difference would remove volumes with names, too: there they are removed one by one. */
async function pruneVolumesOf(
  call: Call,
  target: Parameters<typeof rawOf>[1],
  { filters, all }: { readonly filters: Filters; readonly all: boolean },
): Promise<Json> {
  const accepted = await call.front.versions.for(target.engine, call.version, call.signal);
  const plain = new Map([...filters].filter(([name]) => name !== "all"));
  if (!isBelow(accepted, anonymousOnly)) {
    const asked = all ? withValue(plain, "all", "true") : plain;
    return await rawOf(call, target, { path: "/volumes/prune", query: queryOf(asked), body: null });
  }
  if (all) return await rawOf(call, target, { path: "/volumes/prune", query: queryOf(plain), body: null });
  const dangling = await target.engine.volumes.list(filtersQuery(withValue(plain, "dangling", "true")), { signal: call.signal });
  const anonymous = dangling.map(({ Name }) => Name).filter((name) => /^[0-9a-f]{64}$/.test(name));
  for (const name of anonymous) await target.engine.volumes.remove(name, {}, { signal: call.signal });
  return { VolumesDeleted: anonymous, SpaceReclaimed: 0 };
}

async function gone(call: Call, nodeName: string, id: string): Promise<void> {
  await call.look(nodeName, id).catch((error: unknown) => {
    call.front.logger.log("warn", "a pruned container's object stays until the next round", { node: nodeName, error });
  });
}

function summed(pruned: Gathered<Json>, lists: JsonObject): DockerAnswer {
  const SpaceReclaimed = pruned.parts.reduce((sum, { value }) => sum + Number(objectOf(value)["SpaceReclaimed"] ?? 0), 0);
  return json({ ...lists, SpaceReclaimed }, { headers: gatheredHeaders(pruned) });
}

const namesOf = ({ parts }: { readonly parts: readonly Part<Json>[] }, field: string): string[] =>
  parts.flatMap(({ node, value }) => textsOf(value, field).map((name) => shownAs(node, name)));

const textsOf = (value: Json, field: string): string[] => listOf(value, field).filter((one) => typeof one === "string");
