/** The simulated engine passes what real ones pass. */
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import { SimulatedRegistry } from "../../shared/fleet/simulated/registry.ts";
import { engineConformance } from "../conformance/engine.ts";

const registry = new SimulatedRegistry("registry.test:5000");

engineConformance("simulated", async () => {
  const options = { address: "tcp://simulated:2375", clock: systemClock, random: systemIds.random, registries: [registry] };
  const engine = new SimulatedEngine(options).open();
  return { engine, registry: registry.host, close: async () => engine[Symbol.asyncDispose]() };
});
