/** From a wish in the store to containers that run on engines. */
import { performance } from "node:perf_hooks";
import type { EngineEvent } from "../../../shared/fleet/engine.ts";
import { apiVersion } from "../../../shared/kinds/object.ts";
import { taskKind } from "../../../shared/kinds/task.ts";
import { byBench, nodeName } from "../store/open.ts";
import { type BenchFleet, command, until } from "./bench-fleet.ts";

const name = "service-0";
const from = 3;
const to = 30;

/** Microseconds from the commit of a task that has its node to the start of its container. */
export async function createTask({ store, engines }: BenchFleet, round: number): Promise<number> {
  const index = round % engines.size;
  const template = { spec: { image: "busybox", command: [...command] } };
  const spec = taskKind.spec.parse({ nodeName: nodeName(index), template });
  const metadata = { name: `task-${round}`, namespace: "default" };
  return started({ engines }, 1, () =>
    store.update(
      ({ tasks }) => tasks.create({ apiVersion, kind: "Task", metadata, spec, status: { state: "assigned" } }),
      byBench,
    ),
  );
}

/** Microseconds from the commit of 30 replicas to the start of the last. Afterwards there are 3 again. */
export async function scale(fleet: BenchFleet, round: number): Promise<number> {
  if (round === 0) await fleet.addServices(1, from);
  await fleet.untilRunning(from);
  const us = await started(fleet, to - from, () => setReplicas(fleet, to));
  await fleet.untilRunning(to);
  await setReplicas(fleet, from);
  await until("the others are gone", async () => containersOf(fleet) === from);
  return us;
}

async function started({ engines }: Pick<BenchFleet, "engines">, count: number, begin: () => Promise<unknown>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let left = count;
  const onStart = ({ Action }: EngineEvent): void => {
    if (Action !== "start") return;
    left -= 1;
    if (left === 0) resolve(performance.now());
  };
  for (const { world } of engines.values()) world.listeners.add(onStart);
  try {
    const begun = performance.now();
    await begin();
    return ((await promise) - begun) * 1_000;
  } finally {
    for (const { world } of engines.values()) world.listeners.delete(onStart);
  }
}

async function setReplicas({ store }: BenchFleet, replicas: number): Promise<void> {
  await store.update(({ services }) => {
    const service = services.get(name, "default");
    if (service !== undefined) services.update({ ...service, spec: { ...service.spec, replicas } });
  }, byBench);
}

function containersOf({ engines }: BenchFleet): number {
  return [...engines.values()].reduce((sum, { world }) => sum + world.containers.size, 0);
}
