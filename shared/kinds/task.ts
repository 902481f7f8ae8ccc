/**
 * Task: one container's life, from the wish to its end. A task is never restarted: what ended is replaced by a new task in its
 * slot. Its state only moves forward in `taskStates`, swarmkit's order.
 */
import * as z from "zod";
import { conditionsSchema, observedGenerationSchema } from "./condition.ts";
import type { KindDefinition } from "./definition.ts";
import type { Frozen } from "./frozen.ts";
import type { Metadata, WindlassObject } from "./object.ts";
import { nameSchema } from "./reference.ts";
import { referencedNetworks, templateSchema } from "./template.ts";

/** swarmkit's TaskState in its order: a later state is greater. */
export const taskStates = [
  "new",
  "pending",
  "assigned",
  "accepted",
  "preparing",
  "ready",
  "starting",
  "running",
  "complete",
  "shutdown",
  "failed",
  "rejected",
  "remove",
  "orphaned",
] as const;
export type TaskState = (typeof taskStates)[number];

/** Where a state stands in the order, from 0: for "state greater than". */
export const taskStateRank = (state: TaskState): number => taskStates.indexOf(state);
/** A task without a status is new. */
const taskStateOf = (task: Pick<Task, "status">): TaskState => task.status?.state ?? "new";

const taskSpecSchema = z
  .object({
    serviceName: nameSchema
      .describe("The Service, of the same namespace, that it belongs to; absent: it stands alone.")
      .optional(),
    nodeName: nameSchema.describe("The Node it was given to; absent: none yet.").optional(),
    slot: z
      .int()
      .min(1)
      .describe("Its place among the replicas, from 1; absent for a global service, whose place is the node.")
      .optional(),
    restarts: z
      .int()
      .min(1)
      .describe("How many tasks of its slot and template ended before it and were restarted; absent: none.")
      .optional(),
    desiredState: z.enum(taskStates).describe("The state that it is to reach.").default("running"),
    template: templateSchema,
  })
  .describe("What the task should be.");

const taskStatusSchema = z
  .object({
    state: z.enum(taskStates).describe("How far it has come.").default("new"),
    message: z.string().describe("Why, for people.").optional(),
    containerId: z.string().describe("The engine's id of its container.").optional(),
    exitCode: z.int().describe("What the container's command ended with.").optional(),
    since: z.iso.datetime({ offset: true }).describe("When it reached this state.").optional(),
    startedAt: z.iso
      .datetime({ offset: true })
      .describe("When it was first running, and healthy where it has a check; absent: never.")
      .optional(),
    observedGeneration: observedGenerationSchema.optional(),
    conditions: conditionsSchema.optional(),
  })
  .describe("What was seen of the task.");

export type TaskSpec = Frozen<z.infer<typeof taskSpecSchema>>;
export type TaskStatus = Frozen<z.infer<typeof taskStatusSchema>>;
export type Task = WindlassObject<TaskSpec, TaskStatus>;

export const taskKind: KindDefinition<Task> = {
  kind: "Task",
  plural: "tasks",
  singular: "task",
  shortNames: [],
  categories: ["all", "windlass"],
  namespaced: true,
  scope: "cluster",
  description: "A task: one container of a service on one node.",
  spec: taskSpecSchema,
  status: taskStatusSchema,
  columns: [
    { name: "Service", type: "string", priority: 0, description: "The service it belongs to." },
    { name: "Slot", type: "integer", priority: 0, description: "Its place among the replicas." },
    { name: "Node", type: "string", priority: 0, description: "The node it was given to." },
    { name: "Desired", type: "string", priority: 0, description: "The state that it is to reach." },
    { name: "State", type: "string", priority: 0, description: "How far it has come." },
    { name: "Message", type: "string", priority: 1, description: "Why it is in that state." },
    {
      name: "Container",
      type: "string",
      priority: 1,
      description: "The engine's id of its container, shortened as docker ps does.",
    },
    { name: "Image", type: "string", priority: 1, description: "What it runs." },
  ],
  cells: (task) => [
    task.spec.serviceName ?? "",
    task.spec.slot ?? null,
    task.spec.nodeName ?? "",
    task.spec.desiredState,
    taskStateOf(task),
    task.status?.message ?? "",
    task.status?.containerId?.slice(0, 12) ?? "",
    task.spec.template.spec.image,
  ],
  selectableFields: {
    "spec.serviceName": ({ spec }) => spec.serviceName ?? "",
    "spec.nodeName": ({ spec }) => spec.nodeName ?? "",
    "spec.desiredState": ({ spec }) => spec.desiredState,
    "spec.slot": ({ spec }) => (spec.slot === undefined ? "" : String(spec.slot)),
    "status.state": taskStateOf,
    "status.containerId": ({ status }) => status?.containerId ?? "",
  },
  indexes: {
    service: ({ metadata, spec }) => (spec.serviceName === undefined ? [] : [serviceIndexValue(metadata, spec.serviceName)]),
    node: ({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName]),
    slot: ({ metadata, spec }) =>
      spec.serviceName === undefined || spec.slot === undefined ? [] : [slotIndexValue(metadata, spec.serviceName, spec.slot)],
    desiredState: ({ spec }) => [spec.desiredState],
    taskState: (task) => [taskStateOf(task)],
    network: ({ spec }) => referencedNetworks(spec.template),
  },
};

/** What tasks of a service stand under in the index `service`: `namespace/serviceName`. */
const serviceIndexValue = ({ namespace }: Pick<Metadata, "namespace">, serviceName: string): string =>
  `${namespace ?? "default"}/${serviceName}`;

/** What a task stands under in the index `slot`: `namespace/serviceName/slot`. */
const slotIndexValue = (metadata: Pick<Metadata, "namespace">, serviceName: string, slot: number): string =>
  `${serviceIndexValue(metadata, serviceName)}/${slot}`;
