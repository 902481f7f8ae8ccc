/**
 * One cluster's fleet, put together: the library (Fleet), the healer of its nodes, the agents that run tasks on them, and the reconciler.
 * `run` is for a process that lives long, `round` for one that is woken; any number of either may work on one cluster.
 */
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import type { Cells } from "../log/ports.ts";
import type { EventRecorder } from "../state/core-events/event-recorder.ts";
import { SealedError } from "../state/errors.ts";
import type { Store } from "../state/store.ts";
import { Agents } from "./agent/agents.ts";
import type { AgentPolicy } from "./agent/policy.ts";
import { Attempts } from "./containers/attempts.ts";
import type { TlsMaterial } from "./engine/tls.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import { NodeEngines, type OpenEngine } from "./nodes/engines.ts";
import { NodeHealer } from "./nodes/healer.ts";
import type { HealerPolicy } from "./nodes/policy.ts";
import { Reconciler } from "./reconcile/reconciler.ts";
import { defaultPolicy, type Policy } from "./reconcile/world.ts";
import { tlsMaterialOf } from "./secrets/forms.ts";
import { promptly, type SecretResolver } from "./secrets/resolver.ts";
import { clusterSpecOf, hasFleet, whileActive } from "./while-active.ts";

export type ClusterFleetOptions = {
  readonly store: Store;
  /** Where the Cluster object stands, of which `paused`, `adopts` and `nodeTls` count. Absent: none of them. */
  readonly root?: Store;
  readonly cells: Cells;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Absent: nobody is told of what happens. */
  readonly recorder?: EventRecorder;
  readonly secrets: SecretResolver;
  readonly open: OpenEngine;
  /** For the dry mode of the library. */
  readonly openScratch?: FleetOptions["openScratch"];
  readonly policy?: FleetPolicy;
};

export type FleetPolicy = {
  readonly reconciler?: Partial<Policy>;
  readonly healer?: Partial<HealerPolicy>;
  readonly agents?: Partial<AgentPolicy>;
};

export type RoundOptions = {
  /** Nothing begins after it aborts. */
  readonly signal?: AbortSignal;
  /** Whether the engines of all nodes are asked how they are; they are anyhow where a node is new. */
  readonly withHealth?: boolean;
};

export type FleetRound = {
  /** Something is under way that a further round, a little later, brings on. */
  readonly again: boolean;
  /** When time alone asks for a round, milliseconds since 1970; undefined: a change does. */
  readonly wakeAt: number | undefined;
};

/** Turns of reconciler and agents in one round: as many as the steps of a task's life, and some for what follows from them. */
const turnsMax = 20;
const idle: FleetRound = { again: false, wakeAt: undefined };

/** What fails because the cluster was deleted is no news: all that works on it ends. */
const quietAtTheEnd = (logger: Logger): Logger => ({
  log: (level, message, fields) => {
    if (!(fields?.["error"] instanceof SealedError)) logger.log(level, message, fields);
  },
});

export function openClusterFleet(options: ClusterFleetOptions): ClusterFleet {
  return new ClusterFleet(options);
}

export class ClusterFleet implements AsyncDisposable {
  readonly fleet: Fleet;
  /** Also for whoever changes something on an engine: `look` brings its object up to date. */
  readonly agents: Agents;
  readonly #options: ClusterFleetOptions;
  readonly #engines: NodeEngines;
  readonly #healer: NodeHealer;
  readonly #reconciler: Reconciler;

  constructor(given: ClusterFleetOptions) {
    const options = { ...given, logger: quietAtTheEnd(given.logger), secrets: promptly(given.secrets, given.clock) };
    const { policy = {}, open, openScratch, root: _, recorder, ...common } = options;
    this.#options = options;
    this.#engines = new NodeEngines({ ...common, open, clusterTls: () => this.#clusterTls() });
    const told = { ...common, engines: this.#engines, ...(recorder !== undefined && { recorder }) };
    this.#healer = new NodeHealer({ ...told, ...(policy.healer !== undefined && { policy: policy.healer }) });
    const adopted = async () => (await this.#spec())?.adopts ?? [];
    const agents = { ...told, adopted, reports: this.#healer };
    this.agents = new Agents({ ...agents, ...(policy.agents !== undefined && { policy: policy.agents }) });
    this.#reconciler = new Reconciler({ ...told, policy: { ...defaultPolicy, ...policy.reconciler } });
    const attempts = new Attempts(told);
    const library = { ...common, open, engines: this.#engines, healer: this.#healer, attempts };
    this.fleet = new Fleet({ ...library, ...(openScratch !== undefined && { openScratch }) });
  }

  /** Until `signal` aborts, or the cluster is deleted. Never rejects. */
  run(signal: AbortSignal): Promise<void> {
    const work = async (until: AbortSignal): Promise<void> => {
      await Promise.all([this.#healer.run(until), this.agents.run(until), this.#reconciler.run(until)]);
    };
    const { store, root, clock, logger } = this.#options;
    return whileActive({ store, root, clock, logger, work }, signal);
  }

  /**
   * Everything that can be done now, in turns of the reconciler and the agents: as long as one of them changes something the other may have
   * work. @throws what the store throws; what was done stays, and a further round goes on.
   */
  async round({ signal, withHealth = false }: RoundOptions = {}): Promise<FleetRound> {
    const spec = await this.#spec();
    if (spec === undefined || spec.paused === true || !(await hasFleet(this.#options.store))) return idle;
    const isOver = (): boolean => signal?.aborted === true;
    if ((withHealth || (await this.#hasNewNodes())) && !(await this.#heal(signal))) return { again: true, wakeAt: undefined };
    for (let turn = 1; ; turn += 1) {
      const { wakeAt, done } = await this.#reconciler.settle(signal);
      if (isOver()) return { again: true, wakeAt };
      const before = await this.#revision();
      const { again } = await this.agents.round(signal === undefined ? {} : { signal });
      const isStill = (await this.#revision()) === before;
      if (isStill) return { again: again || done > 0, wakeAt };
      if (turn === turnsMax || isOver()) return { again: true, wakeAt };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]();
    await this.#engines[Symbol.asyncDispose]();
  }

  /** Those that nobody has looked at yet take no tasks until somebody does; one that is not accepted nobody will. */
  async #hasNewNodes(): Promise<boolean> {
    const { value: nodes } = await this.#options.store.view((transaction) => transaction.nodes.find());
    return nodes.some(({ spec, status }) => spec.membership === "accepted" && (status?.state ?? "unknown") === "unknown");
  }

  /** Whether it came to its end. */
  async #heal(signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await this.#healer.round(signal);
      return true;
    } catch (error) {
      if (signal?.aborted !== true) throw error;
      return false;
    }
  }

  async #revision(): Promise<number> {
    return (await this.#options.store.view(() => undefined)).revision;
  }

  #spec() {
    return clusterSpecOf(this.#options.root, this.#options.store.uid);
  }

  async #clusterTls(): Promise<TlsMaterial | undefined> {
    const name = (await this.#spec())?.nodeTls?.secretRef.name;
    return name === undefined ? undefined : tlsMaterialOf(name, await this.#options.secrets.resolve(name));
  }
}
