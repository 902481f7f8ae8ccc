/** Dry mode: everything works on a copy, nothing of it reaches an engine or the store, and it comes back. */
import { describe, expect, it } from "vitest";
import { DryModeError } from "../../shared/fleet/fleet/errors.ts";
import { bodyOf, change, containersOf, openFleet } from "./fleet-world.ts";

const make = { body: bodyOf(), pull: "never" } as const;

describe("dry mode", () => {
  it("shows nodes, images and containers as they are, though no engine answers", async () => {
    const world = await openFleet(2);
    const { fleet } = world;
    const { container } = await fleet.containers.create({ ...make, name: "web" });
    await fleet.containers.start("web");
    await fleet.containers.commit("web", { repo: "team/web", tag: "1" });
    await change(world.store, ({ containers }) => {
      const current = containers.get(container.metadata.name, "default");
      if (current !== undefined) containers.update({ ...current, status: { ...current.status, state: "running" } });
    });
    for (const { faults } of world.engines) faults.set({ kind: "unreachable" });
    await fleet.dryMode();
    expect((await fleet.nodes.nodes()).map(({ metadata }) => metadata.name)).toEqual(["node-a", "node-b"]);
    const { State, Id } = await fleet.containers.inspect("web");
    expect([State.Running, Id]).toEqual([true, container.status?.containerId]);
    expect((await fleet.images.inspect("team/web:1")).details.RepoTags).toEqual(["team/web:1"]);
    await fleet.stopDryMode();
  });

  it("what is done in it is seen in it, and nothing of it is left afterwards", async () => {
    const world = await openFleet(2);
    const { fleet, store } = world;
    await fleet.containers.create({ ...make, name: "web" });
    const before = await store.save();
    const counts = containersOf(world);
    await fleet.dryMode();
    expect(fleet.isDry).toBe(true);
    await fleet.images.pull("anything/at-all:1");
    const made = await fleet.containers.create({ body: bodyOf({ Image: "anything/at-all:1", Cmd: ["nonsense"] }), name: "dry" });
    await fleet.containers.start("dry");
    expect((await fleet.containers.inspect("dry")).State.Running).toBe(true);
    await fleet.containers.stop("dry");
    await fleet.containers.remove("web", { force: true });
    await fleet.nodes.register({ address: "tcp://node-new:2375" });
    await fleet.healer.round();
    expect(made.node.metadata.name).toMatch(/^node-[ab]$/);
    expect(await fleet.nodes.unfilteredNodes()).toHaveLength(3);
    await fleet.stopDryMode();
    expect(fleet.isDry).toBe(false);
    expect(await store.save()).toEqual(before);
    expect(containersOf(world)).toEqual(counts);
    expect((await fleet.containers.find("web")).container.spec.containerName).toBe("web");
    await expect(fleet.containers.find("dry")).rejects.toThrow("No such container: dry");
    expect(world.scratches.open).toBe(0);
  });

  it("after it, calls reach the engines again; it can be begun again", async () => {
    const world = await openFleet(1);
    for (let count = 0; count < 3; count += 1) {
      await world.fleet.dryMode();
      await world.fleet.containers.create({ body: bodyOf() });
      await world.fleet.stopDryMode();
    }
    expect(containersOf(world)).toEqual([0]);
    await world.fleet.containers.create(make);
    expect(containersOf(world)).toEqual([1]);
  });

  it("is begun once and ended once, and says so otherwise", async () => {
    const { fleet } = await openFleet(1);
    await expect(fleet.stopDryMode()).rejects.toThrow(DryModeError);
    const begun = await Promise.allSettled([fleet.dryMode(), fleet.dryMode()]);
    expect(begun.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await expect(fleet.dryMode()).rejects.toThrow("in dry mode already");
    await fleet.stopDryMode();
    const { fleet: without } = await openFleet(1, { openScratch: undefined as never });
    await expect(without.dryMode()).rejects.toThrow("made without a store for dry runs");
  });

  it("a fleet that is given back ends its dry run", async () => {
    const world = await openFleet(1);
    {
      await using fleet = world.fleet;
      await fleet.dryMode();
    }
    expect(world.scratches.open).toBe(0);
  });
});

describe("active monitoring", () => {
  it("looks at once and again, and nothing of it goes on when its stop returns", async () => {
    const world = await openFleet(2);
    let pings = 0;
    for (const { faults } of world.engines) {
      faults.lie = (call, answer) => {
        if (call === "ping") pings += 1;
        return answer;
      };
    }
    world.fleet.monitoring.startActiveMonitoring(10);
    await expect.poll(() => pings).toBeGreaterThan(4);
    await world.fleet.monitoring.stopActiveMonitoring();
    const after = pings;
    await world.healer.round();
    expect(pings).toBe(after + 2);
  });
});
