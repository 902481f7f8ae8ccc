/**
 * What a job does beside preparing: start, stop, end, fail, remove. Each is harmless done twice and by two agents at once: the engine is
 * asked by id for what it may already be, and what is committed is judged on the newest state.
 */
import { errorText } from "../../base/error-text.ts";
import type { Container } from "../../kinds/container.ts";
import { type Task, taskStateRank } from "../../kinds/task.ts";
import type { Transaction } from "../../state/transaction.ts";
import { statusOf } from "../containers/seen.ts";
import { EngineError, NoSuchContainerError, NoSuchNetworkError } from "../engine-errors.ts";
import { isOver, isWanted, stateOf } from "../reconcile/world.ts";
import { msOf } from "./body.ts";
import type { Job } from "./jobs.ts";
import type { Looks } from "./looks.ts";
import { ensureNetworks, tidyNetworks } from "./networks.ts";
import { forget, remove } from "./observe.ts";
import { TaskRefusedError } from "./refusal.ts";
import type { Site } from "./site.ts";
import { moveAfter, moveTask, sameTask, type TaskMove } from "./task-state.ts";

type JobOf<Name extends Job["do"]> = Extract<Job, { readonly do: Name }>;

/** A container that was made before: it may have run meanwhile, and a task's container runs once only. */
export async function startAgain(site: Site, looks: Looks, { task, container }: JobOf<"start">): Promise<void> {
  const id = container.status?.containerId ?? "";
  const isToStart = await site.shared.commits.run((transaction) => {
    const current = sameTask(transaction, task);
    if (current === undefined || isOver(current) || current.spec.desiredState !== "running") return false;
    if (taskStateRank(stateOf(current)) < taskStateRank("starting"))
      moveTask(transaction, current, { state: "starting", containerId: id });
    return true;
  });
  if (!isToStart) return;
  const hasRun = await hasStarted(site, id);
  if (hasRun === false) await start(site, looks, task, id);
  else await looks.look(id);
}

/** undefined: it is gone. */
async function hasStarted(site: Site, id: string): Promise<boolean | undefined> {
  try {
    return statusOf(await site.call((engine, call) => engine.containers.inspect(id, {}, call))).startedAt !== undefined;
  } catch (error) {
    if (error instanceof NoSuchContainerError) return undefined;
    throw error;
  }
}

/** @throws TaskRefusedError when the engine can't start it. */
export async function start(site: Site, looks: Looks, task: Task, id: string): Promise<void> {
  try {
    await startOnce(site, id).catch(async (error: unknown) => {
      if (!(error instanceof NoSuchNetworkError)) throw error;
      // It was removed because no other task of the node needed it, in the moment before this one did.
      await ensureNetworks(site, task.spec.template.spec.networks ?? []);
      await startOnce(site, id);
    });
    site.tell(task, { type: "Normal", reason: "Started", message: `Started container ${id.slice(0, 12)}` });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (!(error instanceof NoSuchContainerError))
      throw new TaskRefusedError(`its container could not be started: ${errorText(error)}`, { state: "failed", cause: error });
  }
  await looks.look(id);
}

const startOnce = (site: Site, id: string): Promise<void> =>
  site.call((engine, call) => engine.runs.start(id, call), site.shared.policy.createMs);

/** With its own signal and grace period; what then is seen of it ends the task. */
export async function stop(site: Site, looks: Looks, { task, container }: JobOf<"stop">): Promise<void> {
  const id = container.status?.containerId ?? "";
  const { stopGracePeriod, stopSignal } = task.spec.template.spec;
  const options = {
    graceSeconds: Math.ceil(msOf(stopGracePeriod) / 1_000),
    ...(stopSignal !== undefined && { signal: stopSignal }),
  };
  site.tell(task, { type: "Normal", reason: "Killing", message: `Stopping container ${id.slice(0, 12)}` });
  await site.stop((engine, call) => engine.runs.stop(id, options, call)).catch(ignoreGone);
  await looks.look(id);
}

/** The node is not looked after any more when the last of its containers is gone: what nobody would find then goes before. */
type Last = { readonly isLast: boolean };

