/** The reconciler as a loop: it acts on what changes, on time alone, and ends when it is told to. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../shared/base/clock.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { Reconciler } from "../../shared/fleet/reconcile/reconciler.ts";
import { defaultPolicy, stateOf } from "../../shared/fleet/reconcile/world.ts";
import { type Node, nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion, type ObjectInput } from "../../shared/kinds/object.ts";
import { type Service, serviceKind } from "../../shared/kinds/service.ts";
import type { Task } from "../../shared/kinds/task.ts";
import type { Store } from "../../shared/state/store.ts";
import { openStore, watchedPorts } from "../state/watched-ports.ts";

const byUser = { actor: "user" };
const nodeOf = (name: string): ObjectInput<Node> => ({
  apiVersion,
  kind: "Node",
  metadata: { name },
  spec: nodeKind.spec.parse({ address: "tcp://10.0.0.1:2375" }),
  status: { state: "ready" },
});
const serviceOf = (replicas: number): ObjectInput<Service> => ({
  apiVersion,
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: serviceKind.spec.parse({ replicas, template: { spec: { image: "app:1", restartPolicy: { delay: "30ms" } } } }),
});

async function tasksWhen(store: Store, holds: (tasks: readonly Task[]) => boolean): Promise<readonly Task[]> {
  for (;;) {
    const { value } = await store.view(({ tasks }) => tasks.find());
    if (holds(value)) return value;
    await sleep(5);
  }
}

describe("the reconciler's loop", () => {
  it("acts on commits, starts what was put off when its time has come, and ends with its signal", async () => {
    const store = openStore(await watchedPorts(), systemClock);
    const stop = new AbortController();
    const policy = { ...defaultPolicy, lossGraceMs: 50 };
    const running = new Reconciler({ store, clock: systemClock, logger: silentLogger, policy }).run(stop.signal);
    try {
      await store.update(({ services }) => services.create(serviceOf(1)), byUser);
      await tasksWhen(store, ([task]) => task?.status?.message === "no suitable node (there are no nodes)");
      await store.update(({ nodes }) => nodes.create(nodeOf("a")), byUser);
      const [first] = await tasksWhen(store, ([task]) => task?.spec.nodeName === "a");
      await store.update(
        ({ tasks }) => first && tasks.update({ ...first, status: { state: "failed", since: new Date().toISOString() } }),
        byUser,
      );
      const both = await tasksWhen(store, (tasks) => tasks.length === 2 && tasks[1]?.spec.desiredState === "running");
      expect(both.map((task) => [stateOf(task), task.spec.restarts])).toEqual([
        ["failed", undefined],
        ["assigned", 1],
      ]);
      await store.update(
        ({ nodes }) => nodes.update({ ...nodeOf("a"), status: { state: "disconnected", since: new Date().toISOString() } }),
        byUser,
      );
      await tasksWhen(store, (tasks) => tasks.some((task) => stateOf(task) === "orphaned"));
    } finally {
      stop.abort();
      await running;
      store.close();
    }
  });

  it("a round that has committed for long enough leaves the rest to the next, at once", async () => {
    let leapMs = 0;
    const slow: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + leapMs };
    const ports = await watchedPorts();
    const store = openStore(ports, systemClock);
    const replicas = 3_000;
    await store.update(({ nodes, services }) => {
      nodes.create(nodeOf("a"));
      services.create(serviceOf(replicas));
    }, byUser);
    ports.before = (request) => {
      if (request.startsWith("append")) leapMs += 1_000;
    };
    const reconciler = new Reconciler({ store, clock: slow, logger: silentLogger });
    const first = await reconciler.round();
    expect(first.done).toBeGreaterThan(0);
    expect(first.done).toBeLessThan(first.decided);
    expect(first.wakeAt).toBeLessThanOrEqual(Date.now());
    let done = first.done;
    while (done < replicas) done += (await reconciler.round()).done;
    expect(await tasksWhen(store, () => true)).toHaveLength(replicas);
    store.close();
  });

  it("one object that can't be written does not hold up the others", async () => {
    const store = openStore(await watchedPorts(), systemClock);
    const huge = { image: "app:1", env: { TEXT: "x".repeat(130_350) } };
    const spec = serviceKind.spec.parse({ replicas: 1, template: { spec: huge } });
    await store.update(({ nodes, services }) => {
      nodes.create(nodeOf("a"));
      services.create({
        ...serviceOf(1),
        metadata: { name: "a-huge", namespace: "default" },
        spec: { ...spec, update: spec.update },
      });
      services.create(serviceOf(1));
    }, byUser);
    const reconciler = new Reconciler({ store, clock: systemClock, logger: silentLogger });
    const { decided, done } = await reconciler.round();
    expect(done).toBeLessThan(decided);
    const tasks = await tasksWhen(store, () => true);
    expect(tasks.map(({ spec: { serviceName } }) => serviceName)).toContain("web");
    store.close();
  });
});
