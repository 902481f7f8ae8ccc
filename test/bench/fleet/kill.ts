/** One engine that dies, and what follows: each part from the end of the one before it. */
import { performance } from "node:perf_hooks";
import type { FleetPolicy } from "../../../shared/fleet/cluster-fleet.ts";
import type { EngineEvent } from "../../../shared/fleet/engine.ts";
import { stateOf } from "../../../shared/fleet/reconcile/world.ts";
import { type Node, nodeKind } from "../../../shared/kinds/node.ts";
import { type Task, taskKind } from "../../../shared/kinds/task.ts";
import { onAny, type WatchEvent } from "../../../shared/state/event.ts";
import { nodeName } from "../store/open.ts";
import { type BenchFleet, until } from "./bench-fleet.ts";

export const killParts = ["seen", "down", "decided", "started", "known"] as const;
export type KillPart = (typeof killParts)[number];

/** For a run that shows only that it runs: nobody waits for an engine to come back. */
export const quickPolicy: FleetPolicy = {
  healer: { roundMs: 100, retryMs: 50, failuresToDown: 1, downAfterMs: 0, graceMs: 100, apartMs: 10 },
  agents: { retryMs: { first: 50, last: 100 } },
};

/** Microseconds of each part. Afterwards the engine is back, and as many tasks run as before. */
export async function kill(fleet: BenchFleet, index: number): Promise<Readonly<Record<KillPart, number>>> {
  const { store, engines } = fleet;
  const dead = nodeName(index);
  const engine = engines.get(dead);
  const before = new Set((await fleet.tasks()).map(({ metadata }) => metadata.uid));
  const { length: wanted } = await fleet.runningTasks();
  const at = new Map<KillPart, number>();
  const mark = (part: KillPart): void => void (at.has(part) || at.set(part, performance.now()));
  const onStart = ({ Action }: EngineEvent): void => void (Action === "start" && mark("started"));
  for (const { world } of engines.values()) world.listeners.add(onStart);
  const watch = await store.watch(...onAny(nodeKind), ...onAny(taskKind));
  const begun = performance.now();
  engine?.faults.set({ kind: "unreachable" });
  try {
    while (!at.has("known")) {
      await watch.ready();
      for (let event = watch.take(); event !== undefined; event = watch.take()) judge(event, { dead, before, mark });
    }
  } finally {
    watch.close();
    for (const { world } of engines.values()) world.listeners.delete(onStart);
  }
  await revive(fleet, dead, wanted);
  return partsOf(begun, at);
}

type Judging = { readonly dead: string; readonly before: ReadonlySet<string>; readonly mark: (part: KillPart) => void };

function judge(event: WatchEvent, { dead, before, mark }: Judging): void {
  if (event.type === "commit" || event.type === "delete") return;
  if (event.kind === nodeKind.kind) {
    const { metadata, status } = event.object as unknown as Node;
    if (metadata.name !== dead) return;
    if (status?.state === "disconnected") mark("seen");
    if (status?.state === "down") mark("down");
    return;
  }
  const task = event.object as unknown as Task;
  if (before.has(task.metadata.uid) || task.spec.nodeName === undefined || task.spec.nodeName === dead) return;
  mark("decided");
  if (stateOf(task) === "running") mark("known");
}

/** Its machine has lost what ran; the cluster is as it was, but for where its tasks are. */
async function revive(fleet: BenchFleet, dead: string, wanted: number): Promise<void> {
  const engine = fleet.engines.get(dead);
  for (const container of engine?.world.containers.values() ?? []) if (container.isRunning) container.kill("SIGKILL");
  engine?.faults.set(undefined);
  await until(`${dead} is used again`, async () => {
    const { value: node } = await fleet.store.view(({ nodes }) => nodes.get(dead));
    return node?.status?.state === "ready" && engine?.world.containers.size === 0;
  });
  await fleet.untilRunning(wanted);
}

/** What was seen out of its turn took no time of its own. */
function partsOf(begun: number, at: ReadonlyMap<KillPart, number>): Readonly<Record<KillPart, number>> {
  const parts: Partial<Record<KillPart, number>> = {};
  let from = begun;
  for (const part of killParts) {
    const end = Math.max(from, at.get(part) ?? from);
    parts[part] = (end - from) * 1_000;
    from = end;
  }
  return parts as Readonly<Record<KillPart, number>>;
}
