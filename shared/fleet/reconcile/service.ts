/** What one service needs: as many places as it asks for, a task in each, all of the current template in the end. swarmkit's orchestrators. */
import type { Task } from "../../kinds/task.ts";
import type { Place } from "./actions.ts";
import { forgetHistory } from "./history.ts";
import { serviceNotes } from "./service-notes.ts";
import { serviceStatus } from "./service-status.ts";
import { endOutgoing, isGone, newTask, promote, replaceFormer, type SlotContext, wantedOf } from "./slot.ts";
import { type Slot, slotKey, slotsOf } from "./slots.ts";
import { isUnderway, isUp, judgeUpdate, type Progress } from "./update.ts";
import { isOver } from "./world.ts";

export type ServiceContext = SlotContext & {
  readonly tasks: readonly Task[];
  /** For a global service: the names of the nodes that may take its tasks now. */
  readonly nodes: readonly string[];
};

/** New places in one round: bounds what one decision is made of. The next round goes on. */
const newPlacesMax = 200_000;
/** Replacements in one step: with two changes each and the service's own they fit an entry. */
const replacesPerStep = 60;

export function decideService(context: ServiceContext): void {
  const { service, tasks, fates, now } = context;
  const { slots, strays } = slotsOf(service, tasks, fates);
  const before = [...slots.values()].filter(isOccupied).length;
  for (const task of strays) removeTask(task, "it has no place in the service", context);
  const { kept, extra, missing } =
    service.spec.mode === "global" ? globalPlaces(slots, context) : replicatedPlaces(slots, context);
  for (const slot of extra) removeSlot(slot, context);
  for (const slot of kept) keepSlot(slot, context);
  for (const place of missing) fill(place, slots.get(slotKey(place)), context);
  const progress = judgeUpdate({
    service,
    slots: updatable(kept, context),
    tasks,
    now,
    backOffMaxMs: context.policy.backOffMaxMs,
  });
  if (progress.kind === "going") step(progress, context);
  tellStatus(progress, { before, after: kept.length + missing.length }, context);
}

type Places = { readonly kept: Slot[]; readonly extra: Slot[]; readonly missing: Place[] };

const isOccupied = ({ keep, former }: Slot): boolean => keep !== undefined || former !== undefined;

function replicatedPlaces(slots: ReadonlyMap<string, Slot>, { service }: ServiceContext): Places {
  const { replicas } = service.spec;
  const occupied = [...slots.values()].filter(isOccupied);
  const isSurplus = occupied.length > replicas;
  const kept = isSurplus ? inOrderOfWorth(occupied).slice(0, replicas) : occupied;
  const chosen = new Set(kept);
  const missing: Place[] = [];
  const lacking = Math.min(replicas - occupied.length, newPlacesMax);
  for (let slot = 1; missing.length < lacking; slot += 1) {
    const there = slots.get(String(slot));
    if (there === undefined || !isOccupied(there)) missing.push({ slot });
  }
  const filled = new Set(missing.map(slotKey));
  const extra = [...slots].filter(([key, slot]) => !chosen.has(slot) && !filled.has(key)).map(([, slot]) => slot);
  return { kept, extra, missing };
}

/** swarmkit's: those that run before others, and of those on one node all but the first later, so that scaling down evens out. */
function inOrderOfWorth(slots: readonly Slot[]): Slot[] {
  const perNode = new Map<string, number>();
  const numbered = slots
    .toSorted((one, other) => Number(isUp(other)) - Number(isUp(one)))
    .map((slot) => {
      const node = slot.keep?.spec.nodeName;
      if (node === undefined) return { slot, copy: Number.POSITIVE_INFINITY };
      const copy = (perNode.get(node) ?? 0) + 1;
      perNode.set(node, copy);
      return { slot, copy: isUp(slot) ? copy : copy + slots.length };
    });
  return numbered.sort((one, other) => (one.copy === other.copy ? 0 : one.copy - other.copy)).map(({ slot }) => slot);
}

/** A node that is paused or silent keeps its task; one that is drained, lost or no longer fits has none. */
function globalPlaces(slots: ReadonlyMap<string, Slot>, { service, nodes, fates }: ServiceContext): Places {
  const eligible = new Set(nodes);
  // Not the task's own template counts here but the service's: its constraints may be new.
  const keeps = (name: string, { keep }: Slot): boolean => keep !== undefined && fates.fits(name, service.spec.template);
  const missing = nodes.filter((name) => {
    const slot = slots.get(name);
    return slot === undefined || !isOccupied(slot);
  });
  const kept: Slot[] = [];
  const extra: Slot[] = [];
  for (const [name, slot] of slots) {
    if (isOccupied(slot) && (keeps(name, slot) || (eligible.has(name) && fates.ofNode(name).kind === "fine"))) kept.push(slot);
    else if (!eligible.has(name)) extra.push(slot);
  }
  return { kept, extra, missing: missing.map((nodeName) => ({ nodeName })) };
}

