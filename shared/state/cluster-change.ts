/**
 * What the server itself changes in Clusters: a new one becomes ready, a deleted one is brought to its end. The end is a deletion in two
 * steps: the Cluster is marked and held by its kind's finalizer, its log is sealed, what is left of it is removed (cluster-lives.ts), and
 * the finalizer goes. Each part may be done twice; whoever finds a marked Cluster carries it on.
 */
import { type Cluster, clusterKind } from "../kinds/cluster.ts";
import type { ObjectInput } from "../kinds/object.ts";
import type { ClusterLives } from "./cluster-lives.ts";
import { SealedError } from "./errors.ts";
import { dying, withoutFinalizer, writeOrRemove } from "./garbage/deletion.ts";
import type { Store, UpdateOptions } from "./store.ts";

export type ClusterChangeOptions = {
  readonly root: Store;
  readonly lives: ClusterLives;
  /** The cluster's store, its life begun where it was not; undefined: its life is over. */
  readonly open: (name: string, uid: string) => Promise<Store | undefined>;
};

const actor = "system:windlass";

export class ClusterChange {
  readonly #options: ClusterChangeOptions;

  constructor(options: ClusterChangeOptions) {
    this.#options = options;
  }

  /** Its log has begun, so it can be worked with. */
  becomeReady(cluster: Cluster): Promise<void> {
    return this.#change(cluster, (there) => {
      if (there.metadata.deletionTimestamp !== undefined || there.status?.state === "ready") return there;
      return { ...there, status: { ...there.status, state: "ready", observedGeneration: there.metadata.generation } };
    });
  }

  /** Asks for the deletion of the cluster of this name. undefined: there is none. */
  async mark(name: string, options: UpdateOptions): Promise<Cluster | undefined> {
    const { value } = await this.#options.root.update((transaction) => {
      const there = transaction.clusters.get(name);
      if (there === undefined || there.metadata.deletionTimestamp !== undefined) return there;
      const { now } = transaction.context;
      return transaction.of(clusterKind).update(dying(clusterKind, there, { propagation: undefined, now }));
    }, options);
    return value;
  }

  /** Seals the log of a marked cluster and says so in its status. The seal's revision. */
  async seal(cluster: Cluster): Promise<number> {
    const revision = await this.#sealLog(cluster);
    if (cluster.status?.state !== "deleting")
      await this.#change(cluster, (there) => ({ ...there, status: { ...there.status, state: "deleting" } }));
    return revision;
  }

  /** Removes what a sealed cluster left, in `steps` steps at most, and lets the Cluster go; true when that is done. */
  async remove(cluster: Cluster, revision: number, steps: number): Promise<boolean> {
    const { lives } = this.#options;
    if (!(await lives.remove({ uid: cluster.metadata.uid, revision }, steps))) return false;
    await this.#change(cluster, (there) => withoutFinalizer(there, clusterKind.finalizer ?? ""));
    return true;
  }

  /** Once its seal is noted, the life is neither begun nor sealed again. */
  async #sealLog({ metadata: { name, uid } }: Cluster): Promise<number> {
    const { lives, open } = this.#options;
    const known = await lives.sealOf(name);
    if (known?.uid === uid) return known.revision;
    const store = await open(name, uid);
    if (store === undefined) return (await lives.sealOf(name))?.revision ?? 0;
    const revision = await store.seal({ actor }).catch((error: unknown) => {
      if (error instanceof SealedError) return store.revision;
      throw error;
    });
    await lives.keepSeal({ name, uid }, revision);
    return revision;
  }

  /** Changes the Cluster as it stands now; nothing where it was replaced meanwhile. */
  async #change({ metadata: { name, uid } }: Cluster, change: (there: Cluster) => ObjectInput<Cluster>): Promise<void> {
    await this.#options.root.update(
      (transaction) => {
        const there = transaction.clusters.get(name);
        if (there?.metadata.uid !== uid) return;
        const wanted = change(there);
        if (wanted !== there) writeOrRemove(transaction, clusterKind, wanted);
      },
      { actor },
    );
  }
}
