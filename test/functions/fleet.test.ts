/**
 * A fleet on Lambda: the reconciler's handler, woken by a queue as the bus and the healer fill it, on simulated engines. No process lives
 * between two calls: whatever is known stands in the state.
 */

import { describe, expect, it, onTestFinished } from "vitest";
import { openWorkshop } from "../../functions/aws/workshop.ts";
import { healHandler } from "../../functions/healer/heal.ts";
import { type FleetShop, openFleetShop } from "../../functions/reconciler/fleet-shop.ts";
import { reconcileHandler } from "../../functions/reconciler/reconcile.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { isWanted, stateOf } from "../../shared/fleet/reconcile/world.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import { clusterKind } from "../../shared/kinds/cluster.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { serviceKind } from "../../shared/kinds/service.ts";
import type { Task } from "../../shared/kinds/task.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { dying, writeOrRemove } from "../../shared/state/garbage/deletion.ts";
import type { Store } from "../../shared/state/store.ts";
import { runs } from "../fleet/commands.ts";
import { LeapClock } from "../fleet/leap-clock.ts";
import { noSecrets } from "../fleet/map-secrets.ts";
import { MemoryBus } from "./memory-bus.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { contextOf } from "./stream.ts";

const byUser = { actor: "user" };
const minuteMs = 60_000;

class LambdaFleet {
  readonly clock = new LeapClock();
  readonly queue = new MemoryQueue(this.clock);
  readonly engines = new Map<string, SimulatedEngine>();
  /** Deliveries of each message. */
  times = 1;
  readonly #memory = openMemory({ appendMax: 1 });
  readonly #common = { clock: this.clock, ids: systemIds, logger: silentLogger };
  #shop: Promise<FleetShop> | undefined;

  constructor() {
    onTestFinished(async () => {
      (await this.shop()).clusters.close();
      for (const { world } of this.engines.values()) world.clear();
    });
  }

