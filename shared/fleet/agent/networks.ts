/**
 * Networks on a node: one of a Network object's name and driver for as long as tasks of the node need it, labelled with the cluster's uid.
 * A network of that name that is not this cluster's is never used nor removed.
 */
import type { JsonObject } from "../../base/json.ts";
import type { Network } from "../../kinds/network.ts";
import { byNode } from "../../state/selector.ts";
import { clusterUidLabel } from "../containers/labels.ts";
import type { EngineNetwork } from "../engine/networks.ts";
import { EngineError, NoSuchNetworkError } from "../engine-errors.ts";
import { isAssigned, isOver } from "../reconcile/world.ts";
import { TaskRefusedError, textOf } from "./refusal.ts";
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

/** Removes those of the cluster that no task of the node needs any more. */
export async function removeUnneeded(site: Site): Promise<void> {
  const { store } = site.shared;
  const uids = await site.shared.uids();
  const there = await site.call((engine, call) => engine.networks.list({ label: [clusterUidLabel] }, call));
  const own = there.filter((network) => isOwn(network, uids));
  if (own.length === 0) return;
  const { value: needed } = await store.view(({ tasks }) =>
    tasks
      .find(byNode(site.nodeName))
      .filter((task) => isAssigned(task) && !isOver(task))
      .flatMap(({ spec }) => spec.template.spec.networks ?? []),
  );
  for (const { Id, Name } of own) if (!needed.includes(Name)) await remove(site, Id);
}

const isOwn = ({ Labels }: EngineNetwork, uids: ReadonlySet<string>): boolean => uids.has(Labels?.[clusterUidLabel] ?? "");

async function ensure(site: Site, name: string, network: Network | undefined): Promise<void> {
  if (network === undefined) throw new TaskRefusedError(`there is no network ${name}`);
  const there = await find(site, name);
  if (there === undefined) return await create(site, network);
  if (isOwn(there, await site.shared.uids())) return;
  throw new TaskRefusedError(`node ${site.nodeName} has a network ${name} that is not this cluster's`);
}

async function create(site: Site, network: Network): Promise<void> {
  const { name } = network.metadata;
  try {
    await site.call((engine, call) => engine.networks.create({ Name: name, ...bodyOf(network, site.shared.store.uid) }, call));
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    // Another task of the node needed it at the same time.
    if (error.status === 409 && (await find(site, name)) !== undefined) return;
    throw new TaskRefusedError(`network ${name} could not be made on node ${site.nodeName}: ${textOf(error)}`, { cause: error });
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
    Labels: { ...spec.labels, [clusterUidLabel]: clusterUid },
    ...(pools && { IPAM: { Config: pools } }),
  };
}

/** One that somebody uses, or that another agent has removed, is left. */
async function remove(site: Site, id: string): Promise<void> {
  try {
    await site.call((engine, call) => engine.networks.remove(id, call));
  } catch (error) {
    if (!(error instanceof EngineError) || error.status >= 500) throw error;
  }
}
