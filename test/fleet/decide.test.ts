/** decide on given worlds: what each condition of nodes, tasks and services asks for, told as one line an action. */
import { describe, expect, it } from "vitest";
import type { Action } from "../../shared/fleet/reconcile/actions.ts";
import { decide } from "../../shared/fleet/reconcile/decide.ts";
import { taskName } from "../../shared/fleet/reconcile/slots.ts";
import { templateHash } from "../../shared/fleet/reconcile/template-hash.ts";
import { defaultPolicy, type Policy, type World } from "../../shared/fleet/reconcile/world.ts";
import { checkName } from "../../shared/kinds/names.ts";
import { ago, type NodeOptions, nodeAt, now, serviceAt, type TaskAtOptions, taskAt, templateOf } from "./objects.ts";

const ask = (world: Partial<World>, policy: Partial<Policy> = {}) =>
  decide({ now, nodes: [nodeAt("a")], services: [], tasks: [], standing: [], ...world }, { ...defaultPolicy, ...policy });

/** Without what is told of services and nodes. */
const lines = (actions: readonly Action[]): string[] =>
  actions.filter((action) => action.do !== "service" && action.do !== "node").flatMap(line);

function line(action: Action): string[] {
  switch (action.do) {
    case "change": {
      const { task, desiredState, nodeName, state } = action;
      return [[task.metadata.name, desiredState, state, nodeName && `on ${nodeName}`].filter(Boolean).join(" ")];
    }
    case "replace": {
      const { create, ends } = action;
      const name = taskName(create.service, create.place, create.number);
      return [...ends.flatMap((end) => line(end)), `+${name} ${create.desiredState} on ${create.nodeName ?? "none"}`];
    }
    case "step":
      return [`step ${action.step}`, ...action.replaces.flatMap(line)];
    case "delete":
      return [`-${action.task.metadata.name}`];
    case "service":
      return [`${action.service.metadata.name} ${action.status.update?.state}`];
    case "hold":
    case "release":
      return [`${action.do} ${action.node.metadata.name}`];
    case "node":
      return [`${action.node.metadata.name} ${action.drained?.message}`];
    default:
      return action satisfies never;
  }
}

describe("a task that ended", () => {
  const policyOf = (condition: string) =>
    serviceAt("web", { template: templateOf({ restartPolicy: { condition, delay: "10s" } }) });
  it.each([
    ["any", "failed", ["web.1.1 shutdown", "+web.1.2 ready on a"]],
    ["any", "complete", ["web.1.1 shutdown", "+web.1.2 ready on a"]],
    ["any", "rejected", ["web.1.1 shutdown", "+web.1.2 ready on a"]],
    ["on-failure", "failed", ["web.1.1 shutdown", "+web.1.2 ready on a"]],
    ["on-failure", "complete", ["web.1.1 shutdown"]],
    ["none", "failed", ["web.1.1 shutdown"]],
    ["none", "complete", ["web.1.1 shutdown"]],
  ] as const)("condition %s, %s", (condition, state, expected) => {
    const service = policyOf(condition);
    const tasks = [taskAt("web.1.1", { service, slot: 1, node: "a", state, since: ago(1) })];
    expect(lines(ask({ services: [service], tasks }).actions)).toEqual(expected);
  });

  it.each([
    ["before the delay is over", 9, [], now + 1_000],
    ["when the delay is over", 10, ["web.1.2 running"], undefined],
  ])("its replacement, %s", (_, seconds, expected, wakeAt) => {
    const service = policyOf("any");
    const tasks = [
      taskAt("web.1.1", {
        service,
        slot: 1,
        node: "a",
        state: "failed",
        desired: "shutdown",
        since: ago(seconds),
        startedAt: ago(seconds),
      }),
      taskAt("web.1.2", { service, slot: 1, node: "a", state: "ready", desired: "ready", created: ago(seconds) }),
    ];
    const decision = ask({ services: [service], tasks });
    expect([lines(decision.actions), decision.wakeAt]).toEqual([expected, wakeAt]);
  });

  it("one that ran for ten minutes delays as the first did", () => {
    const service = policyOf("any");
    const failed = (name: string, seconds: number, ran: number) =>
      taskAt(name, {
        service,
        slot: 1,
        node: "a",
        state: "failed",
        desired: "shutdown",
        since: ago(seconds),
        startedAt: ago(seconds + ran),
      });
    const waiting = taskAt("web.1.4", { service, slot: 1, node: "a", state: "ready", desired: "ready" });
    const wakeAfter = (last: number) =>
      ask({
        services: [service],
        tasks: [failed("web.1.1", 50, 1), failed("web.1.2", 30, 1), failed("web.1.3", 1, last), waiting],
      }).wakeAt;
    expect([wakeAfter(1), wakeAfter(600)]).toEqual([now + 39_000, now + 9_000]);
  });
});