  shop(): Promise<FleetShop> {
    this.#shop ??= openFleetShop({
      ...this.#common,
      ...this.#memory,
      queue: this.queue,
      secrets: noSecrets,
      open: async ({ address }) => {
        const engine = this.engines.get(address);
        if (engine === undefined) throw new Error(`no engine at ${address}`);
        return engine.open();
      },
    });
    return this.#shop;
  }

  /** A new environment takes the next calls: what the one before held in memory is gone. */
  async forget(): Promise<void> {
    (await this.shop()).clusters.close();
    this.#shop = undefined;
  }

  async store(): Promise<Store> {
    const store = await (await this.shop()).clusters.resolve("default");
    if (store === undefined) throw new Error("the default cluster is there");
    return store;
  }

  async addNode(name: string): Promise<SimulatedEngine> {
    const address = `tcp://${name}:2375`;
    const engine = new SimulatedEngine({ address, clock: this.clock, random: Math.random });
    this.engines.set(address, engine);
    await this.addNodeAt(name, address);
    return engine;
  }

  async addNodeAt(name: string, address: string): Promise<void> {
    const spec = nodeKind.spec.parse({ address });
    const store = await this.store();
    await store.update(({ nodes }) => nodes.create({ apiVersion, kind: "Node", metadata: { name }, spec }), byUser);
  }

  /** As the interface's DELETE does. */
  async removeNode(name: string): Promise<void> {
    const now = this.clock.now();
    await (await this.store()).update((transaction) => {
      const node = transaction.nodes.get(name);
      if (node) writeOrRemove(transaction, nodeKind, dying(nodeKind, node, { propagation: undefined, now }));
    }, byUser);
  }

  /** With its tasks, as the interface's collector does. */
  async removeService(): Promise<void> {
    await (await this.store()).update(({ services, tasks }) => {
      services.delete("web", { namespace: "default" });
      for (const { metadata } of tasks.find()) tasks.delete(metadata.name, { namespace: "default" });
    }, byUser);
  }

  async node(name: string) {
    return (await (await this.store()).view(({ nodes }) => nodes.get(name))).value;
  }

  async nodeNames(): Promise<readonly string[]> {
    const { value } = await (await this.store()).view(({ nodes }) => nodes.find());
    return value.map(({ metadata }) => metadata.name);
  }

  containersAt(name: string): number | undefined {
    return this.engines.get(`tcp://${name}:2375`)?.world.containers.size;
  }

  async addService(replicas: number): Promise<void> {
    const template = { spec: { image: "busybox", command: runs, stopGracePeriod: "1s" } };
    const spec = serviceKind.spec.parse({ replicas, template });
    const metadata = { name: "web", namespace: "default" };
    const store = await this.store();
    await store.update(({ services }) => services.create({ apiVersion, kind: "Service", metadata, spec }), byUser);
  }

  /** As a rule on the bus does for a change. */
  async wake(): Promise<void> {
    this.queue.put(JSON.stringify({ cluster: (await this.store()).uid }));
  }

  /** All that is due, and what it wakes within `ms`. */
  async work(ms = 20_000): Promise<void> {
    const endsAt = this.clock.now() + ms;
    const handler = reconcileHandler(() => this.shop());
    for (;;) {
      while (await this.queue.deliver((event) => handler(event, contextOf(300_000)), this.times));
      const { dueMs } = this.queue;
      if (dueMs === undefined || dueMs > endsAt) return;
      this.clock.leap(dueMs - this.clock.now());
    }
  }

  /** The schedule's minute. */
  async minute(): Promise<void> {
    this.clock.leap(minuteMs);
    const workshop = await openWorkshop({ ...this.#common, ...this.#memory, bus: new MemoryBus() });
    const place = { namespace: "Windlass", stack: "Test" };
    await healHandler({ open: async () => workshop, queue: this.queue, place, write: () => undefined })({}, contextOf(minuteMs));
    workshop.clusters.close();
  }

  async tasks(): Promise<readonly Task[]> {
    return (await (await this.store()).view(({ tasks }) => tasks.find())).value;
  }

  /** Nodes of those that run and are meant to. */
  async places(): Promise<readonly string[]> {
    const running = (await this.tasks()).filter((task) => isWanted(task) && stateOf(task) === "running");
    return running.map(({ spec }) => spec.nodeName ?? "").sort();
  }

  async nodeState(name: string) {
    return (await this.node(name))?.status?.state;
  }

  containers(): number {
    return [...this.engines.values()].reduce((sum, { world }) => sum + world.containers.size, 0);
  }
}

async function fleetOf(nodes: readonly string[], replicas: number): Promise<LambdaFleet> {
  const fleet = new LambdaFleet();
  for (const name of nodes) await fleet.addNode(name);
  await fleet.addService(replicas);
  return fleet;
}

describe("a fleet on Lambda", () => {
  it("services get their replicas when the bus wakes it", async () => {
    const fleet = await fleetOf(["a", "b"], 4);
    await fleet.wake();
    await fleet.work();
    expect(await fleet.places()).toEqual(["a", "a", "b", "b"]);
    expect(fleet.containers()).toBe(4);
  });

  it("wake-ups that come twice, at once, do no harm", async () => {
    const fleet = await fleetOf(["a", "b"], 5);
    fleet.times = 3;
    await fleet.wake();
    await fleet.wake();
    await fleet.work();
    expect([(await fleet.places()).length, (await fleet.tasks()).length, fleet.containers()]).toEqual([5, 5, 5]);
  });

  it("wake-ups that are lost: the schedule's minute does the same", async () => {
    const fleet = await fleetOf(["a"], 2);
    await fleet.wake();
    fleet.queue.lose();
    // The first one writes the rows that the next one reads: no publisher was woken either.
    await fleet.minute();
    await fleet.minute();
    await fleet.work();
    expect(await fleet.places()).toEqual(["a", "a"]);
  });

  it("a node that is lost: its tasks run elsewhere; back, only current ones run on it", async () => {
    const fleet = await fleetOf(["a", "b"], 4);
    await fleet.wake();
    await fleet.work();
    const lost = fleet.engines.get("tcp://a:2375");
    lost?.faults.set({ kind: "unreachable" });
    for (let minute = 0; minute < 4; minute += 1) {
      await fleet.minute();
      await fleet.work();
      await fleet.forget();
    }
    expect(await fleet.nodeState("a")).toBe("down");
    expect(await fleet.places()).toEqual(["b", "b", "b", "b"]);
    expect(lost?.world.containers.size).toBe(2);
    lost?.faults.set(undefined);
    await fleet.minute();
    await fleet.work();
    expect([await fleet.nodeState("a"), lost?.world.containers.size]).toEqual(["ready", 0]);
  });

  it("a node that is removed: its containers go, its tasks run elsewhere, and then it goes, woken once", async () => {
    const fleet = await fleetOf(["a", "b"], 4);
    await fleet.wake();
    await fleet.work();
    expect(fleet.containers()).toBe(4);
    await fleet.removeNode("a");
    expect(await fleet.nodeNames()).toEqual(["a", "b"]);
    await fleet.wake();
    await fleet.work();
    expect([await fleet.nodeNames(), await fleet.places()]).toEqual([["b"], ["b", "b", "b", "b"]]);
    expect(fleet.containersAt("a")).toBe(0);
  });

  it("all nodes are removed: no container stays, and the tasks wait", async () => {
    const fleet = await fleetOf(["a", "b"], 4);
    await fleet.wake();
    await fleet.work();
    for (const name of ["a", "b"]) await fleet.removeNode(name);
    await fleet.wake();
    await fleet.work();
    expect([await fleet.nodeNames(), fleet.containers()]).toEqual([[], 0]);
    expect((await fleet.tasks()).map(stateOf)).toEqual(["pending", "pending", "pending", "pending"]);
  });

  it("its service goes with its nodes, in any order: no container stays", async () => {
    const fleet = await fleetOf(["a", "b"], 4);
    await fleet.wake();
    await fleet.work();
    await fleet.removeNode("a");
    await fleet.removeService();
    await fleet.removeNode("b");
    await fleet.wake();
    await fleet.work();
    expect([await fleet.nodeNames(), fleet.containers(), await fleet.tasks()]).toEqual([[], 0, []]);
  });

  it("a node that is removed while its engine is out goes when it is given up; one without tasks at once", async () => {
    const fleet = await fleetOf(["a", "b"], 2);
    await fleet.wake();
    await fleet.work();
    await fleet.addNode("c");
    await fleet.removeNode("c");
    expect(await fleet.nodeNames()).toEqual(["a", "b"]);
    fleet.engines.get("tcp://a:2375")?.faults.set({ kind: "unreachable" });
    await fleet.removeNode("a");
    await fleet.wake();
    await fleet.work(0);
    expect(await fleet.nodeNames()).toEqual(["a", "b"]);
    for (let minute = 0; minute < 4; minute += 1) {
      await fleet.minute();
      await fleet.work();
    }
    expect([await fleet.nodeNames(), await fleet.places()]).toEqual([["b"], ["b", "b"]]);
  });

  it("a node that comes back under another name while the former one is removed takes tasks when that one has gone", async () => {
    const fleet = await fleetOf(["a"], 2);
    await fleet.wake();
    await fleet.work();
    const { faults } = fleet.engines.get("tcp://a:2375") ?? {};
    faults?.set({ kind: "failing", status: 500, message: "later" }, (call) => call === "container remove");
    await fleet.removeNode("a");
    await fleet.addNodeAt("again", "tcp://a:2375");
    for (let minute = 0; minute < 2; minute += 1) {
      await fleet.minute();
      await fleet.work();
    }
    const again = (await fleet.node("again"))?.status;
    expect([again?.state, again?.message]).toEqual([
      "down",
      expect.stringContaining("is not used before that one, which is being removed, has gone"),
    ]);
    faults?.set(undefined);
    for (let minute = 0; minute < 3; minute += 1) {
      await fleet.minute();
      await fleet.work();
    }
    expect([await fleet.nodeNames(), await fleet.places(), fleet.containers()]).toEqual([["again"], ["again", "again"], 2]);
  });

  it("a cluster without nodes costs one read a minute, and no round", async () => {
    const fleet = new LambdaFleet();
    await fleet.minute();
    expect(fleet.queue.sent).toEqual([]);
  });

  it("a cluster that is paused is left as it is, until it is not", async () => {
    const fleet = await fleetOf(["a"], 1);
    const { clusters } = await fleet.shop();
    const pause = (paused: boolean) =>
      clusters.root.update((transaction) => {
        const there = transaction.of(clusterKind).get("default");
        if (there !== undefined) transaction.of(clusterKind).update({ ...there, spec: { ...there.spec, paused } });
      }, byUser);
    await pause(true);
    await fleet.wake();
    await fleet.work();
    expect(await fleet.tasks()).toEqual([]);
    await pause(false);
    await fleet.wake();
    await fleet.work();
    expect(await fleet.places()).toEqual(["a"]);
  });

  it("what is no message of ours, and a cluster that is gone, are passed over", async () => {
    const fleet = new LambdaFleet();
    for (const body of ["", "{}", "null", '{"cluster":1}', '{"cluster":"gone"}', "x".repeat(1_000)]) fleet.queue.put(body);
    await fleet.work();
    expect(fleet.queue.size).toBe(0);
  });
});

describe("a cluster that is deleted", () => {
  /** Asks for the end of the default cluster; whether it is there still. Its name may be another's by then. */
  const remove = async (fleet: LambdaFleet): Promise<() => Promise<boolean>> => {
    const { uid } = await fleet.store();
    const { clusters } = await fleet.shop();
    await clusters.root.update((transaction) => {
      const there = transaction.clusters.get("default");
      const now = fleet.clock.now();
      if (there) writeOrRemove(transaction, clusterKind, dying(clusterKind, there, { propagation: undefined, now }));
    }, byUser);
    return async () => (await clusters.list()).some(({ metadata }) => metadata.uid === uid);
  };

  it("goes when the reconciler has removed its containers, and not before", async () => {
    const fleet = await fleetOf(["a", "b"], 4);
    await fleet.wake();
    await fleet.work();
    expect(fleet.containers()).toBe(4);
    const isThere = await remove(fleet);
    fleet.times = 2;
    for (let minute = 0; minute < 3; minute += 1) {
      await fleet.minute();
      expect(await isThere()).toBe(true);
    }
    await fleet.work();
    expect(fleet.containers()).toBe(0);
    await fleet.minute();
    expect(await isThere()).toBe(false);
  });

  it("goes without a node that is out, after a while", async () => {
    const fleet = await fleetOf(["a", "b"], 4);
    await fleet.wake();
    await fleet.work();
    fleet.engines.get("tcp://a:2375")?.faults.set({ kind: "unreachable" });
    const isThere = await remove(fleet);
    for (let minute = 0; minute < 13; minute += 1) {
      await fleet.minute();
      await fleet.work(0);
      if (minute === 8) expect([await isThere(), fleet.containers()]).toEqual([true, 2]);
    }
    expect([await isThere(), fleet.containers()]).toEqual([false, 2]);
  });

  it("goes at last when no reconciler is there", async () => {
    const fleet = await fleetOf(["a"], 1);
    await fleet.wake();
    await fleet.work();
    const isThere = await remove(fleet);
    for (let minute = 0; minute < 14; minute += 1) await fleet.minute();
    expect(await isThere()).toBe(true);
    for (let minute = 0; minute < 3; minute += 1) await fleet.minute();
    expect(await isThere()).toBe(false);
  });
});

describe("what must wait", () => {
  it("is woken again, each time later, and left to the schedule in the end", async () => {
    const fleet = await fleetOf(["a"], 1);
    const engine = fleet.engines.get("tcp://a:2375");
    engine?.faults.set({ kind: "failing", status: 503, message: "later" }, (call) => call === "container create");
    await fleet.wake();
    await fleet.work(minuteMs);
    const waits = fleet.queue.sent.filter(({ wake }) => wake.health !== true).map(({ delaySeconds }) => delaySeconds);
    expect(waits.length).toBeLessThan(12);
    expect(Math.max(...waits)).toBeLessThan(60);
  });
});
