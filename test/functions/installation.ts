/** An installation on ports in memory with a writer of its own and a workshop: what tests of publisher and healer stand on. */
import { openWorkshop, type Workshop } from "../../functions/aws/workshop.ts";
import type { Clock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { type Logger, silentLogger } from "../../shared/base/logger.ts";
import { clusterKind } from "../../shared/kinds/cluster.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { Clusters } from "../../shared/state/clusters.ts";
import type { Store } from "../../shared/state/store.ts";
import { type Fault, withFaults } from "./faulty-ports.ts";
import { MemoryBus } from "./memory-bus.ts";
import { type StreamRecord, withStream } from "./stream.ts";

/** Sleeps take no time; what is read moves on by them. */
class QuickClock implements Clock {
  ms = 1_700_000_000_000;
  now = (): number => this.ms;
  monotonic = (): number => this.ms;
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.ms += ms;
    // Others come in between.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export type Installation = Awaited<ReturnType<typeof install>>;

export async function install({
  logger = silentLogger,
  bus = new MemoryBus(),
}: {
  readonly logger?: Logger;
  readonly bus?: MemoryBus;
} = {}) {
  const clock = new QuickClock();
  const memory = openMemory({ appendMax: 1 });
  const records: StreamRecord[] = [];
  const ports = { ...memory, log: withStream(memory.log, (record) => void records.push(record)), bus };
  const common = { clock, ids: systemIds, logger };
  const clusters = await Clusters.open({ ...common, ...ports, registry: createRegistry(builtinKinds) });
  const open = (fault?: Fault): Promise<Workshop> =>
    openWorkshop({ ...common, ...(fault === undefined ? ports : withFaults(ports, fault)) });
  return { clock, memory, ports, bus, records, clusters, open };
}

/** Makes the cluster, with its life begun. */
export async function makeCluster({ clusters }: Pick<Installation, "clusters">, name: string): Promise<Store> {
  const made = { apiVersion: "windlass.dev/v1", kind: "Cluster", metadata: { name }, spec: clusterKind.spec.parse({}) } as const;
  await clusters.root.update((transaction) => transaction.of(clusterKind).create(made), { actor: "test" });
  const store = await clusters.resolve(name);
  if (store === undefined) throw new Error(`${name} was made just now`);
  return store;
}

/** `rounds` times: a node made, changed, and every second one deleted. */
export async function writeNodes(store: Store, rounds: number, filler = ""): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const name = `node-${round}`;
    const spec = nodeKind.spec.parse({ address: "tcp://10.0.0.1:2375" });
    const made = { apiVersion: "windlass.dev/v1", kind: "Node", metadata: { name, annotations: { filler } }, spec } as const;
    await store.update((transaction) => transaction.of(nodeKind).create(made), { actor: "test" });
    await store.update((transaction) => transaction.of(nodeKind).update({ ...made, metadata: { name, labels: { a: "b" } } }), {
      actor: "test",
    });
    if (round % 2 === 1) await store.update((transaction) => transaction.of(nodeKind).delete(name), { actor: "test" });
  }
}
