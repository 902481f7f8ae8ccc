/** What holds of the reconciler whatever happens, with one and with two of them: found by random histories, printed with their seed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "../../shared/fleet/reconcile/decide.ts";
import { defaultPolicy, isAssigned, isOver, isWanted, stateOf } from "../../shared/fleet/reconcile/world.ts";
import { imagesOf, runningOf, SimulatedFleet, type World } from "./simulated-fleet.ts";

const names = ["a", "b", "c"] as const;
const cpusOfNode = 4;
const templateOf = (image: string, cpus: number) => ({
  spec: { image, restartPolicy: { delay: "1s" }, resources: { reservations: { cpus } } },
});

type Step =
  | { readonly do: "availability"; readonly node: string; readonly to: "active" | "pause" | "drain" }
  | { readonly do: "power"; readonly node: string; readonly on: boolean }
  | { readonly do: "remove"; readonly node: string }
  | { readonly do: "register"; readonly node: string }
  | { readonly do: "scale"; readonly replicas: number }
  | { readonly do: "image"; readonly image: string }
  | { readonly do: "kill" }
  | { readonly do: "own"; readonly node: string; readonly cpus: number }
  | { readonly do: "disown" }
  | { readonly do: "work"; readonly odd: boolean }
  | { readonly do: "round" }
  | { readonly do: "decide" }
  | { readonly do: "late" }
  | { readonly do: "pass"; readonly seconds: number };

const node = fc.constantFrom(...names);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("availability" as const), node, to: fc.constantFrom("active", "pause", "drain") }),
  fc.record({ do: fc.constant("power" as const), node, on: fc.boolean() }),
  fc.record({ do: fc.constantFrom("remove" as const, "register" as const), node }),
  fc.record({ do: fc.constant("scale" as const), replicas: fc.integer({ min: 0, max: 6 }) }),
  fc.record({ do: fc.constant("image" as const), image: fc.constantFrom("app:1", "app:2", "bad:1") }),
  fc.record({ do: fc.constant("kill" as const) }),
  fc.record({ do: fc.constant("own" as const), node, cpus: fc.constantFrom(0.5, 2, 3.5) }),
  fc.record({ do: fc.constant("disown" as const) }),
  fc.record({ do: fc.constant("work" as const), odd: fc.boolean() }),
  fc.record({ do: fc.constant("round" as const) }),
  fc.record({ do: fc.constant("decide" as const) }),
  fc.record({ do: fc.constant("late" as const) }),
  fc.record({ do: fc.constant("pass" as const), seconds: fc.integer({ min: 1, max: 30 }) }),
);

const settings = fc.record({
  mode: fc.constantFrom("replicated", "global"),
  replicas: fc.integer({ min: 1, max: 6 }),
  cpus: fc.constantFrom(0.5, 1, 1.5),
  update: fc.record({
    parallelism: fc.integer({ min: 0, max: 3 }),
    delay: fc.constantFrom("0s", "2s"),
    monitor: fc.constantFrom("0s", "3s"),
    failureAction: fc.constantFrom("pause", "continue", "rollback"),
    order: fc.constantFrom("stop-first", "start-first"),
  }),
  reconcilers: fc.integer({ min: 1, max: 2 }),
});

async function open({ reconcilers }: { readonly reconcilers: number }): Promise<SimulatedFleet> {
  const fateOf = (task: World["tasks"][number]) =>
    task.spec.template.spec.image.startsWith("bad") ? ("fails" as const) : ("runs" as const);
  const fleet = await SimulatedFleet.open({ reconcilers, fateOf, policy: { lossGraceMs: 10_000 } });
  for (const name of names) await fleet.addNode(name);
  return fleet;
}

async function carryOut(fleet: SimulatedFleet, one: Step): Promise<unknown> {
  switch (one.do) {
    case "availability":
      return fleet.setNode(one.node, { spec: { availability: one.to } });
    case "power":
      if (one.on) fleet.off.delete(one.node);
      else fleet.off.add(one.node);
      return fleet.setNode(one.node, { state: one.on ? "ready" : "disconnected" });
    case "remove":
      return fleet.removeNode(one.node);
    case "register":
      return register(fleet, one.node);
    case "scale":
      return fleet.setService("web", (spec) => ({ ...spec, replicas: one.replicas }));
    case "image":
      return fleet.setImage("web", one.image);
    case "kill":
      return fleet.update(({ tasks }) => {
        const task = tasks.find().find((each) => stateOf(each) === "running" && isWanted(each));
        if (task !== undefined)
          tasks.update({
            ...task,
            status: { ...task.status, state: "failed", since: new Date(fleet.clock.now()).toISOString() },
          });
      });
    case "own":
      return own(fleet, one);
    case "disown":
      return disown(fleet, 1);
    case "work":
      return fleet.work(({ spec }) => ((spec.slot ?? 0) % 2 === 1) === one.odd);
    case "round":
      return Promise.all(fleet.reconcilers.map((reconciler) => reconciler.round()));
    case "decide":
      return fleet.decideForLater();
    case "late":
      return fleet.carryOutLate();
    case "pass":
      return fleet.pass(one.seconds);
    default:
      return one satisfies never;
  }
}

/** Where no node of that name is. */
async function register(fleet: SimulatedFleet, name: string): Promise<void> {
  if ((await fleet.world()).nodes.some(({ metadata }) => metadata.name === name)) return;
  fleet.off.delete(name);
  await fleet.addNode(name);
}

