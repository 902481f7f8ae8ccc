/**
 * From an assigned task to a container that is ready to start: image and networks, the attempt, the container, its completion. A crash
 * anywhere leaves what the next try takes up: the same attempt while its deadline lasts, and under its name the same container.
 */

import { timestamp } from "../../base/clock.ts";
import { errorText } from "../../base/error-text.ts";
import type { Container } from "../../kinds/container.ts";
import { type Task, taskStateRank } from "../../kinds/task.ts";
import type { Transaction } from "../../state/transaction.ts";
import { beginAttempt, completeAttempt, dropAttempt, type Made, type Place, putOffDeadline } from "../containers/attempt.ts";
import { isCertain, madeBefore } from "../containers/attempts.ts";
import { isDeleted } from "../containers/errors.ts";
import { newAttemptId, ownLabels } from "../containers/labels.ts";
import { EngineError, NameTakenError, NoSuchContainerError, NoSuchImageError, NoSuchNetworkError } from "../engine-errors.ts";
import { isAssigned, isWanted, stateOf } from "../reconcile/world.ts";
import { bodyOf, endpointOf } from "./body.ts";
import { ensureNetworks } from "./networks.ts";
import type { Pulls } from "./pull.ts";
import { TaskRefusedError } from "./refusal.ts";
import type { Site } from "./site.ts";
import { moveTask, sameTask } from "./task-state.ts";

/** Between the engine's last moment to answer and the attempt's deadline: its answer must still be committed. */
const commitMs = 5_000;
/** An attempt that has waited no longer for its turn keeps its deadline: the time for the commit makes up for it. */
const waitMsMax = 2_000;

/** The container's id if the task is to be started now; undefined: it is ready and waits, or is no longer wanted. @throws TaskRefusedError */
export async function prepare(site: Site, pulls: Pulls, task: Task): Promise<string | undefined> {
  const { commits } = site.shared;
  await pulls.ensure(task, async () => {
    const message = `pulling image ${task.spec.template.spec.image}`;
    await commits.run((transaction) => {
      const current = wantedTask(transaction, task);
      if (current) moveTask(transaction, current, { state: "preparing", message });
    });
  });
  await ensureNetworks(site, task.spec.template.spec.networks ?? []);
  const fresh = { id: newAttemptId(site.shared.ids), deadline: deadlineOf(site) };
  const begun = await commits.run((transaction) => begin(transaction, { site, task, fresh }));
  const made = begun?.made ?? (begun && (await make(site, task, begun)));
  if (begun === undefined || made === undefined) return undefined;
  await joinNetworks(site, task, made);
  const next = await commits
    .run((transaction) => complete(transaction, { task, begun, made }))
    .catch((error: unknown) => (isDeleted(error) ? "over" : Promise.reject(error)));
  if (next === "over") await discard(site, made);
  return next === "start" ? made.containerId : undefined;
}

const deadlineOf = ({ shared }: Site): string => timestamp(shared.clock.now() + shared.policy.createMs + commitMs);
const placeOf = ({ metadata }: Task): Place => ({ namespace: metadata.namespace ?? "default", name: metadata.name });

/** The task, if it is still to have a container and has none that is ready. */
function wantedTask(transaction: Transaction, task: Task): Task | undefined {
  const current = sameTask(transaction, task);
  if (current === undefined || !isAssigned(current) || !isWanted(current)) return undefined;
  return taskStateRank(stateOf(current)) < taskStateRank("ready") ? current : undefined;
}

type Fresh = { readonly id: string; readonly deadline: string };
type Begun = Fresh & { readonly place: Place; readonly made: Made | undefined };

/** The attempt that counts: the one that is underway, or a new one. undefined: none is wanted. */
function begin(
  transaction: Transaction,
  { site, task, fresh }: { readonly site: Site; readonly task: Task; readonly fresh: Fresh },
): Begun | undefined {
  const current = wantedTask(transaction, task);
  if (current === undefined) return undefined;
  const place = placeOf(task);
  moveTask(transaction, current, { state: "preparing" });
  const there = transaction.containers.get(place.name, place.namespace);
  const underway = there && underwayOf(there, task, transaction.context.now);
  if (underway !== undefined) return { place, ...underway };
  const { image } = task.spec.template.spec;
  const { nodeName, node } = site;
  const spec = { nodeName, origin: "task" as const, taskName: task.metadata.name, taskUid: task.metadata.uid, image };
  beginAttempt(transaction, { place, ...fresh, nodeUid: node.metadata.uid, spec, names: namesOf(place, fresh.id) });
  return { place, ...fresh, made: undefined };
}

function underwayOf({ spec, status }: Container, task: Task, now: number): Omit<Begun, "place"> | undefined {
  const { attempt, taskUid, nodeName } = spec;
  if (attempt === undefined || taskUid !== task.metadata.uid || nodeName !== task.spec.nodeName) return undefined;
  const { id, deadline = "" } = attempt;
  const { containerId } = status ?? {};
  if (containerId !== undefined) return { id, deadline, made: { containerId, engineName: id } };
  return Date.parse(deadline) > now ? { id, deadline, made: undefined } : undefined;
}

