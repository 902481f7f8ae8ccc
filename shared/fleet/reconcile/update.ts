/**
 * swarmkit's updater without its memory: how far a change of the template is, told from the tasks and from the service's status, and
 * what comes next. An update is gated by the state `running`, which a task with a health check reaches when it is healthy.
 */
import { timestamp } from "../../base/clock.ts";
import { jsonText } from "../../base/json.ts";
import { objectBytesMax } from "../../base/limits.ts";
import { parseDuration } from "../../kinds/quantity.ts";
import type { Service, UpdateConfig, UpdateStatus } from "../../kinds/service.ts";
import type { Task } from "../../kinds/task.ts";
import type { Template } from "../../kinds/template.ts";
import { restartAt } from "./restart.ts";
import type { Slot } from "./slots.ts";
import { sameTemplate, templateHash } from "./template-hash.ts";
import { afterFailure, failureOf, isAttempt, monitorOf, type Outcome } from "./update-failure.ts";
import { isWanted, stateOf, timeOf } from "./world.ts";

/** What an update is at, and what follows. `config`: by what it goes on. */
export type Progress =
  | { readonly kind: "none" }
  | { readonly kind: "held" }
  | ({ readonly kind: "changed" } & Outcome)
  | {
      readonly kind: "going";
      readonly status: UpdateStatus;
      readonly config: UpdateConfig;
      /** Places to take next. */
      readonly next: readonly Slot[];
      /** When it goes on without anything else happening. */
      readonly wakeAt: number | undefined;
    };

type Scene = {
  readonly service: Service;
  /** Places that the service is meant to have. */
  readonly slots: readonly Slot[];
  readonly tasks: readonly Task[];
  readonly now: number;
  readonly backOffMaxMs: number;
};

export function judgeUpdate(scene: Scene): Progress {
  const { service, slots } = scene;
  const known = service.status?.update;
  const hash = templateHash(service.spec.template);
  const isCurrent = known?.templateHash === hash;
  const dirty = slots.filter((slot) => isDirty(slot, service));
  const isOpen = isCurrent && (known.state === "updating" || known.state === "rollback_started");
  if (!isOpen) {
    // One to another template that is still open has nothing more to lead to: it ends as one to this template.
    const isLeft = known !== undefined && !isCurrent && !known.state.endsWith("completed");
    if (dirty.length === 0 && !isLeft) return { kind: "none" };
    if (isCurrent && isPaused(known) && known.generation === service.metadata.generation) return { kind: "held" };
    return { kind: "changed", status: begin(scene, known, hash) };
  }
  const config = known.state === "updating" ? service.spec.update : service.spec.rollback;
  const failed = failureOf({ service, tasks: scene.tasks, places: slots.length, known, config });
  if (failed !== undefined) return { kind: "changed", ...afterFailure({ service, known }, failed, scene.now) };
  return goOn({ ...scene, known, config, dirty });
}

const isDirty = ({ keep, old, former, isDone }: Slot, { spec: { template } }: Service): boolean =>
  old !== undefined ||
  (keep !== undefined
    ? !sameTemplate(keep.spec.template, template)
    : isDone && former !== undefined && !sameTemplate(former.spec.template, template));

/** A service whose template is changing, or was stopped in the middle: what breaks of the former template stays of it. */
export const isUnderway = ({ status, spec }: Service): boolean => {
  const update = status?.update;
  return update !== undefined && update.templateHash === templateHash(spec.template) && !update.state.endsWith("completed");
};

const isPaused = ({ state }: UpdateStatus): boolean => state === "paused" || state === "rollback_paused";

/** A new update, or a paused one that the user let go on by changing the spec. */
function begin({ service, tasks, now }: Scene, known: UpdateStatus | undefined, hash: string): UpdateStatus {
  const isResumed = known !== undefined && known.templateHash === hash && isPaused(known);
  const unfinished = known?.state.endsWith("completed") ? undefined : known?.formerTemplate;
  const former = unfinished ?? commonest(tasks.filter(({ spec }) => !sameTemplate(spec.template, service.spec.template)));
  const isRollback = isResumed && known.state === "rollback_paused";
  return {
    state: isRollback ? "rollback_started" : "updating",
    message: isRollback ? "rollback in progress" : "update in progress",
    startedAt: timestamp(now),
    generation: service.metadata.generation,
    templateHash: hash,
    step: (known?.step ?? 0) + 1,
    ...(former !== undefined && !isRollback && canKeep(former, service) && { formerTemplate: former }),
  };
}