/** A global service's task on a node that takes no new ones is left as it is: it could not come back there. */
function updatable(kept: readonly Slot[], { service, nodes }: ServiceContext): readonly Slot[] {
  if (service.spec.mode !== "global") return kept;
  const eligible = new Set(nodes);
  return kept.filter(({ place }) => eligible.has(slotKey(place)));
}

/** The place is not wanted any more: its tasks go, and their history with them. */
function removeSlot(slot: Slot, context: ServiceContext): void {
  for (const task of slot.tasks) removeTask(task, "the service has fewer tasks now", context);
}

function removeTask(task: Task, reason: string, { plan, fates }: ServiceContext): void {
  if (isOver(task)) {
    plan.delete(task);
    return;
  }
  const fate = fates.of(task);
  const why = fate.kind === "fine" ? reason : fate.why;
  plan.end(task, { desiredState: "remove", why, isLost: fate.kind === "lost" });
}

function keepSlot(slot: Slot, context: ServiceContext): void {
  const { service, plan } = context;
  const { keep, former, isDone, outgoing } = slot;
  if (keep !== undefined || isDone) {
    if (outgoing.length > 0) endOutgoing(slot, context);
    if (keep !== undefined) {
      watch(keep, context);
      promote(slot, keep, context);
    }
  } else if (former !== undefined) {
    const template = isUnderway(service) ? former.spec.template : service.spec.template;
    plan.replaces.push(replaceFormer(slot, former, { ...context, template }));
  }
  if (slot.tasks.length > 1) forgetHistory(slot, context);
}

function watch(keep: Task, { fates, plan }: ServiceContext): void {
  const fate = fates.of(keep);
  if (fate.kind === "fine" && fate.until !== undefined) plan.wake(fate.until);
}

function fill(place: Place, slot: Slot | undefined, context: ServiceContext): void {
  const { service, plan, fates } = context;
  const { template } = service.spec;
  const waits = slot?.tasks.some((task) => !isGone(task, fates)) ?? false;
  const desiredState = waits ? "ready" : "running";
  const create = newTask({ service, template, desiredState, ...(slot === undefined ? { place } : { slot }) });
  plan.replaces.push(plan.replace({ wanted: slot === undefined ? [] : wantedOf(slot), ends: [], create }));
}

/** The update's next replacements, each step naming the one before. */
function step({ next, status, config, wakeAt }: Extract<Progress, { kind: "going" }>, context: ServiceContext): void {
  const { plan, service } = context;
  if (wakeAt !== undefined) plan.wake(wakeAt);
  for (let index = 0; index < next.length; index += replacesPerStep) {
    const replaces = next.slice(index, index + replacesPerStep).map((slot) => updateSlot(slot, config.order, context));
    plan.steps.push({ do: "step", service, step: status.step + index / replacesPerStep, replaces });
  }
}

function updateSlot(slot: Slot, order: "stop-first" | "start-first", { service, plan }: ServiceContext) {
  const { template } = service.spec;
  const startsFirst = order === "start-first" && isUp(slot);
  const stopped = startsFirst ? [] : slot.tasks.filter((task) => plan.isWanted(task));
  const ends = stopped.map((task) => plan.end(task, { desiredState: "shutdown", why: "replaced by an update" }));
  const waits = stopped.some((task) => !plan.isOver(task));
  const create = newTask({ service, template, slot, desiredState: waits ? "ready" : "running" });
  return plan.replace({ wanted: wantedOf(slot), ends, create });
}

function tellStatus(
  progress: Progress,
  places: { readonly before: number; readonly after: number },
  { service, tasks, nodes, plan, policy: { progressDeadlineMs }, now }: ServiceContext,
): void {
  const update = progress.kind === "changed" ? progress.status : service.status?.update;
  const told = serviceStatus({ service, tasks, update, eligible: nodes.length, now, progressDeadlineMs });
  if (told.wakeAt !== undefined) plan.wake(told.wakeAt);
  const template = progress.kind === "changed" ? progress.template : undefined;
  if (told.status === undefined && template === undefined) return;
  const status = told.status ?? service.status ?? { replicas: 0, readyReplicas: 0, updatedReplicas: 0 };
  const notes = serviceNotes({ service, status, refusal: told.refusal, places });
  plan.services.push({ do: "service", service, status, ...(template !== undefined && { template }), notes });
}
