/**
 * The clusters of one installation, by name. Each is a log of its own, named by its uid; which clusters there are is the state of
 * the root, a log like theirs whose uid stands in a cell. A name is resolved anew when its log turns out to be sealed.
 * How clusters begin and end stands in cluster-change.ts.
 */
import { retentionMs } from "../base/limits.ts";
import { type Cluster, type ClusterQuotas, clusterKind } from "../kinds/cluster.ts";
import { apiVersion } from "../kinds/object.ts";
import { parseDuration } from "../kinds/quantity.ts";
import type { Cells, Log, Objects } from "../log/ports.ts";
import { ClusterChange } from "./cluster-change.ts";
import { ClusterLives, installationUid } from "./cluster-lives.ts";
import { AlreadyExistsError, GoneError, SealedError, UnavailableError } from "./errors.ts";
import { Meter } from "./quota/meter.ts";
import { Store, type StoreOptions, type UpdateOptions } from "./store.ts";

export type ClustersOptions = Omit<StoreOptions, "uid" | "scope" | "log" | "objects"> & {
  readonly log: Log;
  readonly objects: Objects;
  readonly cells: Cells;
  /** Clusters whose stores are kept open at most; the one used longest ago is closed. Absent: all. */
  readonly openMax?: number;
  /** Whether opening reads no more than it must, and the default cluster's store is opened when it is asked for. */
  readonly lazy?: boolean;
  /**
   * Removes what a deleted cluster left outside of the state, after its seal and before anything of it is removed; true when nothing is
   * left. Safe to repeat, to race, and to stop anywhere. Absent: there is nothing.
   */
  readonly clear?: (cluster: Cluster) => Promise<boolean>;
};

/** done: nothing is left to do. more: another call gets further. waiting: what is outside is not cleared yet; `clearRetryMs` later it may be. */
export type ChangeProgress = "done" | "more" | "waiting";

/** Between two looks at what a deleted cluster left outside: a node that is busy has done by then what it was asked for. */
export const clearRetryMs = 5_000;

export const defaultCluster = "default";
export { installationUid };

const rootCell = "root";
const actor = "system:windlass";
/** Steps of a removal that one call to `remove` takes before it asks the Cluster again whether it is still wanted. */
const stepsAtOnce = 100;

export class Clusters {
  readonly root: Store;
  readonly #options: ClustersOptions;
  /** By uid. */
  readonly #stores = new Map<string, Store>();
  /** What names meant when they were last resolved: good until the store turns out to be sealed. */
  readonly #names = new Map<string, Store>();
  /** Names by uid, which never change; those of clusters that are gone stay until the next list. */
  #namesByUid: ReadonlyMap<string, string> = new Map();
  readonly #lives: ClusterLives;
  readonly #change: ClusterChange;
  /** Uids of deleted clusters that left nothing outside any more, until they are gone. */
  readonly #cleared = new Set<string>();
  readonly #listeners = new Set<(store: Store) => void>();

  /** `open` makes the installation first. */
  private constructor(options: ClustersOptions, root: Store) {
    this.#options = options;
    this.#lives = new ClusterLives(options);
    this.root = root;
    const open = (name: string, uid: string): Promise<Store | undefined> => this.#store(name, uid);
    this.#change = new ClusterChange({ root, lives: this.#lives, open });
  }