/** Of a task that must not run: nothing does. */
export async function end(site: Site, { task, container }: JobOf<"end">, { isLast }: Last): Promise<void> {
  if (isLast && container?.status?.containerId === undefined) await removeUnseen(site, container);
  await site.shared.commits.run((transaction) => {
    const current = sameTask(transaction, task);
    if (current === undefined || isWanted(current) || isOver(current)) return;
    const seen = container && unchanged(transaction, container);
    if (container !== undefined && seen === undefined) return;
    const { containerId, exitCode } = seen?.status ?? {};
    moveTask(transaction, current, {
      state: "shutdown",
      ...(containerId !== undefined && { containerId }),
      ...(exitCode !== undefined && { exitCode }),
    });
    // Whether the engine makes it yet is not known: without its object it is stale.
    if (seen !== undefined && containerId === undefined) remove(transaction, seen);
  });
}

/** Its object, if nobody has written it since it was seen. */
function unchanged({ containers }: Transaction, { metadata }: Container): Container | undefined {
  const current = containers.get(metadata.name, metadata.namespace);
  return current?.metadata.resourceVersion === metadata.resourceVersion ? current : undefined;
}

export async function settle(site: Site, { task, container }: JobOf<"settle">): Promise<void> {
  await site.shared.commits.run((transaction) => {
    const current = sameTask(transaction, task);
    const { status } = unchanged(transaction, container) ?? {};
    const move = current && status && moveAfter(current, status);
    if (current !== undefined && move !== undefined) moveTask(transaction, current, move);
  });
}

const lostMessage = "its container is gone: the engine has lost it, or somebody has removed it";

export async function fail(site: Site, { task }: JobOf<"fail">): Promise<void> {
  await refuse(site, task, { state: "failed", message: lostMessage }, (transaction) => {
    const { name, namespace } = task.metadata;
    return transaction.containers.get(name, namespace) === undefined;
  });
}

/** The task's end, told to people. `holds`: what must still be so. */
export async function refuse(
  site: Site,
  task: Task,
  move: TaskMove & { readonly message: string },
  holds: (transaction: Transaction) => boolean = () => true,
): Promise<void> {
  const isMoved = await site.shared.commits.run((transaction) => {
    const current = sameTask(transaction, task);
    if (current === undefined || !holds(transaction)) return false;
    return moveTask(transaction, current, isWanted(current) ? move : { ...move, state: "shutdown" });
  });
  if (isMoved) site.tell(task, { type: "Warning", reason: "Failed", message: move.message });
}

export async function removeContainer(site: Site, { container, isLate }: JobOf<"remove">, { isLast }: Last): Promise<void> {
  const id = container.status?.containerId;
  if (id === undefined) {
    if (isLast) await removeUnseen(site, container);
    return await dropUnmade(site, container);
  }
  if (!isLate && container.status?.state === "running") await stopOwnWay(site, id).catch(ignoreGone);
  await site.call((engine, call) => engine.containers.remove(id, { force: true, volumes: true }, call)).catch(ignoreGone);
  if (isLast) await tidyNetworks(site);
  await site.shared.commits.run((transaction) => forget(transaction, { nodeName: site.nodeName, id }));
}

/** The engine may have made it, though nobody was told. */
async function removeUnseen(site: Site, container: Container | undefined): Promise<void> {
  const attempt = container?.spec.attempt?.id;
  if (attempt === undefined) return;
  await site.call((engine, call) => engine.containers.remove(attempt, { force: true, volumes: true }, call)).catch(ignoreGone);
}

/** With its own signal and grace period: the task that knew them is gone. The engine is waited for as long: a slow end is no failure of the node. */
async function stopOwnWay(site: Site, id: string): Promise<void> {
  const { Config } = await site.call((engine, call) => engine.containers.inspect(id, {}, call));
  const graceSeconds = Config["StopTimeout"];
  const options = typeof graceSeconds === "number" && graceSeconds >= 0 ? { graceSeconds } : {};
  await site.stop((engine, call) => engine.runs.stop(id, options, call));
}

async function dropUnmade(site: Site, container: Container): Promise<void> {
  await site.shared.commits.run((transaction) => {
    const current = unchanged(transaction, container);
    if (current !== undefined) remove(transaction, current);
  });
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof NoSuchContainerError)) throw error;
}