/** A node goes when its tasks have, or are given up. */
function neverNowhere({ nodes, tasks }: World): void {
  const there = new Set(nodes.map(({ metadata }) => metadata.name));
  const nowhere = tasks.filter((task) => isAssigned(task) && !isOver(task) && !there.has(task.spec.nodeName ?? ""));
  expect(nowhere.map(({ metadata, spec }) => `${metadata.name} on ${spec.nodeName}`)).toEqual([]);
}

function cpusTaken({ tasks, standing }: World, name: string): number {
  const there = tasks.filter((task) => task.spec.nodeName === name && isAssigned(task) && !isOver(task));
  const templates = [
    ...there.map(({ spec }) => spec.template),
    ...standing.filter(({ nodeName }) => nodeName === name).map(({ tenant }) => tenant.template),
  ];
  return templates.reduce((sum, { spec }) => sum + (spec.resources?.reservations?.cpus ?? 0), 0);
}

function neverOverfilled(world: World): void {
  for (const name of names) expect(cpusTaken(world, name), `cpus of ${name}`).toBeLessThanOrEqual(cpusOfNode);
}

/** A person's container, where there is room for it. */
async function own(fleet: SimulatedFleet, { node: on, cpus }: { readonly node: string; readonly cpus: number }): Promise<void> {
  const world = await fleet.world();
  if (cpusTaken(world, on) + cpus > cpusOfNode) return;
  await fleet.addContainer(`own-${world.standing.length}-${fleet.clock.now()}`, on, { cpus });
}

/** Some of them, or all, are removed. */
const disown = (fleet: SimulatedFleet, count = Number.POSITIVE_INFINITY): Promise<unknown> =>
  fleet.update(({ containers }) => {
    for (const { metadata } of containers.find().slice(0, count)) containers.delete(metadata.name, { namespace: "default" });
  });

/** Two are wanted in a place only while an update starts the new one first. */
function neverTwice({ tasks }: World): void {
  const there = tasks.filter((task) => isWanted(task) && !isOver(task));
  const places = there.map(({ spec }) => `${spec.slot ?? spec.nodeName} ${spec.template.spec.image}`);
  expect(places.toSorted()).toEqual([...new Set(places)].sort());
}

function pureAndRepeatable(world: World, now: number): void {
  expect(decide({ ...world, now }, defaultPolicy)).toEqual(decide({ ...world, now }, defaultPolicy));
}

