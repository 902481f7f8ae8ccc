/** With nothing going wrong, the simulated store keeps the contract of the ports: what the simulation finds is not its own doing. */
import { MemoryCells } from "../../shared/log/memory/cells.ts";
import { cellsConformance } from "../conformance/cells.ts";
import { logConformance } from "../conformance/log.ts";
import { objectsConformance } from "../conformance/objects.ts";
import type { OpenedPorts } from "../conformance/ports.ts";
import { Link, noFaults } from "./link.ts";
import { Scheduler } from "./scheduler.ts";
import { SimulatedLog } from "./simulated-log.ts";
import { SimulatedObjects } from "./simulated-objects.ts";
import { World } from "./world.ts";

/** Time passes whenever somebody waits. */
class EagerScheduler extends Scheduler {
  #running = false;

  override after(ms: number, run: () => void): () => void {
    const cancel = super.after(ms, run);
    if (!this.#running) void this.#run();
    return cancel;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (await this.step(0));
    this.#running = false;
  }
}

const open = (appendMax: number, exclusive: boolean) => async (): Promise<OpenedPorts> => {
  const scheduler = new EagerScheduler(Date.now());
  const world = new World(() => scheduler.nowMs);
  const link = new Link({
    name: "test",
    seed: 1,
    scheduler,
    faults: noFaults,
    masked: new Set(),
    happened: () => undefined,
    skewMs: 0,
  });
  return {
    log: new SimulatedLog(world, link, { appendMax, compressAboveBytes: Number.POSITIVE_INFINITY, exclusive }),
    objects: new SimulatedObjects(world, link),
    cells: new MemoryCells(world.cells),
    close: async () => undefined,
  };
};

logConformance("simulated", open(1, false));
logConformance("simulated, runs", open(5, true));
objectsConformance("simulated", open(1, false));
cellsConformance("simulated", open(1, false));
