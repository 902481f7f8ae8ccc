/**
 * A service's tasks by their place: the slot of a replicated service, the node for a global one. Of each place, who follows whom:
 * at most one task is wanted there, but for the moment in which an update starts the new one first.
 */
import { createHash } from "node:crypto";
import type { Service } from "../../kinds/service.ts";
import type { Task } from "../../kinds/task.ts";
import type { Template } from "../../kinds/template.ts";
import type { Place } from "./actions.ts";
import type { Fates } from "./fate.ts";
import { mayRestart } from "./restart.ts";
import { sameTemplate } from "./template-hash.ts";
import { endedItself, isOver, isWanted, stateOf } from "./world.ts";

export type Slot = {
  readonly place: Place;
  /** Oldest first. */
  readonly tasks: readonly Task[];
  /** The task that the place has; undefined: it has none that could stay. */
  readonly keep: Task | undefined;
  /** While an update starts the new one (`keep`) first: the old one. */
  readonly old: Task | undefined;
  /** Wanted, but not to stay: they ended, their nodes are gone, or they are one too many. */
  readonly outgoing: readonly Task[];
  /** The one that a replacement would follow; undefined: the place begins anew. */
  readonly former: Task | undefined;
  /** Its last task ended, and its restart policy wants no other. */
  readonly isDone: boolean;
};

export const slotKey = (place: Place): string => ("slot" in place ? String(place.slot) : place.nodeName);

/** The name of a place's nth task: `web.1.3`. One that would be too long is cut, with a hash that makes it the place's own. */
export function taskName({ metadata }: Service, place: Place, number: number): string {
  const base = `${metadata.name}.${slotKey(place)}`;
  if (base.length <= baseMax) return `${base}.${number}`;
  const hash = createHash("sha256").update(base).digest("hex").slice(0, 16);
  return `${base.slice(0, baseMax - 17).replace(/[-.]+$/, "")}-${hash}.${number}`;
}
/** Kubernetes: a DNS subdomain has 253; the rest is for the number. */
const baseMax = 236;

/** From the end of a task's name; 0 for one that somebody named otherwise. */
export function numberOf({ metadata }: Task): number {
  const text = metadata.name.slice(metadata.name.lastIndexOf(".") + 1);
  return /^[1-9][0-9]{0,14}$/.test(text) ? Number(text) : 0;
}

/** The places that have tasks; strays: those that have none in a service of this mode. */
export function slotsOf(
  service: Service,
  tasks: readonly Task[],
  fates: Fates,
): { readonly slots: Map<string, Slot>; readonly strays: readonly Task[] } {
  const strays: Task[] = [];
  const byPlace = new Map<string, { readonly place: Place; readonly tasks: Task[] }>();
  for (const task of tasks) {
    const place = placeOf(service, task);
    if (place === undefined) {
      strays.push(task);
      continue;
    }
    const key = slotKey(place);
    const found = byPlace.get(key);
    if (found === undefined) byPlace.set(key, { place, tasks: [task] });
    else found.tasks.push(task);
  }
  const slots = new Map<string, Slot>();
  for (const [key, { place, tasks: there }] of byPlace) slots.set(key, judge(service, place, ordered(there), fates));
  return { slots, strays };
}

/** undefined: a task that is none of this service's making. */
function placeOf({ spec: { mode } }: Service, { spec }: Task): Place | undefined {
  if (mode === "replicated") return spec.slot === undefined ? undefined : { slot: spec.slot };
  return spec.slot !== undefined || spec.nodeName === undefined ? undefined : { nodeName: spec.nodeName };
}

function ordered(tasks: Task[]): Task[] {
  if (tasks.length > 1)
    tasks.sort((one, other) => numberOf(one) - numberOf(other) || (one.metadata.uid < other.metadata.uid ? -1 : 1));
  return tasks;
}

function judge(service: Service, place: Place, tasks: readonly Task[], fates: Fates): Slot {
  const [only] = tasks;
  const wanted = tasks.length === 1 && only !== undefined && isWanted(only) ? tasks : tasks.filter(isWanted);
  const staying = wanted.filter((task) => !isOver(task) && fates.of(task).kind === "fine");
  const keep = best(staying, service.spec.template);
  const old = keep === undefined ? undefined : startedFirst(keep, staying, service);
  const outgoing = wanted.length === 1 && keep !== undefined ? [] : wanted.filter((task) => task !== keep && task !== old);
  const last = tasks.at(-1);
  const former =
    wanted.at(-1) ?? (last !== undefined && endedItself(last) && last.spec.desiredState !== "remove" ? last : undefined);
  const isEnded = keep === undefined && former !== undefined && endedItself(former);
  return { place, tasks, keep, old, outgoing, former, isDone: isEnded && !mayRestart(former, tasks) };
}

/** Of the current template before the former one, running before others, the newest last of all. */
function best(tasks: readonly Task[], template: Template): Task | undefined {
  const worth = (task: Task): number =>
    (sameTemplate(task.spec.template, template) ? 2 : 0) + (stateOf(task) === "running" ? 1 : 0);
  let found = tasks[0];
  if (tasks.length === 1) return found;
  for (const task of tasks) if (found !== undefined && worth(task) > worth(found)) found = task;
  return found;
}

function startedFirst(keep: Task, staying: readonly Task[], { spec: { template } }: Service): Task | undefined {
  if (staying.length === 1 || stateOf(keep) === "running" || !sameTemplate(keep.spec.template, template)) return undefined;
  return staying.find((task) => task !== keep && !sameTemplate(task.spec.template, template));
}