describe("a task's node", () => {
  const moved = ["web.1.1 shutdown", "+web.1.2 ready on b"];
  const lost = ["web.1.1 shutdown orphaned", "+web.1.2 running on b"];
  it.each<readonly [string, NodeOptions | undefined, readonly string[]]>([
    ["ready", {}, []],
    ["paused", { spec: { availability: "pause" } }, []],
    ["drained", { spec: { availability: "drain" } }, moved],
    ["no longer accepted", { spec: { membership: "pending" } }, moved],
    ["silent within the grace time", { state: "disconnected", since: ago(59) }, []],
    ["silent for the grace time", { state: "disconnected", since: ago(60) }, lost],
    ["silent, nobody knows since when", { state: "disconnected" }, []],
    ["down", { state: "down" }, lost],
    ["not there", undefined, lost],
  ])("%s", (_, options, expected) => {
    const service = serviceAt("web");
    const nodes = [...(options === undefined ? [] : [nodeAt("a", options)]), nodeAt("b")];
    const tasks = [taskAt("web.1.1", { service, slot: 1, node: "a" })];
    expect(lines(ask({ nodes, services: [service], tasks }).actions)).toEqual(expected);
  });

  it("silent: the decision is asked for again when the grace time is over", () => {
    const service = serviceAt("web");
    const tasks = [taskAt("web.1.1", { service, slot: 1, node: "a" })];
    const { wakeAt } = ask({ nodes: [nodeAt("a", { state: "disconnected", since: ago(20) })], services: [service], tasks });
    expect(wakeAt).toBe(now + 40_000);
  });
});

describe("places", () => {
  const five = ["web.1.1", "web.2.1", "web.3.1"] as const;
  const service = (replicas: number) => serviceAt("web", { spec: { replicas } });
  const at = (name: string, slot: number, options: TaskAtOptions = {}) =>
    taskAt(name, { service: service(1), slot, node: "a", ...options });

  it("the lowest free slots are filled, also below those that are there", () => {
    expect(lines(ask({ services: [service(3)], tasks: [at("web.2.1", 2)] }).actions)).toEqual([
      "+web.1.1 running on a",
      "+web.3.1 running on a",
    ]);
  });

  it("what does not run goes first, then what shares its node", () => {
    const nodes = [nodeAt("a"), nodeAt("b")];
    const tasks = [at(five[0], 1), at(five[1], 2), at(five[2], 3, { node: "b", state: "starting" })];
    expect(lines(ask({ nodes, services: [service(2)], tasks }).actions)).toEqual(["web.3.1 remove"]);
    expect(lines(ask({ nodes, services: [service(1)], tasks: [at(five[0], 1), at(five[1], 2, { node: "b" })] }).actions)).toEqual(
      ["web.2.1 remove"],
    );
  });

  it("a removed task is deleted when it has stopped, and its history with it", () => {
    const tasks = [
      at("web.1.1", 1, { desired: "shutdown", state: "failed" }),
      at("web.1.2", 1, { desired: "remove", state: "shutdown" }),
    ];
    expect(lines(ask({ services: [service(0)], tasks }).actions)).toEqual(["-web.1.1", "-web.1.2"]);
  });

  it("of two in one slot the one that runs stays", () => {
    const tasks = [at("web.1.1", 1, { state: "starting" }), at("web.1.2", 1)];
    expect(lines(ask({ services: [service(1)], tasks }).actions)).toEqual(["web.1.1 shutdown"]);
  });

  it("historyMax ended tasks are kept for a slot, the newest", () => {
    const past = [1, 2, 3, 4].map((number) =>
      at(`web.1.${number}`, 1, { desired: "shutdown", state: "failed", since: ago(9_000) }),
    );
    expect(lines(ask({ services: [service(1)], tasks: [...past, at("web.1.5", 1)] }, { historyMax: 2 }).actions)).toEqual([
      "-web.1.1",
      "-web.1.2",
    ]);
  });

  it("a task of the service without a place, and one left from another mode, go", () => {
    const global = serviceAt("web", { spec: { mode: "global" } });
    const tasks = [at("web.1.1", 1), taskAt("web.a.1", { service: global, node: "a" })];
    expect(lines(ask({ services: [global], tasks }).actions)).toEqual(["web.1.1 remove"]);
    expect(lines(ask({ services: [service(1)], tasks }).actions)).toEqual(["web.a.1 remove"]);
  });

  it("names are valid, however long the service's and the node's are", () => {
    const long = serviceAt(`${"s".repeat(100)}.${"t".repeat(100)}`);
    const names = ["n".repeat(200), `${"n".repeat(199)}m`].map((nodeName) => taskName(long, { nodeName }, 12));
    expect(names.flatMap((name) => checkName(name))).toEqual([]);
    expect(new Set(names).size).toBe(2);
    expect(taskName(long, { slot: 3 }, 4)).toMatch(/\.3\.4$/);
  });
});

