/**
 * Networks on a node: one of a Network object's name and driver for as long as tasks of the node need it, labelled with the cluster's uid.
 * A network of that name that is not this cluster's is never used nor removed. One whose Network object was changed since is made anew
 * when nothing of the node needs it; until then people are told.
 */

import { digestOf } from "../../base/digest.ts";
import { errorText } from "../../base/error-text.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Network } from "../../kinds/network.ts";
import type { Task } from "../../kinds/task.ts";
import { byNode } from "../../state/selector.ts";
import type { Transaction } from "../../state/transaction.ts";
import { clusterUidLabel } from "../containers/labels.ts";
import type { EngineNetwork } from "../engine/networks.ts";
import { EngineError, NoSuchNetworkError } from "../engine-errors.ts";
import { isAssigned, isOver } from "../reconcile/world.ts";
import { TaskRefusedError } from "./refusal.ts";
import type { Site } from "./site.ts";

/** Each is there. @throws TaskRefusedError */
export async function ensureNetworks(site: Site, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const { value: networks } = await site.shared.store.view((transaction) => names.map((name) => transaction.networks.get(name)));
  for (const [index, name] of names.entries()) await inTurn(site, () => ensure(site, name, networks[index]));
}

/** One after the other on a node: engines make two networks of one name for two who ask at once, and then use neither. */
const turns = new WeakMap<Site, Promise<void>>();

function inTurn(site: Site, act: () => Promise<void>): Promise<void> {
  const before = turns.get(site) ?? Promise.resolve();
  const making = before.then(act);
  turns.set(
    site,
    making.catch(() => undefined),
  );
  return making;
}

/** As removeUnneeded, where it may fail: a network that stays does no harm. @throws what its signal was aborted with. */
export async function tidyNetworks(site: Site): Promise<void> {
  try {
    await removeUnneeded(site);
  } catch (error) {
    site.signal.throwIfAborted();
    const { logger } = site.shared;
    logger.log("warn", "agent: networks that are not needed could not be removed", { node: site.nodeName, error });
  }
}

/** Removes those of the cluster that no task of the node needs any more, and tells of those that are no longer as they should be. */
async function removeUnneeded(site: Site): Promise<void> {
  const { store } = site.shared;
  const uids = await site.shared.uids();
  const there = await site.call((engine, call) => engine.networks.list({ label: [clusterUidLabel] }, call));
  const own = there.filter((network) => isOwn(network, uids));
  if (own.length === 0) return;
  const { value: needed } = await store.view((transaction) => {
    const names = new Set(tasksOf(transaction, site).flatMap(networksOf));
    return new Map([...names].map((name) => [name, transaction.networks.get(name)]));
  });
  for (const one of own) {
    if (!needed.has(one.Name)) await remove(site, one.Id);
    else if (isOutdated(one, needed.get(one.Name)) && (await isInUse(site, one.Name)))
      tellOutdated(site, one, needed.get(one.Name));
  }
}

const tasksOf = ({ tasks }: Transaction, { nodeName }: Site): readonly Task[] =>
  tasks.find(byNode(nodeName)).filter((task) => isAssigned(task) && !isOver(task));
const networksOf = ({ spec }: Task): readonly string[] => spec.template.spec.networks ?? [];

const isOwn = ({ Labels }: EngineNetwork, uids: ReadonlySet<string>): boolean => uids.has(Labels?.[clusterUidLabel] ?? "");

async function ensure(site: Site, name: string, network: Network | undefined): Promise<void> {
  if (network === undefined) throw new TaskRefusedError(`there is no network ${name}`);
  const there = await find(site, name);
  if (there === undefined) return await create(site, network);
  if (!isOwn(there, await site.shared.uids()))
    throw new TaskRefusedError(`node ${site.nodeName} has a network ${name} that is not this cluster's`);
  if (!isOutdated(there, network)) return;
  if (!(await isInUse(site, name)) && (await remove(site, there.Id))) await create(site, network);
  else tellOutdated(site, there, network);
}

/** Of the spec that it was made of; absent: nobody knows. */
const specLabel = "windlass.dev/network-spec";

function isOutdated({ Labels }: EngineNetwork, network: Network | undefined): boolean {
  const made = Labels?.[specLabel];
  return network !== undefined && made !== undefined && made !== digestOf(network.spec);
}

/** Whether some task of the node has a container that is, or is to be, attached to it: without it that one could not be started again. */
async function isInUse(site: Site, name: string): Promise<boolean> {
  const { value } = await site.shared.store.view((transaction) =>
    tasksOf(transaction, site).some(
      (task) => networksOf(task).includes(name) && transaction.containers.get(task.metadata.name, task.metadata.namespace),
    ),
  );
  return value;
}

/** Once for each change, as long as the agent lives. */
const told = new WeakMap<Site, Map<string, string>>();

function tellOutdated(site: Site, { Id, Name }: EngineNetwork, network: Network | undefined): void {
  const known = told.get(site) ?? new Map<string, string>();
  told.set(site, known);
  if (network === undefined || known.get(Name) === `${Id} ${digestOf(network.spec)}`) return;
  known.set(Name, `${Id} ${digestOf(network.spec)}`);
  const message = `Node ${site.nodeName} keeps it as it was until no task of the node needs it`;
  site.tell(network, { type: "Warning", reason: "Outdated", message });
}

async function create(site: Site, network: Network): Promise<void> {
  const { name } = network.metadata;
  try {
    await site.call((engine, call) => engine.networks.create({ Name: name, ...bodyOf(network, site.shared.store.uid) }, call));
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    // Another task of the node needed it at the same time.
    if (error.status === 409 && (await find(site, name)) !== undefined) return;
    throw new TaskRefusedError(`network ${name} could not be made on node ${site.nodeName}: ${errorText(error)}`, {
      cause: error,
    });
  }
}

async function find(site: Site, name: string): Promise<EngineNetwork | undefined> {
  try {
    return await site.call((engine, call) => engine.networks.inspect(name, call));
  } catch (error) {
    if (error instanceof NoSuchNetworkError) return undefined;
    throw error;
  }
}

function bodyOf({ spec }: Network, clusterUid: string): JsonObject {
  const pools = spec.ipam?.pools.map(({ subnet, ipRange, gateway }) => ({
    Subnet: subnet,
    ...(ipRange !== undefined && { IPRange: ipRange }),
    ...(gateway !== undefined && { Gateway: gateway }),
  }));
  return {
    CheckDuplicate: true,
    Driver: spec.driver,
    Internal: spec.internal,
    EnableIPv6: spec.ipv6,
    Options: { ...spec.options },
    Labels: { ...spec.labels, [clusterUidLabel]: clusterUid, [specLabel]: digestOf(spec) },
    ...(pools && { IPAM: { Config: pools } }),
  };
}

/** One that somebody uses is left. @returns whether it is gone */
async function remove(site: Site, id: string): Promise<boolean> {
  try {
    await site.call((engine, call) => engine.networks.remove(id, call));
    return true;
  } catch (error) {
    if (!(error instanceof EngineError) || error.status >= 500) throw error;
    return error instanceof NoSuchNetworkError;
  }
}
