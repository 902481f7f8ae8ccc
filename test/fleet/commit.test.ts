/** What a reconciler that is late, or not the only one, may not do: each action's preconditions, broken one by one. */
import { describe, expect, it } from "vitest";
import type { Action, Decision, StepUpdate } from "../../shared/fleet/reconcile/actions.ts";
import { carryOut } from "../../shared/fleet/reconcile/commit.ts";
import { decide } from "../../shared/fleet/reconcile/decide.ts";
import { stateOf } from "../../shared/fleet/reconcile/world.ts";
import { runningOf, SimulatedFleet, type World } from "./simulated-fleet.ts";

const template = (spec: object = {}) => ({ spec: { image: "app:1", ...spec } });
const full = { resources: { reservations: { cpus: 3 } } };

async function fleetOf(...services: readonly (readonly [string, object])[]): Promise<SimulatedFleet> {
  const fleet = await SimulatedFleet.open();
  await fleet.addNode("a");
  for (const [name, spec] of services) await fleet.addService(name, spec);
  return fleet;
}

const decideOn = (fleet: SimulatedFleet, world: World): Decision => decide({ ...world, now: fleet.clock.now() });

/** Which of them were carried out. */
async function carry(fleet: SimulatedFleet, actions: readonly Action[]): Promise<string[]> {
  const done: string[] = [];
  for (const action of actions) {
    await fleet.update((transaction) => {
      if (carryOut(transaction, action)) done.push(action.do);
    });
  }
  return done;
}

describe("an action that no longer fits changes nothing", () => {
  it("a place that somebody else has filled is not filled again", async () => {
    const fleet = await fleetOf(["web", { replicas: 1, template: template() }]);
    const { actions } = decideOn(fleet, await fleet.world());
    const creates = actions.filter((action) => action.do === "replace");
    expect(await carry(fleet, creates)).toEqual(["replace"]);
    expect(await carry(fleet, creates)).toEqual([]);
    expect((await fleet.world()).tasks).toHaveLength(1);
  });

  it("room that somebody else has taken is not taken again", async () => {
    const fleet = await fleetOf(
      ["web", { replicas: 1, template: template(full) }],
      ["api", { replicas: 1, template: template(full) }],
    );
    const world = await fleet.world();
    const each = world.services.map((service) =>
      decideOn(fleet, { ...world, services: [service] }).actions.filter((action) => action.do === "replace"),
    );
    expect(await carry(fleet, each.flat())).toEqual(["replace"]);
    expect((await fleet.world()).tasks.map((task) => [stateOf(task), task.spec.nodeName])).toEqual([["assigned", "a"]]);
  });

  it("a waiting task is not assigned to a node that was drained meanwhile", async () => {
    const fleet = await fleetOf(["web", { replicas: 1, template: template() }]);
    await fleet.setNode("a", { spec: { availability: "drain" } });
    await fleet.rest();
    await fleet.setNode("a", { spec: { availability: "active" } });
    const { actions } = decideOn(fleet, await fleet.world());
    await fleet.setNode("a", { spec: { availability: "drain" } });
    expect(actions.map((action) => action.do)).toContain("change");
    expect(
      await carry(
        fleet,
        actions.filter((action) => action.do === "change"),
      ),
    ).toEqual([]);
    expect((await fleet.world()).tasks.map(stateOf)).toEqual(["pending"]);
  });

  it("a task or a service that has changed is decided on again, not overwritten", async () => {
    const fleet = await fleetOf(["web", { replicas: 2, template: template() }]);
    await fleet.rest();
    await fleet.setService("web", (spec) => ({ ...spec, replicas: 0 }));
    const { actions } = decideOn(fleet, await fleet.world());
    await fleet.update(({ tasks, services }) => {
      for (const task of tasks.find()) tasks.update({ ...task, metadata: { ...task.metadata, labels: { changed: "yes" } } });
      for (const service of services.find())
        services.update({ ...service, metadata: { ...service.metadata, labels: { changed: "yes" } } });
    });
    expect(actions.length).toBeGreaterThan(2);
    expect(await carry(fleet, actions)).toEqual([]);
  });

  it("nothing is made for a service that was deleted, or for a later one of its name", async () => {
    const fleet = await fleetOf(["web", { replicas: 1, template: template() }]);
    const { actions } = decideOn(fleet, await fleet.world());
    await fleet.update(({ services }) => services.delete("web", { namespace: "default" }));
    expect(await carry(fleet, actions)).toEqual([]);
    await fleet.addService("web", { replicas: 1, template: template() });
    expect(await carry(fleet, actions)).toEqual([]);
  });

  it("of two who would both take an update's next step, one does", async () => {
    const fleet = await fleetOf(["web", { replicas: 3, template: template(), update: { parallelism: 1 } }]);
    await fleet.rest();
    await fleet.setImage("web", "app:2");
    await fleet.reconcilers[0]?.round();
    const world = await fleet.world();
    const seenDown = {
      ...world,
      tasks: world.tasks.map((task) => (task.spec.slot === 3 ? { ...task, status: { state: "starting" as const } } : task)),
    };
    const [one, other] = [world, seenDown].map((seen) =>
      decideOn(fleet, seen).actions.filter((action): action is StepUpdate => action.do === "step"),
    );
    expect([one, other].map((steps) => steps?.flatMap(({ replaces }) => replaces.map(({ create }) => create.place)))).toEqual([
      [{ slot: 1 }],
      [{ slot: 3 }],
    ]);
    expect(await carry(fleet, [...(one ?? []), ...(other ?? [])])).toEqual(["step"]);
    expect((await fleet.service("web")).status?.update?.step).toBe(2);
    await fleet.work(({ spec }) => spec.desiredState === "shutdown");
    expect(runningOf(await fleet.world())).toHaveLength(2);
  });

  it("a step of an update that was changed meanwhile is not taken", async () => {
    const fleet = await fleetOf(["web", { replicas: 3, template: template() }]);
    await fleet.rest();
    await fleet.setImage("web", "app:2");
    await fleet.reconcilers[0]?.round();
    const steps = decideOn(fleet, await fleet.world()).actions.filter((action) => action.do === "step");
    await fleet.setImage("web", "app:3");
    expect(steps).toHaveLength(1);
    expect(await carry(fleet, steps)).toEqual([]);
  });

  it("a name that somebody has given to a task of his own is passed over", async () => {
    const fleet = await fleetOf(["web", { replicas: 1, template: template() }]);
    const service = await fleet.service("web");
    await fleet.update(({ tasks }) =>
      tasks.create({
        apiVersion: "windlass.dev/v1",
        kind: "Task",
        metadata: { name: "web.1.1" },
        spec: { desiredState: "running", template: service.spec.template },
      }),
    );
    await fleet.rest();
    expect((await fleet.world()).tasks.map(({ metadata }) => metadata.name)).toEqual(["web.1.1", "web.1.2"]);
  });

  it("a task that a finalizer holds is left, and does not hold up others", async () => {
    const fleet = await fleetOf(["web", { replicas: 2, template: template() }]);
    await fleet.rest();
    await fleet.update(({ tasks }) => {
      const task = tasks.get("web.1.1", "default");
      if (task !== undefined) tasks.update({ ...task, metadata: { ...task.metadata, finalizers: ["example.com/hold"] } });
    });
    await fleet.setService("web", (spec) => ({ ...spec, replicas: 0 }));
    await fleet.rest();
    expect((await fleet.world()).tasks.map((task) => [task.metadata.name, stateOf(task)])).toEqual([["web.1.1", "shutdown"]]);
  });
});