describe("an update", () => {
  const [old, current] = [templateOf({ image: "app:1" }), templateOf({ image: "app:2" })];
  const updateOf = (part: object = {}) => ({
    state: "updating" as const,
    startedAt: ago(30),
    generation: 1,
    templateHash: templateHash(current),
    step: 7,
    ...part,
  });
  const serviceWith = (part: object, spec: object = {}, generation = 1) =>
    serviceAt("web", {
      spec: { replicas: 2, ...spec },
      template: current,
      status: { replicas: 2, readyReplicas: 2, updatedReplicas: 0, update: updateOf(part) },
      metadata: { generation },
    });
  const task = (name: string, slot: number, options: TaskAtOptions = {}) =>
    taskAt(name, { service: serviceWith({}), slot, node: "a", template: old, ...options });
  const fresh = { template: current, created: ago(20) };
  const states = (actions: readonly Action[]) =>
    actions.flatMap((action) => (action.do === "service" ? [action.status.update?.state] : []));

  it("begins with the first difference, and takes its first step in the next round", () => {
    const service = serviceAt("web", { spec: { replicas: 2 }, template: current });
    const { actions } = ask({ services: [service], tasks: [task("web.1.1", 1), task("web.2.1", 2)] });
    expect([states(actions), lines(actions)]).toEqual([["updating"], []]);
    expect(actions).toMatchObject([{ status: { update: { formerTemplate: { spec: { image: "app:1" } }, step: 1 } } }]);
  });

  it("the order of fields is no difference", () => {
    const [one, other] = [templateOf({ env: { A: "1", B: "2" } }), templateOf({ env: { B: "2", A: "1" } })];
    expect(templateHash(one)).toBe(templateHash(other));
    const tasks = [taskAt("web.1.1", { service: serviceAt("web"), slot: 1, node: "a", template: other })];
    expect(states(ask({ services: [serviceAt("web", { template: one })], tasks }).actions)).toEqual([undefined]);
  });

  it("takes what does not run first", () => {
    const tasks = [task("web.1.1", 1), task("web.2.1", 2, { state: "starting" })];
    expect(lines(ask({ services: [serviceWith({})], tasks }).actions)).toEqual([
      "step 7",
      "web.2.1 shutdown",
      "+web.2.2 ready on a",
    ]);
  });

  it.each([
    ["that is not running yet", { state: "starting" }, undefined],
    ["that runs, within the delay", { startedAt: ago(5) }, now + 5_000],
  ] as const)("waits for a new task %s", (_, options, wakeAt) => {
    const tasks = [task("web.1.2", 1, { ...fresh, ...options }), task("web.2.1", 2)];
    const decision = ask({ services: [serviceWith({}, { update: { delay: "10s" } })], tasks });
    expect([lines(decision.actions), decision.wakeAt]).toEqual([[], wakeAt]);
  });

  it.each([
    ["before it ran", {}, "paused"],
    ["soon after it ran", { startedAt: ago(4) }, "paused"],
    ["after the monitored time", { startedAt: ago(15) }, "updating"],
    ["before this update", { created: ago(40) }, "updating"],
  ] as const)("a new task that failed %s", (_, options, expected) => {
    const failed = task("web.1.2", 1, { ...fresh, state: "failed", since: ago(1), ...options });
    expect(states(ask({ services: [serviceWith({})], tasks: [failed, task("web.2.1", 2)] }).actions)).toEqual([expected]);
  });

  it("rolls back to the former template; where that is not known it pauses", () => {
    const failed = task("web.1.2", 1, { ...fresh, state: "failed", since: ago(1) });
    const decideWith = (part: object) =>
      ask({ services: [serviceWith(part, { update: { failureAction: "rollback" } })], tasks: [failed, task("web.2.1", 2)] })
        .actions;
    expect(states(decideWith({ formerTemplate: old }))).toEqual(["rollback_started"]);
    expect(decideWith({ formerTemplate: old }).find((action) => action.do === "service")).toMatchObject({ template: old });
    expect(states(decideWith({}))).toEqual(["paused"]);
  });

  it("a rollback that fails pauses, whatever its failure action would be", () => {
    const failed = task("web.1.2", 1, { ...fresh, state: "failed", since: ago(1) });
    const service = serviceWith({ state: "rollback_started" }, { update: { failureAction: "rollback" } });
    expect(states(ask({ services: [service], tasks: [failed, task("web.2.1", 2)] }).actions)).toEqual(["rollback_paused"]);
  });

  it.each([
    ["paused", 1, ["paused"]],
    ["paused", 2, ["updating"]],
    ["rollback_paused", 2, ["rollback_started"]],
  ])("%s, at generation %i of the spec", (state, generation, expected) => {
    const { actions } = ask({
      services: [serviceWith({ state }, {}, generation)],
      tasks: [task("web.1.1", 1), task("web.2.1", 2)],
    });
    expect([states(actions), lines(actions)]).toEqual([expected, []]);
  });

  it("is complete when all run for the monitored time", () => {
    const tasks = (seconds: number) => [1, 2].map((slot) => task(`web.${slot}.2`, slot, { ...fresh, startedAt: ago(seconds) }));
    const early = ask({ services: [serviceWith({})], tasks: tasks(4) });
    expect([states(early.actions), early.wakeAt]).toEqual([["updating"], now + 1_000]);
    expect(states(ask({ services: [serviceWith({})], tasks: tasks(5) }).actions)).toEqual(["completed"]);
  });
});
