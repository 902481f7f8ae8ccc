/**
 * Gauges that are looked up when /metrics is asked: watchers, queues, how far what derives from a log lies behind it, and sizes. Logs
 * are named by their cluster's uid ("root": the root's), as many as seriesMax; what is left out is counted.
 */
import { Gauge, type Registry } from "prom-client";
import { rootScope } from "../access/access.ts";
import type { Markers, Objects } from "../log/ports.ts";
import type { Clusters } from "../state/clusters.ts";
import type { Store } from "../state/store.ts";
import type { OpenWatches } from "./open-watches.ts";

export type GaugeSources = {
  readonly clusters: Pick<Clusters, "root" | "open">;
  readonly objects: Pick<Objects, "markers">;
  readonly watches: Pick<OpenWatches, "size">;
  /** Bytes by what holds them (a file, a table); of the host's storage. */
  readonly storage?: (() => Promise<ReadonlyMap<string, number>>) | undefined;
};

/** Logs with series of their own, the root's first: each costs four series and one read a scrape. */
const seriesMax = 200;

export function registerGauges(registry: Registry, { clusters, objects, watches, storage }: GaugeSources): void {
  const registers = [registry];
  const total = (name: string, help: string, read: () => number): void => {
    const gauge: Gauge = new Gauge({ name: `windlass_${name}`, help, registers, collect: () => gauge.set(read()) });
  };
  const sum = (of: (store: Store) => number): number => clusters.open().reduce((found, store) => found + of(store), 0);
  total("clusters_open", "Logs that this process has open, the root's included.", () => clusters.open().length);
  total("watch_streams", "Watches that clients hold open.", () => watches.size);
  total("watchers", "Watchers that are fed as entries come.", () => sum(({ load }) => load.watchers));
  total("watch_events_waiting", "Events that wait for their watchers.", () => sum(({ load }) => load.events));
  total("transactions_waiting", "Transactions that wait for their commit.", () => sum(({ load }) => load.transactions));
  registerLogGauges(registry, { clusters, objects });
  if (storage !== undefined) registerStorage(registry, storage);
}

function registerLogGauges(registry: Registry, { clusters, objects }: Pick<GaugeSources, "clusters" | "objects">): void {
  const gaugeOf = (name: string, help: string): Gauge<"cluster"> =>
    new Gauge({ name: `windlass_log_${name}`, help, labelNames: ["cluster"], registers: [registry] });
  const applyLag = gaugeOf("apply_lag_entries", "Entries that are not in the rows yet.");
  const publishLag = gaugeOf("publish_lag_entries", "Entries whose events were not handed over yet.");
  const kept = gaugeOf("entries", "Entries that the log still holds.");
  const revision: Gauge<"cluster"> = new Gauge({
    name: "windlass_log_revision",
    help: "The last revision that this process knows.",
    labelNames: ["cluster"],
    registers: [registry],
    collect: async () => {
      for (const gauge of [revision, applyLag, publishLag, kept]) gauge.reset();
      for (const store of clusters.open().slice(0, seriesMax)) {
        const markers = await objects.markers(store.uid);
        const cluster = store === clusters.root ? rootScope : store.uid;
        if (markers !== undefined) tell(cluster, Math.max(store.revision, markers.applied), markers);
      }
    },
  });
  const tell = (cluster: string, head: number, { applied, published, stripped }: Markers): void => {
    revision.set({ cluster }, head);
    applyLag.set({ cluster }, head - applied);
    publishLag.set({ cluster }, Math.max(0, head - published));
    kept.set({ cluster }, head - stripped);
  };
}

function registerStorage(registry: Registry, storage: () => Promise<ReadonlyMap<string, number>>): void {
  const bytes: Gauge<"part"> = new Gauge({
    name: "windlass_storage_bytes",
    help: "Bytes that the state takes where it is kept.",
    labelNames: ["part"],
    registers: [registry],
    collect: async () => {
      bytes.reset();
      for (const [part, size] of await storage()) bytes.set({ part }, size);
    },
  });
}
