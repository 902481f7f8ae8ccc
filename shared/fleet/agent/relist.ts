/**
 * One look over a whole engine: which of its containers must be looked at one by one, because their objects do not show them as they are,
 * or because the engine shows them no more. What an engine says is bounded here: ids, how many, and each only once.
 */
import type { Container } from "../../kinds/container.ts";
import { byNode } from "../../state/selector.ts";
import { dropAttempt } from "../containers/attempt.ts";
import { attemptOf, isOthers } from "../containers/labels.ts";
import type { ContainerSummary } from "../engine/containers.ts";
import type { Site } from "./site.ts";
import { engineNameOf, needsLook } from "./summary.ts";

/** Ids of containers to be looked at. @throws what the engine or the store does. */
export async function relist(site: Site): Promise<readonly string[]> {
  const { store, clock } = site.shared;
  const uids = await site.shared.uids();
  const startedMs = clock.now();
  const rows = await site.call((engine, call) => engine.containers.list({ all: true }, call));
  const listed = listedOf(site, rows);
  // The view comes after the list: what the list shows was committed before it was made.
  const { value: objects } = await store.view(({ containers }) => containers.find(byNode(site.nodeName)));
  const known = new Map(objects.map((object) => [object.status?.containerId ?? object.spec.attempt?.id, object]));
  const foreign: string[] = [];
  const ids: string[] = [];
  for (const row of listed.values()) {
    const attempt = attemptOf({ labels: row.Labels, engineName: engineNameOf(row) }, uids);
    const object = known.get(row.Id) ?? known.get(attempt);
    // The object came with an import; the container stayed another life's.
    const isTaken = object !== undefined && object.spec.origin !== "foreign" && isOthers(row.Labels, uids);
    if (!isTaken && !needsLook(row, object, clock.now())) continue;
    if (object === undefined && attempt === undefined) foreign.push(row.Id);
    else ids.push(row.Id);
  }
  for (const { status } of objects)
    if (status?.containerId !== undefined && !listed.has(status.containerId)) ids.push(status.containerId);
  await dropLate(site, { objects, listed, startedMs });
  return [...ids, ...withinBound(site, foreign, objects.length)];
}

const idPattern = /^[0-9a-f]{64}$/;

function listedOf({ shared, nodeName }: Site, rows: readonly ContainerSummary[]): ReadonlyMap<string, ContainerSummary> {
  const listed = new Map(rows.filter(({ Id }) => idPattern.test(Id)).map((row) => [row.Id, row]));
  const odd = rows.length - listed.size;
  if (odd > 0) shared.logger.log("warn", "an engine lists containers twice or under ids that are none", { node: nodeName, odd });
  return listed;
}

function withinBound({ shared, nodeName }: Site, foreign: readonly string[], shown: number): readonly string[] {
  const { containersMax } = shared.policy;
  const room = Math.max(0, containersMax - shown);
  if (foreign.length > room)
    shared.logger.log("warn", "a node has more containers than are shown", {
      node: nodeName,
      containersMax,
      more: foreign.length - room,
    });
  return foreign.slice(0, room);
}

type Listing = {
  readonly objects: readonly Container[];
  readonly listed: ReadonlyMap<string, ContainerSummary>;
  /** When the engine was asked. */
  readonly startedMs: number;
};

/** Attempts of people whose deadline is over and of which the engine shows nothing have failed. A task's is tried again. */
async function dropLate({ shared }: Site, { objects, listed, startedMs }: Listing): Promise<void> {
  const names = new Set([...listed.values()].map(engineNameOf));
  const late = objects.flatMap(({ metadata, spec, status }) => {
    const { id, deadline } = spec.attempt ?? {};
    const isLate = spec.origin === "user" && status?.containerId === undefined && Date.parse(deadline ?? "") < startedMs;
    if (!isLate || id === undefined || names.has(id)) return [];
    return [{ place: { namespace: metadata.namespace ?? "default", name: metadata.name }, id }];
  });
  await Promise.all(late.map((attempt) => shared.commits.run((transaction) => dropAttempt(transaction, attempt))));
}