describe("whatever happens", () => {
  it("the fleet comes to rest as it should be: all replicas that fit, none where none may be, nothing left over", async () => {
    await fc.assert(
      fc.asyncProperty(
        settings,
        fc.array(step, { maxLength: 14 }),
        async ({ mode, replicas, update, reconcilers, ...size }, steps) => {
          // To start the new one first there must be room for both.
          const cpus = update.order === "start-first" ? 0.5 : size.cpus;
          const fleet = await open({ reconcilers });
          fleet.onWorld = (world) => {
            neverNowhere(world);
            neverOverfilled(world);
            neverTwice(world);
            pureAndRepeatable(world, fleet.clock.now());
          };
          await fleet.addService("web", { mode, replicas, template: templateOf("app:1", cpus), update });
          for (const one of steps) await carryOut(fleet, one);
          await fleet.pass(60);
          nobodyWhereNoneMayBe(await fleet.world(), fleet);
          for (const name of names) await register(fleet, name);
          await disown(fleet);
          for (const name of names) await carryOut(fleet, { do: "power", node: name, on: true });
          for (const name of names) await carryOut(fleet, { do: "availability", node: name, to: "active" });
          await fleet.setImage("web", "app:9");
          await fleet.pass(600);
          allAsWished(await fleet.world(), cpus);
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});

function nobodyWhereNoneMayBe({ nodes, tasks }: World, { off }: SimulatedFleet): void {
  expect(nodes.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)).toEqual([]);
  const barred = new Set(
    nodes
      .filter(({ metadata, spec }) => spec.availability === "drain" || off.has(metadata.name))
      .map(({ metadata }) => metadata.name),
  );
  expect(
    tasks.filter((task) => isWanted(task) && barred.has(task.spec.nodeName ?? "")).map(({ metadata }) => metadata.name),
  ).toEqual([]);
}

function allAsWished(world: World, cpus: number): void {
  const [service] = world.services;
  const wanted = service?.spec.mode === "global" ? names.length : (service?.spec.replicas ?? 0);
  const fit = Math.min(wanted, names.length * Math.floor(cpusOfNode / cpus));
  const running = runningOf(world);
  expect(running).toHaveLength(fit);
  expect(imagesOf(running)).toEqual(fit === 0 ? [] : ["app:9"]);
  expect(new Set(running.map(({ spec }) => spec.slot ?? spec.nodeName)).size).toBe(fit);
  expect(world.tasks.filter(isWanted)).toHaveLength(wanted);
  expect(service?.status).toMatchObject({ replicas: wanted, readyReplicas: fit, updatedReplicas: wanted });
  const perPlace = [...Map.groupBy(world.tasks, ({ spec }) => spec.slot ?? spec.nodeName).values()].map(({ length }) => length);
  expect(Math.max(0, ...perPlace)).toBeLessThanOrEqual(defaultPolicy.historyMax + 2);
}

describe("an update", () => {
  const updates = fc.record({
    replicas: fc.integer({ min: 1, max: 6 }),
    parallelism: fc.integer({ min: 1, max: 3 }),
    delay: fc.constantFrom("0s", "3s"),
    order: fc.constantFrom("stop-first", "start-first"),
    reconcilers: fc.integer({ min: 1, max: 2 }),
    /** Whose engine gets a turn in each round: slots by remainder, so that tasks start out of order. */
    turns: fc.array(fc.record({ slot: fc.integer({ min: 0, max: 3 }), does: fc.constantFrom("round", "decide", "late") }), {
      maxLength: 20,
    }),
  });

  it("has at most `parallelism` tasks down at once, none with start-first, and ends complete", async () => {
    await fc.assert(
      fc.asyncProperty(updates, async ({ replicas, parallelism, delay, order, reconcilers, turns }) => {
        const fleet = await open({ reconcilers });
        await fleet.addService("web", {
          replicas,
          template: templateOf("app:1", 0.5),
          update: { parallelism, delay, order, monitor: "0s" },
        });
        await fleet.rest();
        const least = order === "start-first" ? replicas : Math.max(0, replicas - parallelism);
        fleet.onWorld = (world) => expect(runningOf(world).length).toBeGreaterThanOrEqual(least);
        await fleet.setImage("web", "app:2");
        for (const turn of turns) {
          await carryOut(fleet, { do: turn.does });
          await fleet.work(({ spec }) => (spec.slot ?? 0) % 4 === turn.slot);
        }
        await fleet.pass(120);
        expect(imagesOf(runningOf(await fleet.world()))).toEqual(["app:2"]);
        expect((await fleet.service("web")).status?.update?.state).toBe("completed");
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it("that fails ends at the former template, whichever task fails", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 1, max: 2 }),
        async (replicas, bad, reconcilers) => {
          const isBad = (task: World["tasks"][number]) =>
            task.spec.template.spec.image === "app:2" && (task.spec.slot ?? 0) > bad;
          const fleet = await SimulatedFleet.open({ reconcilers, fateOf: (task) => (isBad(task) ? "fails" : "runs") });
          await fleet.addNode("a");
          await fleet.addService("web", {
            replicas,
            template: templateOf("app:1", 0.1),
            update: { failureAction: "rollback", monitor: "1s" },
          });
          await fleet.rest();
          await fleet.setImage("web", "app:2");
          await fleet.pass(300);
          const fails = replicas > bad;
          const running = runningOf(await fleet.world());
          expect([running.length, imagesOf(running)]).toEqual([replicas, [fails ? "app:1" : "app:2"]]);
          const service = await fleet.service("web");
          expect(service.spec.template.spec.image).toBe(fails ? "app:1" : "app:2");
          expect(service.status?.update?.state).toBe(fails ? "rollback_completed" : "completed");
        },
      ),
      { numRuns: 30 },
    );
  }, 120_000);
});
