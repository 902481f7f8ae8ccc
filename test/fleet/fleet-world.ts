/** A Fleet on a store in memory and simulated engines: `node-a`, `node-b`, … at tcp://node-a:2375, with a registry that they share. */

import { systemClock, timestamp } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { Agents, type AgentsOptions } from "../../shared/fleet/agent/agents.ts";
import { Attempts } from "../../shared/fleet/containers/attempts.ts";
import type { ContainerCreate } from "../../shared/fleet/engine/containers.ts";
import type { Scratch } from "../../shared/fleet/fleet/dry-run.ts";
import { Fleet, type FleetOptions } from "../../shared/fleet/fleet.ts";
import { NodeEngines } from "../../shared/fleet/nodes/engines.ts";
import { NodeHealer } from "../../shared/fleet/nodes/healer.ts";
import type { Secret } from "../../shared/fleet/secrets/resolver.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import { SimulatedRegistry } from "../../shared/fleet/simulated/registry.ts";
import { type Node, nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import type { Cells } from "../../shared/log/ports.ts";
import type { Store } from "../../shared/state/store.ts";
import type { Transaction } from "../../shared/state/transaction.ts";
import { openStore, watchedPorts } from "../state/watched-ports.ts";
import { mapSecrets } from "./map-secrets.ts";

export type FleetWorld = {
  readonly fleet: Fleet;
  readonly store: Store;
  readonly cells: Cells;
  readonly engines: readonly SimulatedEngine[];
  readonly nodeEngines: NodeEngines;
  readonly healer: NodeHealer;
  readonly registry: SimulatedRegistry;
  readonly secrets: Map<string, Secret>;
  /** Stores for dry runs that are open. */
  readonly scratches: { open: number };
  /** What fleets, attempts and agents of this world are made of. */
  readonly common: Common;
  agents(): Agents;
};
export type Common = Omit<AgentsOptions, "engines"> & { readonly engines: NodeEngines };

/** node-a to node-z, then node-26, … */
export const nodeName = (place: number): string => `node-${place < 26 ? String.fromCharCode(97 + place) : place}`;
/** Runs until it is asked to end. */
const idle = ["sh", "-c", "trap 'exit 0' TERM; sleep 3600"];
export const bodyOf = (more: Partial<ContainerCreate> = {}): ContainerCreate =>
  ({ Image: "busybox", Cmd: idle, ...more }) as ContainerCreate;

export async function openFleet(count: number, options: Partial<FleetOptions> = {}): Promise<FleetWorld> {
  const ports = await watchedPorts();
  const clock = systemClock;
  const store = openStore(ports, clock);
  const registry = new SimulatedRegistry("registry.test:5000");
  const engines = Array.from({ length: count }, (_, place) => {
    const address = `tcp://${nodeName(place)}:2375`;
    return new SimulatedEngine({ address, clock, random: systemIds.random, registries: [registry], timeoutMs: 500 });
  });
  const secrets = new Map<string, Secret>();
  const resolver = mapSecrets(secrets);
  const byAddress = new Map(engines.map((engine, place) => [`tcp://${nodeName(place)}:2375`, engine]));
  const open = async ({ address }: { readonly address: string }) => {
    const engine = byAddress.get(address);
    if (engine === undefined) throw new Error(`nothing is at ${address}`);
    return engine.open();
  };
  const nodeEngines = new NodeEngines({ open, secrets: resolver, clock });
  const { cells } = ports;
  const common = { store, cells, engines: nodeEngines, secrets: resolver, clock, ids: systemIds, logger: silentLogger };
  const healer = new NodeHealer(common);
  const scratches = { open: 0 };
  const fleet = new Fleet({
    ...common,
    healer,
    attempts: new Attempts(common),
    openScratch: (life) => openScratch(scratches, life),
    ...options,
  });
  for (const place of engines.keys()) await addNode(store, nodeName(place));
  const agents = (): Agents => new Agents({ ...common, reports: healer });
  return { fleet, store, cells, engines, nodeEngines, healer, registry, secrets, scratches, common, agents };
}

async function addNode(store: Store, name: string, spec: object = {}): Promise<void> {
  const status: NonNullable<Node["status"]> = {
    state: "ready",
    since: timestamp(systemClock.now()),
    engine: { resources: { cpus: 4, memory: 8 * 2 ** 30 } },
  };
  const parsed = nodeKind.spec.parse({ address: `tcp://${name}:2375`, ...spec });
  await change(store, ({ nodes }) => nodes.create({ apiVersion, kind: "Node", metadata: { name }, spec: parsed, status }));
}

/** As its healer would write it, who is not asked. */
export const setNodeState = ({ store }: FleetWorld, name: string, state: NonNullable<Node["status"]>["state"]) =>
  change(store, ({ nodes }) => {
    const node = nodes.get(name);
    if (node !== undefined) nodes.update({ ...node, status: { ...node.status, state } });
  });

export const change = (store: Store, call: (transaction: Transaction) => unknown): Promise<unknown> =>
  store.update(call, { actor: "test" });

/** Where the world's engines have containers, by their number. */
export const containersOf = ({ engines }: Pick<FleetWorld, "engines">): readonly number[] =>
  engines.map(({ world }) => world.containers.size);

async function openScratch(scratches: { open: number }, life: string): Promise<Scratch> {
  const ports = await watchedPorts();
  const store = openStore(ports, systemClock, { uid: life });
  scratches.open += 1;
  const close = async () => {
    scratches.open -= 1;
    store.close();
  };
  return { store, cells: ports.cells, close };
}
