/** What people are told of actions that were carried out, as core/v1 Events of the services, nodes and tasks that they were about. */
import type { WindlassObject } from "../../kinds/object.ts";
import { type EventToRecord, referenceTo } from "../../state/core-events/event-recorder.ts";
import type { Action, ChangeTask, Note, ReplaceTask } from "./actions.ts";
import { reconcilerName } from "./world.ts";

/** Of one round: what is more is in the objects themselves. */
export const eventsPerRound = 50;

export function eventsOf(done: readonly Action[]): EventToRecord[] {
  const told = done.flatMap((action) => {
    switch (action.do) {
      case "service":
        return action.notes.map((note) => event(action.service, note));
      case "node":
        return action.notes.map((note) => event(action.node, note));
      case "release":
        return [event(action.node, action.note)];
      case "change":
        return alone(action);
      case "delete":
      case "replace":
      case "step":
      case "hold":
        return [];
      default:
        return action satisfies never;
    }
  });
  return [...told, ...moves(done.filter((action) => action.do === "replace"))];
}

function event(about: WindlassObject, note: Note): EventToRecord {
  return { involvedObject: referenceTo(about), ...note, source: { component: reconcilerName } };
}

/** A task of a service that fits nowhere is told of by its service. */
function alone({ task, state, message }: ChangeTask): EventToRecord[] {
  if (task.spec.serviceName !== undefined || state !== "pending" || message === undefined) return [];
  return [event(task, { type: "Warning", reason: "FailedPlacement", message })];
}

type Move = { readonly first: ReplaceTask; readonly from: string; readonly why: string; readonly to: Map<string, number> };

/** One for each service and node: `3 tasks of node-b moved: 2 on node-a, 1 nowhere yet; node node-b is down`. */
function moves(replaces: readonly ReplaceTask[]): EventToRecord[] {
  const found = new Map<string, Move>();
  for (const replace of replaces) {
    const { moved, create } = replace;
    if (moved === undefined) continue;
    const key = JSON.stringify([create.service.metadata.uid, moved]);
    const move = found.get(key) ?? { first: replace, ...moved, to: new Map<string, number>() };
    const place = create.state === "assigned" && create.nodeName !== undefined ? `on ${create.nodeName}` : "nowhere yet";
    move.to.set(place, (move.to.get(place) ?? 0) + 1);
    found.set(key, move);
  }
  return [...found.values()].map(({ first, from, why, to }) => {
    const count = [...to.values()].reduce((sum, each) => sum + each, 0);
    const places = [...to].sort().map(([place, each]) => `${each} ${place}`);
    const tasks = count === 1 ? "1 task" : `${count} tasks`;
    const message = `${tasks} of ${from} moved: ${places.join(", ")}; ${why}`;
    return event(first.create.service, { type: "Normal", reason: "TaskMoved", message });
  });
}
