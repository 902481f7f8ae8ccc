/** The Engine port on real Docker engines: two of them, one over TCP and one over TLS with client certificates. */
import { afterAll, beforeAll, describe } from "vitest";
import { engineConformance } from "../conformance/engine.ts";
import { RealEngine } from "./real-engine.ts";
import { Registry } from "./registry.ts";
import { canStartEngines } from "./requirements.ts";

describe.skipIf(!canStartEngines())("docker", () => {
  let engines: readonly RealEngine[] = [];
  let registry: Registry;
  beforeAll(async () => {
    registry = await Registry.start();
    engines = await Promise.all([RealEngine.start(), RealEngine.start({ isTls: true })]);
  });
  afterAll(async () => {
    await Promise.all([...engines.map((engine) => engine.stop()), registry?.stop()]);
  });

  engineConformance("over TCP", () => openOf(0));
  engineConformance("over TLS", () => openOf(1));

  async function openOf(place: number) {
    const engine = await engines[place]?.open();
    if (engine === undefined) throw new Error("the engine did not start");
    return { engine, registry: registry.host, close: async () => engine[Symbol.asyncDispose]() };
  }
});
