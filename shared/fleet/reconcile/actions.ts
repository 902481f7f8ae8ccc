/**
 * What decide may ask for. Each action is one atomic change and carries what must still hold when it is carried out: a reconciler
 * that is late, or not the only one, then changes nothing, and the next round decides again.
 */
import type { Condition } from "../../kinds/condition.ts";
import type { Node } from "../../kinds/node.ts";
import type { Service, ServiceStatus } from "../../kinds/service.ts";
import type { Task, TaskState } from "../../kinds/task.ts";
import type { Template } from "../../kinds/template.ts";

/** Where a service's tasks follow each other: a slot of a replicated service, a node for a global one. */
export type Place = { readonly slot: number } | { readonly nodeName: string };

/** What people are told once an action was carried out, as an Event of the object that it was about. */
export type Note = { readonly type: "Normal" | "Warning"; readonly reason: string; readonly message: string };

/** Holds while the task is as it was seen: its resourceVersion. */
export type ChangeTask = {
  readonly do: "change";
  readonly task: Task;
  desiredState?: TaskState;
  nodeName?: string;
  state?: TaskState;
  message?: string;
};

/** Holds while the task is as it was seen. */
export type DeleteTask = { readonly do: "delete"; readonly task: Task };

/** A task to be; placement fills in the rest. */
export type NewTask = {
  readonly service: Service;
  readonly place: Place;
  /** Counts the tasks of its place, from 1; its name ends in it. */
  readonly number: number;
  readonly template: Template;
  readonly desiredState: TaskState;
  readonly restarts: number;
  nodeName?: string;
  state: TaskState;
  message: string;
};

/**
 * A place's next task, together with the end of those before it. Holds while its service is there with this uid, nobody else has
 * changed who is wanted in the place, and the node still has room.
 */
export type ReplaceTask = {
  readonly do: "replace";
  /** uids of the tasks that are wanted in the place now. */
  readonly wanted: readonly string[];
  /** Those of them that this one ends. */
  readonly ends: readonly ChangeTask[];
  readonly create: NewTask;
  /** The node that can't keep the task before it, and why. Absent: the task does not move. */
  readonly moved?: { readonly from: string; readonly why: string };
};

/**
 * Some replacements of an update. Holds while the update is at this step; it then is at the next: so of two who both would take
 * `parallelism` tasks down only one does.
 */
export type StepUpdate = {
  readonly do: "step";
  readonly service: Service;
  readonly step: number;
  readonly replaces: readonly ReplaceTask[];
};

/** The service's status, and its template when an update is rolled back. Holds while the service is as it was seen. */
export type ChangeService = {
  readonly do: "service";
  readonly service: Service;
  readonly status: ServiceStatus;
  readonly template?: Template;
  readonly notes: readonly Note[];
};

/**
 * How far the draining of a node is; `drained` undefined: it is not drained, and nothing is said. Holds while the node's availability, its
 * removal and its condition are as they were seen: what others say of it changes meanwhile.
 */
export type ChangeNode = {
  readonly do: "node";
  readonly node: Node;
  readonly drained: Condition | undefined;
  readonly notes: readonly Note[];
};

/** The node's deletion is to wait for its tasks. Holds while the node is this one, and nobody has asked for its deletion. */
export type HoldNode = { readonly do: "hold"; readonly node: Node };

/**
 * The deletion of the node waits for tasks no more. Holds while none of them is left there, and no container of one; or, where `isLost`, no
 * task, and the node has not come back.
 */
export type ReleaseNode = { readonly do: "release"; readonly node: Node; readonly isLost: boolean; readonly note: Note };

export type Action = ChangeTask | DeleteTask | ReplaceTask | StepUpdate | ChangeService | ChangeNode | HoldNode | ReleaseNode;

export type Decision = {
  /** In the order in which they are to be carried out. */
  readonly actions: readonly Action[];
  /** When time alone will change the decision, milliseconds since 1970; undefined: only a change of the objects does. */
  readonly wakeAt: number | undefined;
  /** A task fits nowhere: room that others make changes the decision. */
  readonly isWaiting: boolean;
};
