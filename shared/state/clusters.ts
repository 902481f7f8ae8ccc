/**
 * The clusters of one installation, by name. Each is a log of its own, named by its uid; which clusters there are is the state of
 * the root, a log like theirs whose uid stands in a cell. A name is resolved anew when its log turns out to be sealed.
 */
import { retentionMs } from "../base/limits.ts";
import { type Cluster, clusterKind } from "../kinds/cluster.ts";
import { apiVersion } from "../kinds/object.ts";
import { parseDuration } from "../kinds/quantity.ts";
import type { Cells, Log, Objects } from "../log/ports.ts";
import { AlreadyExistsError, SealedError, UnavailableError } from "./errors.ts";
import { Store, type StoreOptions, type UpdateOptions } from "./store.ts";

export type ClustersOptions = Omit<StoreOptions, "uid" | "scope" | "log" | "objects"> & {
  readonly log: Log;
  readonly objects: Objects;
  readonly cells: Cells;
};

export const defaultCluster = "default";
/** Where cells of the installation itself stand: the root's current life and the tokens. */
export const installationUid = "installation";
const rootCell = "root";
/** The seal of the last cluster of a name. */
const sealCell = (name: string): string => `seal/${name}`;
const actor = "system:windlass";

export class Clusters {
  readonly root: Store;
  readonly #options: ClustersOptions;
  /** By uid. */
  readonly #stores = new Map<string, Store>();
  /** What names meant when they were last resolved: good until the store turns out to be sealed. */
  readonly #names = new Map<string, Store>();

  /** `open` makes the installation first. */
  private constructor(options: ClustersOptions, root: Store) {
    this.#options = options;
    this.root = root;
  }

  /** Opens the installation; on its first start begins the root and makes the default cluster. Safe to repeat and to race. */
  static async open(options: ClustersOptions): Promise<Clusters> {
    const uid = await rootUid(options);
    await options.objects.begin(uid, options.clock.now());
    const clusters = new Clusters(options, new Store({ ...options, uid, scope: "root" }));
    await clusters.#ensureDefault();
    return clusters;
  }

  /**
   * The store of the cluster of this name; undefined: there is none. A store that was resolved before is given without asking again:
   * if its cluster is gone, its calls throw SealedError; then `forget` the name, or use `withCluster`, which does.
   */
  async resolve(name: string): Promise<Store | undefined> {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const { value: cluster } = await this.root.view((transaction) => transaction.clusters.get(name));
    if (cluster === undefined) return undefined;
    const store = await this.#store(name, cluster.metadata.uid);
    if (cluster.status?.state !== "ready") await this.#becomeReady(cluster);
    this.#names.set(name, store);
    return store;
  }

  /**
   * Ends the cluster of this name: seals its log, then takes the name away. A cluster that gets the name later begins above the seal, so
   * that no revision of this one means anything there. Safe to repeat. false: there is none.
   */
  async remove(name: string, options: UpdateOptions): Promise<boolean> {
    const { value: cluster } = await this.root.view((transaction) => transaction.clusters.get(name));
    if (cluster === undefined) return false;
    const { uid } = cluster.metadata;
    const store = await this.#store(name, uid);
    const revision = await store.seal(options).catch((error: unknown) => {
      if (error instanceof SealedError) return store.revision;
      throw error;
    });
    await this.#keepSeal(name, revision);
    await this.root.update((transaction) => {
      if (transaction.clusters.get(name)?.metadata.uid === uid) transaction.of(clusterKind).delete(name, { uid });
    }, options);
    this.forget(name);
    return true;
  }

  /** The name's cluster was deleted: it is resolved anew the next time. */
  forget(name: string): void {
    const store = this.#names.get(name);
    if (store === undefined) return;
    this.#names.delete(name);
    this.#stores.delete(store.uid);
    store.close();
  }

