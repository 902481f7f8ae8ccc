/** What people are told of a service as its status changes: told once, by whoever changes it, for the change holds only while the status is as it was. */
import type { Service, ServiceStatus, UpdateStatus } from "../../kinds/service.ts";
import type { Note } from "./actions.ts";

export type StatusChange = {
  readonly service: Service;
  readonly status: ServiceStatus;
  /** Which rules refuse the first of the tasks that fit nowhere. */
  readonly refusal: string | undefined;
  /** Places that had a task before this round, and those that will have one. */
  readonly places: { readonly before: number; readonly after: number };
};

export function serviceNotes({ service, status, refusal, places }: StatusChange): Note[] {
  const before = service.status;
  const { before: had, after: gets } = places;
  const notes: (Note | undefined)[] = [];
  // The first status of a generation: what was asked for is new.
  if (before?.observedGeneration !== service.metadata.generation && had !== gets) {
    const reason = gets > had ? "ScalingUp" : "ScalingDown";
    notes.push({ type: "Normal", reason, message: `from ${had} to ${gets} tasks` });
  }
  notes.push(
    updateNote(service, before?.update, status.update),
    placementNote(before, status, refusal),
    lateNote(before, status),
  );
  return notes.filter((note) => note !== undefined);
}

function updateNote({ spec }: Service, before: UpdateStatus | undefined, after: UpdateStatus | undefined): Note | undefined {
  if (after === undefined || (before?.state === after.state && before.startedAt === after.startedAt)) return undefined;
  const message = after.message ?? "";
  switch (after.state) {
    case "updating": {
      const reason = before?.state === "paused" && before.templateHash === after.templateHash ? "UpdateResumed" : "UpdateStarted";
      const { parallelism } = spec.update;
      const pace = parallelism === 0 ? "all at once" : `${parallelism} at a time`;
      return { type: "Normal", reason, message: `tasks of generation ${after.generation} replace those before them, ${pace}` };
    }
    case "paused":
      return { type: "Warning", reason: "UpdatePaused", message };
    case "completed":
      return { type: "Normal", reason: "UpdateCompleted", message };
    case "rollback_started":
      return { type: "Warning", reason: "UpdateRolledBack", message };
    case "rollback_paused":
      return { type: "Warning", reason: "RollbackPaused", message };
    case "rollback_completed":
      return { type: "Normal", reason: "RollbackCompleted", message };
    default:
      return after.state satisfies never;
  }
}

/** Told again when other rules refuse, not when more or fewer tasks wait. */
function placementNote(before: ServiceStatus | undefined, { message = "" }: ServiceStatus, refusal: string | undefined) {
  if (refusal === undefined || before?.message?.endsWith(`: ${refusal}`) === true) return undefined;
  return { type: "Warning", reason: "FailedPlacement", message } as const;
}

function lateNote(before: ServiceStatus | undefined, after: ServiceStatus): Note | undefined {
  const reason = "ProgressDeadlineExceeded";
  const late = (status: ServiceStatus | undefined) => status?.conditions?.find((condition) => condition.reason === reason);
  const found = late(after);
  if (found === undefined || late(before) !== undefined) return undefined;
  return { type: "Warning", reason, message: found.message ?? "" };
}
