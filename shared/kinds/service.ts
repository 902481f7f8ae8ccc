/** Service: so many tasks of one template. The reconciler keeps as many of them as asked for, one generation of the template after the other. */
import * as z from "zod";
import { conditionsSchema, observedGenerationSchema } from "./condition.ts";
import type { KindDefinition } from "./definition.ts";
import type { Frozen } from "./frozen.ts";
import type { WindlassObject } from "./object.ts";
import { durationSchema } from "./quantity.ts";
import { portsText, referencedNetworks, templateSchema } from "./template.ts";

/** A bound on what one object can ask of the reconciler: ten times the largest site swarmkit reports. */
const replicasMax = 1_000_000;

/** swarmkit's UpdateConfig; `failureActions` differ, for a rollback can't be rolled back. */
function updateSchema<const Actions extends readonly ["pause", ...string[]]>(failureActions: Actions) {
  return z.object({
    parallelism: z.int().min(0).max(replicasMax).describe("Tasks replaced at the same time; 0: all at once.").default(1),
    delay: durationSchema.describe("Time between one batch and the next.").default("0s"),
    failureAction: z.enum(failureActions).describe("What follows when too many new tasks fail.").default("pause"),
    monitor: durationSchema.describe("A new task that fails this soon counts as a failure.").default("5s"),
    maxFailureRatio: z.number().min(0).max(1).describe("The share of new tasks that may fail.").default(0),
    order: z
      .enum(["stop-first", "start-first"])
      .describe("Whether the old task stops before the new one starts.")
      .default("stop-first"),
  });
}

const serviceSpecSchema = z
  .object({
    mode: z
      .enum(["replicated", "global"])
      .describe("replicated: so many tasks as replicas says; global: one on each node that fits.")
      .default("replicated"),
    replicas: z.int().min(0).max(replicasMax).describe("How many tasks; without meaning in mode global.").default(1),
    template: templateSchema,
    update: updateSchema(["pause", "continue", "rollback"])
      .describe("How a changed template replaces running tasks.")
      .prefault({}),
    rollback: updateSchema(["pause", "continue"]).describe("How the former template comes back.").prefault({}),
  })
  .describe("What the service should be.");

/** swarmkit's UpdateStatus, with what its PreviousSpec and its updater remember. */
const updateStatusSchema = z
  .object({
    state: z
      .enum(["updating", "paused", "completed", "rollback_started", "rollback_paused", "rollback_completed"])
      .describe("How far it is. A paused one goes on when the spec changes."),
    message: z.string().describe("Why, for people.").optional(),
    startedAt: z.iso.datetime({ offset: true }).describe("When it began, or was last resumed."),
    completedAt: z.iso.datetime({ offset: true }).describe("When it ended.").optional(),
    generation: z.int().min(0).describe("The generation of the spec that it was last judged by."),
    templateHash: z.string().describe("Of the template that it leads to: another one is another update."),
    step: z.int().min(0).describe("Counts its steps: whoever takes one names the step before."),
    formerTemplate: templateSchema.describe("What a rollback brings back; absent when it ended.").optional(),
  })
  .describe("The last change of the template and how it went.");

const count = z.int().min(0).default(0);
const serviceStatusSchema = z
  .object({
    replicas: count.describe("Tasks that are meant to run."),
    readyReplicas: count.describe("Tasks that run."),
    updatedReplicas: count.describe("Tasks of the current template."),
    message: z.string().describe("What holds it up, for people.").optional(),
    update: updateStatusSchema.optional(),
    observedGeneration: observedGenerationSchema.optional(),
    conditions: conditionsSchema.optional(),
  })
  .describe("What was seen of the service.");

export type ServiceSpec = Frozen<z.infer<typeof serviceSpecSchema>>;
export type ServiceStatus = Frozen<z.infer<typeof serviceStatusSchema>>;
export type UpdateConfig = ServiceSpec["update"] | ServiceSpec["rollback"];
export type UpdateStatus = NonNullable<ServiceStatus["update"]>;
export type Service = WindlassObject<ServiceSpec, ServiceStatus>;

export const serviceKind: KindDefinition<Service> = {
  kind: "Service",
  plural: "services",
  singular: "service",
  shortNames: ["svc"],
  categories: ["all", "windlass"],
  namespaced: true,
  scope: "cluster",
  description: "A service: so many tasks of one template, kept running.",
  spec: serviceSpecSchema,
  status: serviceStatusSchema,
  columns: [
    { name: "Mode", type: "string", priority: 0, description: "replicated or global." },
    { name: "Replicas", type: "string", priority: 0, description: "Tasks that run, of those that should." },
    { name: "Image", type: "string", priority: 0, description: "What they run." },
    { name: "Updated", type: "integer", priority: 1, description: "Tasks of the current template." },
    { name: "Ports", type: "string", priority: 1, description: "Ports that are published." },
    { name: "Message", type: "string", priority: 1, description: "What holds it up." },
  ],
  cells: ({ spec, status }) => [
    spec.mode,
    `${status?.readyReplicas ?? 0}/${spec.mode === "global" ? (status?.replicas ?? 0) : spec.replicas}`,
    spec.template.spec.image,
    status?.updatedReplicas ?? 0,
    portsText(spec.template),
    status?.message ?? "",
  ],
  selectableFields: {
    "spec.mode": ({ spec }) => spec.mode,
    "spec.template.spec.image": ({ spec }) => spec.template.spec.image,
  },
  indexes: { network: ({ spec }) => referencedNetworks(spec.template) },
  scaling: {
    view: ({ spec, status }) => ({
      wanted: spec.replicas,
      there: status?.replicas ?? 0,
      selector: labelsText(spec.template.metadata?.labels ?? {}),
    }),
    spec: ({ spec }, wanted) => ({ ...spec, replicas: wanted }),
    part: (replicas) => ({ replicas }),
  },
};

/** As a label selector: `app=web,env=prod`. */
function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.sort().join(",");
}
