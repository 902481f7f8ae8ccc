/**
 * What the deployment has for fleets: the reconciler's environment, its queue, and engines. Engines are simulated, one for each address that
 * a node has; each of their answers takes a while, as those of real ones do, and counts into a round's duration.
 */
import type { Ports } from "../../../functions/aws/dynamo-ports.ts";
import { type FleetShop, openFleetShop } from "../../../functions/reconciler/fleet-shop.ts";
import { type ReconcileHandler, reconcileHandler } from "../../../functions/reconciler/reconcile.ts";
import { systemIds } from "../../../shared/base/ids.ts";
import { silentLogger } from "../../../shared/base/logger.ts";
import { once } from "../../../shared/base/once.ts";
import type { OpenEngine } from "../../../shared/fleet/nodes/engines.ts";
import { SimulatedEngine } from "../../../shared/fleet/simulated/engine.ts";
import { LeapClock } from "../../fleet/leap-clock.ts";
import { noSecrets } from "../../fleet/map-secrets.ts";
import { CountingQueue } from "./counting-queue.ts";
import type { Waits } from "./waits.ts";

/** Assumed of an engine's answer, with the way there. What TLS of a new connection takes is left out. */
export const engineMs = 10;

export class Reconcilers {
  readonly queue: CountingQueue;
  readonly #ports: Ports;
  readonly #clock = new LeapClock();
  readonly #engines = new Map<string, SimulatedEngine>();
  readonly #open: OpenEngine = async ({ address }) => this.#engineAt(address).open();
  #shop: () => Promise<FleetShop>;

  constructor(ports: Ports, waits: Waits) {
    this.#ports = ports;
    this.queue = new CountingQueue(this.#clock, waits);
    this.#shop = this.#newEnvironment();
  }

  /** Containers that run, on all engines. */
  get running(): number {
    const all = [...this.#engines.values()].flatMap(({ world }) => [...world.containers.values()]);
    return all.filter(({ isRunning }) => isRunning).length;
  }

  get handler(): ReconcileHandler {
    return reconcileHandler(this.#shop);
  }

  /** The next wake-up meets an environment that has read nothing yet. */
  async coldStart(): Promise<void> {
    (await this.#shop()).clusters.close();
    this.#shop = this.#newEnvironment();
  }

  async close(): Promise<void> {
    (await this.#shop()).clusters.close();
    for (const { world } of this.#engines.values()) world.clear();
  }

  #newEnvironment(): () => Promise<FleetShop> {
    const common = { clock: this.#clock, ids: systemIds, logger: silentLogger };
    const parts = { queue: this.queue.sender, secrets: noSecrets, open: this.#open };
    return once(() => openFleetShop({ ...this.#ports, ...common, ...parts }));
  }

  #engineAt(address: string): SimulatedEngine {
    const there = this.#engines.get(address);
    if (there !== undefined) return there;
    const engine = new SimulatedEngine({ address, clock: this.#clock, random: systemIds.random, name: address });
    engine.faults.latencyMs = engineMs;
    this.#engines.set(address, engine);
    return engine;
  }
}
