/** A machine: an address, the engine there, and what happens to it from outside: power, disks, people with a shell. */
import type { Clock } from "../../../shared/base/clock.ts";
import type { SimulatedContainer } from "../../../shared/fleet/simulated/container.ts";
import type { SimulatedEngine } from "../../../shared/fleet/simulated/engine.ts";
import type { SimulatedRegistry } from "../../../shared/fleet/simulated/registry.ts";
import type { Random } from "../random.ts";
import type { FleetCode } from "./code.ts";

export type MachineOptions = {
  readonly code: FleetCode;
  readonly index: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly registry: SimulatedRegistry;
};

const addressOf = (index: number): string => `tcp://10.0.0.${index + 1}:2375`;

export class Machine {
  readonly index: number;
  readonly address: string;
  readonly engine: SimulatedEngine;
  /** Containers that somebody beside Windlass has killed or removed. */
  readonly touched = new Set<string>();

  constructor({ code, index, clock, random, registry }: MachineOptions) {
    this.index = index;
    this.address = addressOf(index);
    const labels = [`zone=z${index % 2}`];
    const options = { address: this.address, clock, random: () => random.next(), name: `machine-${index}`, labels };
    this.engine = new code.SimulatedEngine({ ...options, registries: [registry] });
  }

  /** What its engine said was not always so: what followed from that may have been wrong. */
  hasLied = false;
  /** It never comes back. */
  isDead = false;

  get containers(): readonly SimulatedContainer[] {
    return [...this.engine.world.containers.values()];
  }

  find(reference: string): SimulatedContainer | undefined {
    return this.containers.find(({ id, name }) => id === reference || name === reference || id.startsWith(reference));
  }

  /** Its power is cut: nobody listens, and what ran has ended when it is back. */
  stop(): void {
    this.engine.faults.set({ kind: "unreachable" });
    for (const container of this.containers) this.kill(container);
  }

  /** By hand, with a shell on the machine. */
  kill(container: SimulatedContainer): void {
    if (!container.isRunning) return;
    this.touched.add(container.id);
    container.kill("SIGKILL");
  }

  remove(container: SimulatedContainer): void {
    this.touched.add(container.id);
    this.engine.world.remove(container);
  }

  loseData(): void {
    for (const { id } of this.containers) this.touched.add(id);
    this.engine.loseData();
  }
}
