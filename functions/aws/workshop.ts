/** What publisher and healer work with: both bring forward what derives from the logs, the one when woken, the other by the clock. */
import type { Clock } from "../../shared/base/clock.ts";
import type { Ids } from "../../shared/base/ids.ts";
import type { Logger } from "../../shared/base/logger.ts";
import type { Cluster } from "../../shared/kinds/cluster.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { BusSink } from "../../shared/routes/bus-sink.ts";
import type { EventBus } from "../../shared/routes/event-bus.ts";
import { Clusters } from "../../shared/state/clusters.ts";
import { LagNotes } from "../../shared/state/derive/lag-notes.ts";
import { Aftercare } from "../../shared/state/garbage/aftercare.ts";
import { Publisher, type Sink } from "../../shared/state/publisher.ts";
import { isCleared } from "./clearings.ts";
import type { Ports } from "./dynamo-ports.ts";

export type WorkshopOptions = Ports & {
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
};

export type Workshop = WorkshopOptions & { readonly clusters: Clusters; readonly notes: LagNotes };

/** Of an environment with 1 GB: stores of so many clusters, each with so much JSON in it. */
const openMax = 16;
const cachedBytesMax = 16 * 1024 * 1024;

export async function openWorkshop(options: WorkshopOptions): Promise<Workshop> {
  const registry = createRegistry(builtinKinds);
  const clear = (cluster: Cluster): Promise<boolean> => isCleared(cluster, options);
  const clusters = await Clusters.open({ ...options, registry, lazy: true, openMax, cachedBytesMax, clear });
  return { ...options, clusters, notes: new LagNotes(options.cells) };
}

/** The hands of one invocation, which stop at `signal`. */
export function handsOf(
  workshop: Workshop,
  signal: AbortSignal,
): { readonly publisher: Publisher; readonly aftercare: Aftercare } {
  const aftercare = new Aftercare({ ...workshop, signal });
  const { clusters } = workshop;
  const bus = new BusSink({ ...workshop, sourceOf: async (uid) => ({ uid, name: await clusters.nameOf(uid) }) });
  return { publisher: new Publisher({ ...workshop, sink: inTurn(aftercare, bus) }), aftercare };
}

/** Garbage first: a bus that is out must not keep it from being collected. */
const inTurn = (...sinks: readonly Sink[]): Sink => ({
  async publish(uid, entries) {
    for (const sink of sinks) await sink.publish(uid, entries);
  },
});
