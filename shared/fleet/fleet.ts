/**
 * Fleet: the nodes of one cluster and everything that is done on their engines, the source's Cluster. Its parts are one class a file in
 * fleet/; README.md has a row for each method of the source. In dry mode all of them work on a copy; what was begun before goes on where
 * it began.
 */
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import type { Cells } from "../log/ports.ts";
import type { Store } from "../state/store.ts";
import type { Attempts } from "./containers/attempts.ts";
import { Containers } from "./fleet/containers.ts";
import { type DryRun, openDryRun, type Scratch } from "./fleet/dry-run.ts";
import { DryModeError } from "./fleet/errors.ts";
import { Execs } from "./fleet/execs.ts";
import type { Footing, Ground, Tools } from "./fleet/ground.ts";
import { Images } from "./fleet/images.ts";
import { PlacementScheduler } from "./fleet/placement-scheduler.ts";
import type { Scheduler } from "./fleet/scheduler.ts";
import type { NodeEngines } from "./nodes/engines.ts";
import type { NodeHealer } from "./nodes/healer.ts";
import { Hooks } from "./nodes/hooks.ts";
import { Monitoring } from "./nodes/monitoring.ts";
import { Nodes } from "./nodes/nodes.ts";
import type { SecretResolver } from "./secrets/resolver.ts";

export type FleetOptions = {
  readonly store: Store;
  readonly cells: Cells;
  readonly engines: NodeEngines;
  readonly healer: NodeHealer;
  readonly attempts: Attempts;
  readonly secrets: SecretResolver;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Absent: none; they can be added later. */
  readonly hooks?: Hooks;
  /** Absent: placement, which spreads. */
  readonly scheduler?: Scheduler;
  /** An empty store in memory, of this uid, where a dry run takes place. Absent: there are none. */
  readonly openScratch?: (uid: string) => Promise<Scratch>;
};

export class Fleet implements Footing, AsyncDisposable {
  readonly containers: Containers;
  readonly images: Images;
  readonly execs: Execs;
  readonly hooks: Hooks;
  readonly monitoring: Monitoring;
  readonly #real: Ground;
  readonly #tools: Tools;
  readonly #openScratch: FleetOptions["openScratch"];
  #dryRun: DryRun | undefined;
  /** A change of mode that is going on. */
  #changing = false;

  constructor(options: FleetOptions) {
    const { store, cells, engines, healer, attempts, secrets, clock, ids, logger } = options;
    const { hooks = new Hooks(), scheduler = new PlacementScheduler({ random: () => ids.random() }) } = options;
    this.hooks = hooks;
    this.#openScratch = options.openScratch;
    this.#tools = { hooks, secrets, clock, ids, logger };
    const nodes = new Nodes({ store, cells, clock, ids, hooks });
    this.#real = { store, cells, engines, nodes, healer, attempts };
    this.containers = new Containers(this, this.#tools, scheduler);
    this.images = new Images(this, this.#tools);
    this.execs = new Execs(this, this.#tools);
    // Of the ground of the moment: in dry mode the copies are looked at.
    this.monitoring = new Monitoring({ healer: { round: (signal) => this.healer.round(signal) }, clock, logger });
  }

  /** What calls that begin now work on. */
  get ground(): Ground {
    return this.#dryRun?.ground ?? this.#real;
  }

  /** Ask for it each time: it is another one in dry mode. */
  get nodes(): Nodes {
    return this.ground.nodes;
  }

  /** Ask for it each time: it is another one in dry mode. */
  get healer(): NodeHealer {
    return this.ground.healer;
  }

  get isDry(): boolean {
    return this.#dryRun !== undefined;
  }

  /**
   * From here on nothing reaches a real engine or the real store, until `stopDryMode`: all calls work on a copy of nodes, containers and
   * images as they are now. @throws DryModeError: it is in dry mode already, or has no place for one.
   */
  async dryMode(): Promise<void> {
    const openScratch = this.#openScratch;
    if (openScratch === undefined) throw new DryModeError("this fleet was made without a store for dry runs");
    if (this.isDry) throw new DryModeError("this fleet is in dry mode already");
    await this.#change(async () => {
      const scratch = await openScratch(this.#real.store.uid);
      try {
        this.#dryRun = await openDryRun(this.#real, this.#tools, scratch);
      } catch (error) {
        await scratch.close();
        throw error;
      }
    });
  }

  /** Back to the real nodes; nothing of the dry run is left. @throws DryModeError: it is not in dry mode. */
  async stopDryMode(): Promise<void> {
    await this.#change(async () => {
      const dryRun = this.#dryRun;
      if (dryRun === undefined) throw new DryModeError("this fleet is not in dry mode");
      this.#dryRun = undefined;
      await dryRun.close();
    });
  }

  /** Ends monitoring and a dry run. Store and engines are their owner's. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.monitoring.stopActiveMonitoring();
    if (this.isDry) await this.stopDryMode();
  }

  async #change(act: () => Promise<void>): Promise<void> {
    if (this.#changing) throw new DryModeError("dry mode is being begun or ended");
    this.#changing = true;
    try {
      await act();
    } finally {
      this.#changing = false;
    }
  }
}