  /** How long entries are kept before they are stripped, in milliseconds, by life: the root's own and every cluster's. */
  async retentions(): Promise<ReadonlyMap<string, number>> {
    const { value: clusters } = await this.root.view((transaction) => transaction.clusters.find());
    const named = clusters.map(({ metadata, spec }): [string, number] => [metadata.uid, retentionOf(spec)]);
    return new Map([[this.root.uid, retentionMs], ...named]);
  }

  /** Stores that are open now, the root's first. */
  open(): readonly Store[] {
    return [this.root, ...this.#stores.values()];
  }

  close(): void {
    for (const store of this.open()) store.close();
  }

  /** Remembers the highest seal of a name. */
  async #keepSeal(name: string, revision: number): Promise<void> {
    const { cells } = this.#options;
    const key = sealCell(name);
    for (let cell = await cells.get(installationUid, key); Number(cell?.value["revision"] ?? 0) < revision; ) {
      const when = cell === undefined ? "absent" : { version: cell.version };
      const put = await cells.put(installationUid, { key, value: { revision }, when });
      if (put.kind === "put") return;
      cell = put.cell;
    }
  }

  async #ensureDefault(): Promise<void> {
    const spec = clusterKind.spec.parse({});
    try {
      await this.root.update(
        (transaction) =>
          transaction.of(clusterKind).create({ apiVersion, kind: clusterKind.kind, metadata: { name: defaultCluster }, spec }),
        { actor },
      );
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
    }
    await this.resolve(defaultCluster);
  }

  /** Its log has begun, so it can be worked with. Of a cluster that was replaced meanwhile nothing is said. */
  async #becomeReady({ metadata: { name, uid } }: Cluster): Promise<void> {
    await this.root.update(
      (transaction) => {
        const table = transaction.of(clusterKind);
        const cluster = table.get(name);
        if (cluster?.metadata.uid !== uid || cluster.status?.state === "ready") return;
        const status = { ...cluster.status, state: "ready" as const, observedGeneration: cluster.metadata.generation };
        table.update({ ...cluster, status });
      },
      { actor },
    );
  }

  async #store(name: string, uid: string): Promise<Store> {
    const known = this.#stores.get(uid);
    if (known !== undefined) return known;
    // Whoever comes first begins the life; a crash between the Cluster's commit and this leaves nothing half-done.
    const { objects, cells, clock } = this.#options;
    const former = await cells.get(installationUid, sealCell(name));
    await objects.begin(uid, Math.max(clock.now(), Number(former?.value["revision"] ?? 0) + 1));
    const raced = this.#stores.get(uid);
    if (raced !== undefined) return raced;
    const store = new Store({ ...this.#options, uid, scope: "cluster" });
    this.#stores.set(uid, store);
    return store;
  }
}

/** "never" keeps everything. */
function retentionOf({ retention }: Cluster["spec"]): number {
  return retention === "never" ? Number.POSITIVE_INFINITY : (parseDuration(retention) ?? retentionMs);
}

/** The root's current life, chosen once by whoever comes first. */
async function rootUid({ cells, ids }: ClustersOptions): Promise<string> {
  const there = await cells.get(installationUid, rootCell);
  const cell = there ?? (await cells.put(installationUid, { key: rootCell, value: { uid: ids.uuid() }, when: "absent" })).cell;
  const uid = cell?.value["uid"];
  if (typeof uid !== "string") throw new UnavailableError(`the cell ${installationUid}/${rootCell} does not name the root's log`);
  return uid;
}

/** Runs `call` on the named cluster's store, once more when its log was sealed meanwhile and the name may mean another one. */
export async function withCluster<T>(
  clusters: Clusters,
  name: string,
  call: (store: Store) => Promise<T>,
): Promise<T | undefined> {
  for (let attempt = 0; ; attempt += 1) {
    const store = await clusters.resolve(name);
    if (store === undefined) return undefined;
    try {
      return await call(store);
    } catch (error) {
      if (!(error instanceof SealedError) || attempt > 0) throw error;
      clusters.forget(name);
    }
  }
}
