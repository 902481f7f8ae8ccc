/** Whatever fails while a container is made: when the nodes' agents have looked, every container has its object and every object its container. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Attempts } from "../../shared/fleet/containers/attempts.ts";
import { attemptLabel } from "../../shared/fleet/containers/labels.ts";
import { RoundRobin } from "../../shared/fleet/fleet/round-robin.ts";
import { Fleet } from "../../shared/fleet/fleet.ts";
import type { Fault } from "../../shared/fleet/simulated/faults.ts";
import type { Store } from "../../shared/state/store.ts";
import { bodyOf, containersOf, type FleetWorld, openFleet } from "./fleet-world.ts";

const make = { body: bodyOf(), pull: "never", inactivityMs: 50 } as const;
const isCreate = (call: string): boolean => call === "container create";

/** Heals the nodes, then lets their agents look until nothing is left to do. */
async function settle(world: FleetWorld): Promise<void> {
  await world.healer.round();
  const agents = world.agents();
  for (let rounds = 0; rounds < 10 && (await agents.round()).again; rounds += 1);
}

/** Attempts that objects count as theirs, and those of containers on engines. */
async function attemptsOf({ store, engines }: FleetWorld) {
  const { value: objects } = await store.view(({ containers }) => containers.find());
  const made = engines.flatMap(({ world }) => [...world.containers.values()].map(({ labels }) => labels[attemptLabel]));
  return { objects: objects.map(({ spec }) => spec.attempt?.id).sort(), made: made.sort() };
}

/** The store, whose updates fail while `isFailing`. */
function failing(store: Store, isFailing: () => boolean): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      if (name === "update" && isFailing()) return () => Promise.reject(new Error("the store is away"));
      return value.bind(target) as unknown;
    },
  });
}

describe("a store that fails", () => {
  it("after the engine made a container leaves no orphan: the agent completes its object", async () => {
    const world = await openFleet(1);
    const isAway = () => (world.engines[0]?.world.containers.size ?? 0) > 0;
    const store = failing(world.store, isAway);
    const common = { ...world.common, store };
    const fleet = new Fleet({ ...common, healer: world.healer, attempts: new Attempts(common) });
    await expect(fleet.containers.create(make)).rejects.toThrow("the store is away");
    expect(containersOf(world)).toEqual([1]);
    await settle(world);
    const { objects, made } = await attemptsOf(world);
    expect(objects).toEqual(made);
    expect(objects).toHaveLength(1);
    const [object] = await world.fleet.containers.all();
    expect(object?.status?.containerId).toBe([...(world.engines[0]?.world.containers.keys() ?? [])][0]);
  });

  it("only in the attempt: the object is taken away, and the agent removes the container", async () => {
    const world = await openFleet(1);
    const isAway = () => (world.engines[0]?.world.containers.size ?? 0) > 0;
    const attempts = new Attempts({ ...world.common, store: failing(world.store, isAway) });
    const fleet = new Fleet({ ...world.common, healer: world.healer, attempts });
    await expect(fleet.containers.create(make)).rejects.toThrow("the store is away");
    await settle(world);
    expect(await attemptsOf(world)).toEqual({ objects: [], made: [] });
  });
});

describe("an engine that fails", () => {
  it("a node that made it and did not say so loses it when it is back, and it runs elsewhere under its name", async () => {
    const world = await openFleet(2, { scheduler: new RoundRobin() });
    world.engines[0]?.faults.set({ kind: "cut" }, isCreate);
    await world.fleet.containers.create({ ...make, name: "web" });
    expect(containersOf(world)).toEqual([1, 1]);
    world.engines[0]?.faults.set(undefined);
    await settle(world);
    expect(containersOf(world)).toEqual([0, 1]);
    expect((await world.fleet.containers.find("web")).node.metadata.name).toBe("node-b");
  });

  const faults: readonly (Fault | undefined)[] = [
    undefined,
    { kind: "cut" },
    { kind: "unreachable" },
    { kind: "hang" },
    { kind: "failing", status: 500, message: "no space left on device" },
    { kind: "failing", status: 500, message: "no space left on device", afterwards: true },
    { kind: "failing", status: 409, message: "conflict" },
  ];

  it("in any way, on any node, at any time: what was made is there once, and nothing else is", { timeout: 120_000 }, async () => {
    const step = fc.record({ node: fc.nat(2), fault: fc.constantFrom(...faults), explicit: fc.boolean(), leaves: fc.nat(9) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const world = await openFleet(3);
        const creates = steps.map(async ({ node, fault, explicit, leaves }, place) => {
          world.engines[node]?.faults.set(fault, isCreate);
          const leaving = new AbortController();
          if (leaves === 0) setImmediate(() => leaving.abort(new Error("left")));
          const nodes = explicit ? { nodes: [`node-${"abc"[node]}`] } : {};
          const options = { ...make, ...nodes, name: `c${place % 5}_`, signal: leaving.signal };
          return await world.fleet.containers.create(options);
        });
        const made = (await Promise.allSettled(creates)).filter(({ status }) => status === "fulfilled").length;
        for (const { faults: each } of world.engines) each.set(undefined);
        await settle(world);
        const { objects, made: there } = await attemptsOf(world);
        expect(there).toEqual(objects);
        expect(there).toHaveLength(made);
        for (const { status } of await world.fleet.containers.all()) expect(status?.containerId).toBeDefined();
      }),
      { numRuns: 40 },
    );
  });
});