/** Docker: a container's name has two characters at least. */
const nameMin = 2;
/** The kind's own bound on a container's name, less a dot and digits of the attempt. */
const nameMax = 255;
const suffixDigits = 8;

/** The task's own name; where somebody has it already, with some of the attempt's id. */
function namesOf({ namespace, name }: Place, attempt: string): readonly string[] {
  const full = namespace === "default" ? name : `${namespace}.${name}`;
  const unique = `${full.slice(0, nameMax - 1 - suffixDigits)}.${attempt.slice(-suffixDigits)}`;
  return full.length >= nameMin && full.length <= nameMax ? [full, unique] : [unique];
}

/** undefined: the attempt is no longer the current one, and the engine was not asked. */
async function make(site: Site, task: Task, begun: Begun): Promise<Made | undefined> {
  const { store, policy } = site.shared;
  const { place, id } = begun;
  const clusterUid = store.uid;
  const labels = ownLabels({ clusterUid, attempt: id, container: place, task: { uid: task.metadata.uid, ...place } });
  const body = bodyOf(task.spec.template, { labels, aliases: aliasesOf(task) });
  try {
    const created = await site.call(async (engine, call) => {
      return (await isInTime(site, begun)) ? await engine.containers.create({ name: id, body }, call) : undefined;
    }, policy.createMs);
    if (created === undefined) return undefined;
    const { Id } = created;
    site.tell(task, { type: "Normal", reason: "Created", message: `Created container ${Id.slice(0, 12)}` });
    return { containerId: Id, engineName: id };
  } catch (error) {
    if (error instanceof NameTakenError) return await takeUp(site, { error, id });
    if (isCertain(error)) await site.shared.commits.run((transaction) => dropAttempt(transaction, { place, id }));
    if (isMissing(error) || !(error instanceof EngineError)) throw error;
    throw new TaskRefusedError(`its container could not be made: ${errorText(error)}`, { cause: error });
  }
}

/**
 * Whether the attempt is current, and has all of an engine's time before its deadline: one that has waited for its turn, or was taken up,
 * gets another. When it is over nobody may ask the engine for it any more: a deleted cluster's clearance counts on that.
 */
async function isInTime(site: Site, { place, id, deadline }: Begun): Promise<boolean> {
  const { clock, policy, commits } = site.shared;
  if (Date.parse(deadline) - clock.now() >= policy.createMs + commitMs - waitMsMax) return true;
  const later = deadlineOf(site);
  return (await commits.run((transaction) => putOffDeadline(transaction, { place, id, deadline: later }))) !== undefined;
}

/** Image and networks were there a moment ago: they are seen to again. */
const isMissing = (error: unknown): boolean => error instanceof NoSuchImageError || error instanceof NoSuchNetworkError;

async function takeUp(site: Site, { error, id }: { readonly error: NameTakenError; readonly id: string }): Promise<Made> {
  const uids = await site.shared.uids();
  const made = await site.call((engine, call) => madeBefore(engine, { error, id, uids }, call));
  if (made === undefined) throw new TaskRefusedError(`its container could not be made: ${error.message}`, { cause: error });
  return made;
}

/** By these it is found in its networks: its own name, and its service's for all of the service's tasks on the node. */
const aliasesOf = ({ metadata, spec }: Task): readonly string[] => [
  metadata.name,
  ...(spec.serviceName === undefined ? [] : [spec.serviceName]),
];

/** The engine itself has put it into the first. */
async function joinNetworks(site: Site, task: Task, { containerId }: Made): Promise<void> {
  const [, ...others] = task.spec.template.spec.networks ?? [];
  for (const network of others) {
    try {
      const endpoint = endpointOf(aliasesOf(task));
      await site.call((engine, call) => engine.networks.connect(network, containerId, endpoint, call));
    } catch (error) {
      // 403: it is in there already, by an earlier try.
      if (!(error instanceof EngineError) || error.status !== 403) throw error;
    }
  }
}

/** over: the attempt is no longer the current one. */
function complete(
  transaction: Transaction,
  { task, begun, made }: { readonly task: Task; readonly begun: Begun; readonly made: Made },
): "start" | "wait" | "over" {
  const object = completeAttempt(transaction, { ...begun, made });
  if (object === undefined) return "over";
  const current = wantedTask(transaction, task);
  if (current === undefined) return "wait";
  const isToStart = current.spec.desiredState === "running";
  moveTask(transaction, current, { state: isToStart ? "starting" : "ready", containerId: made.containerId });
  return isToStart ? "start" : "wait";
}

async function discard(site: Site, { containerId }: Made): Promise<void> {
  try {
    await site.call((engine, call) => engine.containers.remove(containerId, { force: true, volumes: true }, call));
  } catch (error) {
    if (!(error instanceof NoSuchContainerError)) throw error;
  }
}