  /** Opens the installation; on its first start begins the root and makes the default cluster. Safe to repeat and to race. */
  static async open(options: ClustersOptions): Promise<Clusters> {
    const uid = await rootUid(options);
    const clusters = new Clusters(options, new Store({ ...options, uid, scope: "root" }));
    if (options.lazy === true && (await clusters.#isInstalled())) return clusters;
    await options.objects.begin(uid, options.clock.now());
    await clusters.#ensureDefault();
    return clusters;
  }

  /**
   * The store of the cluster of this name; undefined: there is none. A store that was resolved before is given without asking again:
   * if its cluster is gone, its calls throw SealedError; then `forget` the name, or use `withCluster`, which does.
   */
  async resolve(name: string): Promise<Store | undefined> {
    const known = this.#names.get(name);
    if (known !== undefined) return this.#keep(name, known);
    const { value: cluster } = await this.root.view((transaction) => transaction.clusters.get(name));
    if (cluster === undefined || cluster.metadata.deletionTimestamp !== undefined) return undefined;
    const isReady = cluster.status?.state === "ready";
    const store = await this.#store(name, cluster.metadata.uid, { hasBegun: isReady });
    if (store === undefined) return undefined;
    if (!isReady) await this.#change.becomeReady(cluster);
    return this.#keep(name, store);
  }

  /** The store of the life `uid`, the root's or a cluster's. undefined: no cluster has it, or it is going. */
  async storeOf(uid: string): Promise<Store | undefined> {
    if (uid === this.root.uid) return this.root;
    const name = await this.nameOf(uid);
    if (name === undefined) return undefined;
    const store = await this.resolve(name);
    if (store?.uid === uid) return store;
    // The name meant another cluster when it was resolved.
    this.forget(name);
    const now = await this.resolve(name);
    return now?.uid === uid ? now : undefined;
  }

  /** The name of the cluster with this uid. undefined: there is none, or it is the root's. */
  async nameOf(uid: string): Promise<string | undefined> {
    if (!this.#namesByUid.has(uid) && uid !== this.root.uid) {
      this.#namesByUid = new Map((await this.list()).map(({ metadata }) => [metadata.uid, metadata.name]));
    }
    return this.#namesByUid.get(uid);
  }

  /**
   * Ends the cluster of this name and removes all of it. A cluster that gets the name later begins above the seal, so that no
   * revision of this one means anything there. Safe to repeat. false: there is none.
   */
  async remove(name: string, options: UpdateOptions): Promise<boolean> {
    const cluster = await this.#change.mark(name, options);
    if (cluster === undefined) return false;
    for (;;) {
      const progress = await this.carryOn(cluster, stepsAtOnce);
      if (progress === "done") return true;
      if (progress === "waiting") await this.#options.clock.sleep(clearRetryMs);
    }
  }

  /** Every Cluster as it stands in the root. */
  async list(): Promise<readonly Cluster[]> {
    return (await this.root.view((transaction) => transaction.clusters.find())).value;
  }

  /**
   * Brings a cluster on its way: one that is new becomes ready; of one that was marked as deleted, `steps` steps of its removal at
   * most. Safe to repeat, to race, and to stop anywhere.
   */
  async carryOn(cluster: Cluster, steps: number): Promise<ChangeProgress> {
    if (cluster.metadata.deletionTimestamp === undefined) {
      if (cluster.status?.state !== "ready") await this.resolve(cluster.metadata.name);
      return "done";
    }
    const revision = await this.end(cluster);
    // Nothing is made any more from here on: each attempt is a commit.
    if (!(await this.#isClear(cluster))) return "waiting";
    if (!(await this.#change.remove(cluster, revision, steps))) return "more";
    this.#cleared.delete(cluster.metadata.uid);
    return "done";
  }

  /** Seals the log of a cluster that was marked as deleted: from then on nobody reads or writes it. The seal's revision. */
  async end(cluster: Cluster): Promise<number> {
    const { name, uid } = cluster.metadata;
    const revision = await this.#change.seal(cluster);
    this.forget(name, uid);
    this.#close(uid);
    return revision;
  }

  /** Calls `listener` for every store that is open now or opened later, the root's too. Gives the way to stop that. */
  onOpen(listener: (store: Store) => void): () => void {
    this.#listeners.add(listener);
    for (const store of this.open()) listener(store);
    return () => void this.#listeners.delete(listener);
  }

  /** Whether what `error` says of `store` comes from its cluster's end; then its name is to be resolved anew. */
  async isOver(store: Store, error: unknown): Promise<boolean> {
    if (error instanceof SealedError) return true;
    // Another process removed all of it, the markers too.
    return error instanceof GoneError && !(await this.#lives.isThere(store.uid));
  }

  /** The name's cluster was deleted: it is resolved anew the next time. `uid`: unless the name means another than this by now. */
  forget(name: string, uid?: string): void {
    const store = this.#names.get(name);
    if (store === undefined || (uid !== undefined && store.uid !== uid)) return;
    this.#names.delete(name);
    this.#close(store.uid);
  }

  /** How long entries are kept before they are stripped, in milliseconds, by life: the root's own and every cluster's. */
  async retentions(): Promise<ReadonlyMap<string, number>> {
    const named = (await this.list()).map(({ metadata, spec }): [string, number] => [metadata.uid, retentionOf(spec)]);
    return new Map([[this.root.uid, retentionMs], ...named]);
  }

  /** Stores that are open now, the root's first. */
  open(): readonly Store[] {
    return [this.root, ...this.#stores.values()];
  }

  close(): void {
    for (const store of this.open()) store.close();
  }

  /** Whether a first start has come to its end: the default cluster is the last that it makes. */
  async #isInstalled(): Promise<boolean> {
    try {
      const { value } = await this.root.view((transaction) => transaction.clusters.get(defaultCluster));
      return value?.status?.state === "ready";
    } catch (error) {
      // The root has not begun.
      if (error instanceof GoneError) return false;
      throw error;
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

  /** Remembers what the name means, as the one used last. */
  #keep(name: string, store: Store): Store {
    const { openMax } = this.#options;
    // Their order tells only which one to close.
    if (openMax !== undefined) this.#names.delete(name);
    this.#names.set(name, store);
    const [oldest] = openMax !== undefined && this.#names.size > openMax ? this.#names.keys() : [];
    if (oldest !== undefined) this.forget(oldest);
    return store;
  }

  /** Asked until it is, once more after a restart. */
  async #isClear(cluster: Cluster): Promise<boolean> {
    const { clear } = this.#options;
    const { uid } = cluster.metadata;
    if (clear === undefined || this.#cleared.has(uid)) return true;
    if (!(await clear(cluster))) return false;
    this.#cleared.add(uid);
    return true;
  }

  #close(uid: string): void {
    this.#stores.get(uid)?.close();
    this.#stores.delete(uid);
  }

  /** undefined: its life is over. */
  async #store(
    name: string,
    uid: string,
    { hasBegun = false }: { readonly hasBegun?: boolean } = {},
  ): Promise<Store | undefined> {
    const known = this.#stores.get(uid);
    if (known !== undefined) return known;
    if (!hasBegun && !(await this.#lives.begin({ name, uid }))) return undefined;
    const raced = this.#stores.get(uid);
    if (raced !== undefined) return raced;
    const meter = new Meter({ ...this.#options, uid, quotas: () => this.#quotas(name, uid), root: this.root });
    const store = new Store({ ...this.#options, uid, scope: "cluster", meter });
    this.#stores.set(uid, store);
    for (const listener of this.#listeners) listener(store);
    return store;
  }

  async #quotas(name: string, uid: string): Promise<ClusterQuotas | undefined> {
    const { value: cluster } = await this.root.view((transaction) => transaction.clusters.get(name));
    return cluster?.metadata.uid === uid ? cluster.spec.quotas : undefined;
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
      if (attempt > 0 || !(await clusters.isOver(store, error))) throw error;
      clusters.forget(name, store.uid);
    }
  }
}