/** One that the service has no room for can't be brought back: the update then pauses where it would roll back. */
const canKeep = (former: Template, service: Service): boolean =>
  !sameTemplate(former, service.spec.template) &&
  jsonText(former).length + jsonText({ ...service, status: undefined }).length < objectBytesMax / 2;

/** What most of the tasks that are wanted run. */
function commonest(tasks: readonly Task[]): Template | undefined {
  const counts = new Map<string, { count: number; readonly template: Template }>();
  for (const task of tasks) {
    if (!isWanted(task)) continue;
    const { template } = task.spec;
    const hash = templateHash(template);
    const entry = counts.get(hash) ?? { count: 0, template };
    entry.count += 1;
    counts.set(hash, entry);
  }
  return [...counts.values()].sort((one, other) => other.count - one.count)[0]?.template;
}

type Going = Scene & { readonly known: UpdateStatus; readonly config: UpdateConfig; readonly dirty: readonly Slot[] };

function goOn({ service, slots, known, config, dirty, now, backOffMaxMs }: Going): Progress {
  const delayMs = parseDuration(config.delay) ?? 0;
  const inWork = slots.map((slot) => workEnd(slot, service, { known, delayMs })).filter((end) => end > now);
  const waiting = dirty.filter(({ old }) => old === undefined);
  if (waiting.length === 0 && inWork.length === 0) {
    const doneAt = settledAt(slots, known) + monitorOf(config);
    if (doneAt <= now) return { kind: "changed", status: completed(known, now) };
    return { kind: "going", status: known, config, next: [], wakeAt: doneAt };
  }
  const retries = new Map(waiting.map((slot) => [slot, retryAt(slot, service, { known, backOffMaxMs })]));
  const free = (config.parallelism === 0 ? Number.POSITIVE_INFINITY : config.parallelism) - inWork.length;
  const able = waiting.filter((slot) => (retries.get(slot) ?? 0) <= now);
  const next = free <= 0 ? [] : able.toSorted((one, other) => Number(isUp(one)) - Number(isUp(other))).slice(0, free);
  const later = [...inWork, ...retries.values()].filter((at) => Number.isFinite(at) && at > now);
  return { kind: "going", status: known, config, next, wakeAt: later.length === 0 ? undefined : Math.min(...later) };
}

type Attempt = { readonly known: UpdateStatus; readonly backOffMaxMs: number };

/** When a new task may be started beside the old one again, after the one before failed; 0: none did. */
function retryAt({ tasks }: Slot, { spec: { template } }: Service, { known, backOffMaxMs }: Attempt): number {
  const failed = tasks.findLast((task) => isAttempt(task, template, known));
  return failed === undefined ? 0 : restartAt(failed, tasks, backOffMaxMs);
}

export const isUp = ({ keep }: Slot): boolean => keep !== undefined && stateOf(keep) === "running";

/**
 * Until when a place of the current template still counts against `parallelism`: until its new task runs, and the delay after that.
 * One whose new task has failed no longer counts: failures are what `failureAction` is for.
 */
function workEnd(
  { keep, old, former, tasks, isDone }: Slot,
  { spec: { template } }: Service,
  { known, delayMs }: { readonly known: UpdateStatus; readonly delayMs: number },
): number {
  const task = keep ?? former;
  if (task === undefined || isDone || !sameTemplate(task.spec.template, template)) return 0;
  if (task.metadata.creationTimestamp < known.startedAt) return 0;
  if (keep !== undefined && stateOf(keep) === "running") return timeOf(keep.status?.startedAt ?? keep.status?.since, 0) + delayMs;
  if (old !== undefined) return Number.POSITIVE_INFINITY;
  return tasks.some((each) => isAttempt(each, template, known)) ? 0 : Number.POSITIVE_INFINITY;
}

/** When the last of its tasks began to run. */
function settledAt(slots: readonly Slot[], { startedAt }: UpdateStatus): number {
  let latest = Date.parse(startedAt);
  for (const { keep } of slots) {
    const at = keep === undefined ? 0 : timeOf(keep.status?.startedAt ?? keep.status?.since, 0);
    if (at > latest) latest = at;
  }
  return latest;
}

function completed({ formerTemplate: _, ...known }: UpdateStatus, now: number): UpdateStatus {
  const isRollback = known.state === "rollback_started";
  return {
    ...known,
    state: isRollback ? "rollback_completed" : "completed",
    message: isRollback ? "rollback completed" : "update completed",
    completedAt: timestamp(now),
  };
}
