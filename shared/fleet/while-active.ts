/**
 * When a cluster's fleet is worked on in a process that lives long: from the moment when there is something to do in it (a node, a service
 * or a task), while its Cluster does not say `paused`, until it is deleted. Until then the cluster costs one watcher.
 */
import { aborted } from "../base/aborted.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { type ClusterSpec, clusterKind } from "../kinds/cluster.ts";
import { nodeKind } from "../kinds/node.ts";
import { serviceKind } from "../kinds/service.ts";
import { taskKind } from "../kinds/task.ts";
import { onAny, onCreate } from "../state/event.ts";
import { follow } from "../state/follow.ts";
import { all, byId } from "../state/selector.ts";
import type { Store } from "../state/store.ts";

/** What is looked at again, whatever was heard: a watch that ended has begun anew long before. */
const everyMs = 600_000;

/** What the cluster of this uid is to be. undefined: it is gone, or going. Without a root nothing is said. */
export async function clusterSpecOf(root: Store | undefined, uid: string): Promise<Partial<ClusterSpec> | undefined> {
  if (root === undefined) return {};
  const { value: cluster } = await root.view(({ clusters }) => clusters.getById(uid));
  return cluster?.metadata.deletionTimestamp === undefined ? cluster?.spec : undefined;
}

/** Whether there is anything for a fleet to do. */
export async function hasFleet(store: Store): Promise<boolean> {
  const one = { limit: 1 };
  const { value } = await store.view(({ nodes, services, tasks }) =>
    [nodes, services, tasks].some((table) => table.find(all, one).length > 0),
  );
  return value;
}

export type ActivityOptions = {
  readonly store: Store;
  readonly root: Store | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Until its signal aborts, or the cluster is deleted. Never rejects. */
  readonly work: (signal: AbortSignal) => Promise<void>;
};

/** Runs until `signal` aborts, or the cluster is deleted. Never rejects. */
export async function whileActive(options: ActivityOptions, signal: AbortSignal): Promise<void> {
  const activity = new Activity(options, signal);
  await activity.run();
}

class Activity {
  readonly #options: ActivityOptions;
  readonly #over = new AbortController();
  /** Aborts when nothing is to be worked on any more. */
  readonly #signal: AbortSignal;
  readonly #begun = new AbortController();
  #working: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ActivityOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = AbortSignal.any([signal, this.#over.signal]);
  }

  async run(): Promise<void> {
    await Promise.all([this.#followCluster(), this.#awaitFirst()]);
    await this.#turn;
    await this.#end();
  }

  /** Until it is paused no more, or gone. */
  async #followCluster(): Promise<void> {
    const { root, store, clock, logger } = this.#options;
    if (root === undefined) return;
    const specifiers = onAny(clusterKind, byId(store.uid));
    await follow({ store: root, clock, logger, name: "fleet", specifiers, everyMs, look: () => this.#look() }, this.#signal);
  }

  /** Until there is something to do; then it stays so. */
  async #awaitFirst(): Promise<void> {
    const { store, clock, logger } = this.#options;
    const until = AbortSignal.any([this.#signal, this.#begun.signal]);
    const specifiers = [onCreate(nodeKind), onCreate(serviceKind), onCreate(taskKind)];
    await follow({ store, clock, logger, name: "fleet", specifiers, everyMs, look: () => this.#look() }, until);
    if (!until.aborted) this.#over.abort();
    if (this.#options.root === undefined) await aborted(this.#signal);
  }

  /** One after the other. */
  #look(): Promise<void> {
    const turn = this.#turn.then(() => this.#judge());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #judge(): Promise<void> {
    const { root, store } = this.#options;
    const spec = await clusterSpecOf(root, store.uid);
    if (spec === undefined) return this.#over.abort();
    if (!this.#begun.signal.aborted && (await hasFleet(store))) this.#begun.abort();
    const isWanted = this.#begun.signal.aborted && spec.paused !== true && !this.#signal.aborted;
    if (!isWanted) await this.#end();
    else if (this.#working === undefined) this.#begin();
  }

  #begin(): void {
    const stop = new AbortController();
    const done = this.#options.work(AbortSignal.any([this.#signal, stop.signal])).then(() => {
      // By itself it ends with the cluster only.
      if (!stop.signal.aborted) this.#over.abort();
    });
    this.#working = { stop, done };
  }

  async #end(): Promise<void> {
    const working = this.#working;
    this.#working = undefined;
    working?.stop.abort();
    await working?.done;
  }
}
