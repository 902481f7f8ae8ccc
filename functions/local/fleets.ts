/**
 * The fleets of the embedded host: one for every cluster that has something to run. Those that were left by an earlier start are found by
 * their rows, so that clusters without nodes stay closed until somebody asks for them.
 */
import { aborted } from "../../shared/base/aborted.ts";
import type { Clock } from "../../shared/base/clock.ts";
import type { Ids } from "../../shared/base/ids.ts";
import type { Logger } from "../../shared/base/logger.ts";
import { type ClusterFleet, openClusterFleet } from "../../shared/fleet/cluster-fleet.ts";
import type { OpenEngine } from "../../shared/fleet/nodes/engines.ts";
import type { SecretResolver } from "../../shared/fleet/secrets/resolver.ts";
import { whileActive } from "../../shared/fleet/while-active.ts";
import { prefixOf } from "../../shared/kinds/definition.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { serviceKind } from "../../shared/kinds/service.ts";
import { taskKind } from "../../shared/kinds/task.ts";
import type { Cells, Objects } from "../../shared/log/ports.ts";
import type { Clusters } from "../../shared/state/clusters.ts";
import { EventJournal } from "../../shared/state/core-events/event-journal.ts";
import { eventRecorder } from "../../shared/state/core-events/event-recorder.ts";
import { UnavailableError } from "../../shared/state/errors.ts";
import type { Store } from "../../shared/state/store.ts";
import { openScratch } from "./scratch.ts";

export type FleetsOptions = {
  readonly clusters: Clusters;
  readonly objects: Objects;
  readonly cells: Cells;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly secrets: SecretResolver;
  readonly open: OpenEngine;
  /** Whether nodes and tasks are looked after; else fleets only do what is asked of them. */
  readonly isAtWork: boolean;
};

/** After clusters could not be looked through. */
const retryMs = 5_000;
const prefixes = [nodeKind, serviceKind, taskKind].map((kind) => prefixOf(kind));

type Running = { readonly fleet: ClusterFleet; readonly done: Promise<void> };

export class Fleets implements AsyncDisposable {
  readonly #options: FleetsOptions;
  readonly #signal: AbortSignal;
  readonly #journal: EventJournal;
  /** By the clusters' uids. */
  readonly #running = new Map<string, Running>();

  /** All end when `signal` aborts. */
  constructor(options: FleetsOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#journal = new EventJournal(options);
  }

  /** Resolves when `signal` has aborted and nothing is worked on any more. Who asked something meanwhile is answered still. Never rejects. */
  async run(): Promise<void> {
    const { clusters } = this.#options;
    const stop = clusters.onOpen((store) => void this.#of(store));
    if (this.#options.isAtWork) await this.#openThose();
    await aborted(this.#signal);
    stop();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  /** Lets go of all engines: nobody asks for anything any more. After `run`. */
  async [Symbol.asyncDispose](): Promise<void> {
    const fleets = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(fleets.map(({ fleet }) => fleet[Symbol.asyncDispose]()));
  }

  /** The fleet of the cluster of this name. undefined: there is none. @throws UnavailableError when `signal` has aborted. */
  async find(name: string): Promise<ClusterFleet | undefined> {
    const store = await this.#options.clusters.resolve(name);
    if (this.#signal.aborted) throw new UnavailableError("the host is stopping; try again");
    return store && this.#of(store);
  }

  /** undefined: the root has none, and nothing begins after the end. */
  #of(store: Store): ClusterFleet | undefined {
    const { clusters } = this.#options;
    const known = this.#running.get(store.uid);
    if (known !== undefined) return known.fleet;
    if (store === clusters.root || this.#signal.aborted) return undefined;
    const recorder = eventRecorder(this.#journal, store.uid);
    const { registry } = clusters.root;
    const scratch = (uid: string) => openScratch({ ...this.#options, registry }, uid);
    const fleet = openClusterFleet({ ...this.#options, store, root: clusters.root, recorder, openScratch: scratch });
    const done = this.#run(fleet, store);
    this.#running.set(store.uid, { fleet, done });
    return fleet;
  }

  async #run(fleet: ClusterFleet, store: Store): Promise<void> {
    const { root } = this.#options.clusters;
    // Without work it is there for who asks, as long as its cluster is.
    const idle = { ...this.#options, store, root, work: aborted };
    await (this.#options.isAtWork ? fleet.run(this.#signal) : whileActive(idle, this.#signal));
    // Requests that are under way when the host stops still need it.
    if (this.#signal.aborted) return;
    this.#running.delete(store.uid);
    await fleet[Symbol.asyncDispose]();
  }

  /** Opens those that have a fleet; they are told of by `onOpen`. */
  async #openThose(): Promise<void> {
    const { clusters, clock, logger } = this.#options;
    while (!this.#signal.aborted) {
      try {
        for (const { metadata } of await clusters.list())
          if (await this.#hasRows(metadata.uid)) await clusters.resolve(metadata.name);
        return;
      } catch (error) {
        logger.log("error", "the clusters' fleets can't be looked for", { error });
        await clock.sleep(retryMs, this.#signal).catch(() => undefined);
      }
    }
  }

  async #hasRows(uid: string): Promise<boolean> {
    const pages = prefixes.map((prefix) => this.#options.objects.page(uid, { prefix, limit: 1 }));
    return (await Promise.all(pages)).some(({ rows, next }) => rows.length > 0 || next !== undefined);
  }
}
