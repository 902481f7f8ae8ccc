/** Cluster: one control plane's state, with a log of its own. Clusters are objects of the root log and read-only to what runs in them. */
import * as z from "zod";
import { conditionsSchema, observedGenerationSchema } from "./condition.ts";
import type { KindDefinition } from "./definition.ts";
import type { Frozen } from "./frozen.ts";
import type { Metadata, WindlassObject } from "./object.ts";
import { memorySchema, parseDuration } from "./quantity.ts";
import { secretReferenceSchema } from "./reference.ts";

/** Former lives of one cluster: each export and import makes one. */
const adoptsMax = 32;
/** As uids are made; they stand in labels of containers. */
const uidForm = /^[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;

/** Above what a log takes (DESIGN, "Throughput"): a higher number bounds nothing. */
const commitsPerSecondMax = 100_000;

const quotasSchema = z
  .object({
    objects: z.int().min(0).describe("Objects at most.").optional(),
    bytes: memorySchema.describe("JSON of all its objects together at most, like 64Mi.").optional(),
    commitsPerSecond: z
      .int()
      .min(1)
      .max(commitsPerSecondMax)
      .describe("Commits a second at most, on average; as many may come at once.")
      .optional(),
  })
  .describe("What the cluster may hold and do; a part that is absent has no bound but the log's own.");

const clusterSpecSchema = z
  .object({
    description: z.string().max(1_024).describe("What the cluster is for, for people.").optional(),
    retention: z
      .string()
      .refine(isRetention, { error: "must be never, or a duration of at most a year, like 168h" })
      .describe("How long entries of the log are kept before they are stripped, so that watches can resume; never: full history.")
      .default("168h"),
    quotas: quotasSchema.optional(),
    paused: z
      .boolean()
      .describe("While true nothing is done on the cluster's nodes: they are not asked, and tasks stay as they are.")
      .optional(),
    adopts: z
      .array(z.string().regex(uidForm, { error: "must be the uid of a former cluster" }))
      .max(adoptsMax)
      .describe("uids of former clusters, which this one came of: containers that are labelled with them count as its own.")
      .superRefine(unique)
      .optional(),
    nodeTls: z
      .object({ secretRef: secretReferenceSchema })
      .describe("Key, certificate and authority for the engines of nodes that name none themselves.")
      .optional(),
  })
  .describe("What the cluster should be.");

const clusterStatusSchema = z
  .object({
    state: z.enum(["creating", "ready", "deleting"]).describe("Where it is in its life.").default("creating"),
    message: z.string().describe("Why, for people.").optional(),
    observedGeneration: observedGenerationSchema.optional(),
    conditions: conditionsSchema.optional(),
  })
  .describe("What was seen of the cluster.");

export type ClusterSpec = Frozen<z.infer<typeof clusterSpecSchema>>;
export type ClusterStatus = Frozen<z.infer<typeof clusterStatusSchema>>;
export type ClusterQuotas = NonNullable<ClusterSpec["quotas"]>;
export type Cluster = WindlassObject<ClusterSpec, ClusterStatus>;

export const clusterKind: KindDefinition<Cluster> = {
  kind: "Cluster",
  plural: "clusters",
  singular: "cluster",
  shortNames: [],
  categories: ["windlass"],
  namespaced: false,
  scope: "root",
  description: "A cluster: nodes, services and what else belongs to one control plane, with a log of its own.",
  spec: clusterSpecSchema,
  status: clusterStatusSchema,
  columns: [
    { name: "State", type: "string", priority: 0, description: "Where it is in its life." },
    { name: "Retention", type: "string", priority: 0, description: "How long watches can resume." },
    { name: "Description", type: "string", priority: 1, description: "What it is for." },
    { name: "Message", type: "string", priority: 1, description: "Why it is in that state." },
  ],
  cells: ({ metadata, spec, status }) => [
    stateOf(metadata, status),
    spec.retention,
    spec.description ?? "",
    status?.message ?? "",
  ],
  selectableFields: { "status.state": ({ metadata, status }) => stateOf(metadata, status) },
  indexes: {},
  finalizer: "windlass.dev/cluster-data",
};

/** A deletion that was asked for shows at once, before somebody has begun to carry it out. */
function stateOf({ deletionTimestamp }: Metadata, status: ClusterStatus | undefined): ClusterStatus["state"] {
  return deletionTimestamp === undefined ? (status?.state ?? "creating") : "deleting";
}

function unique(uids: readonly string[], context: z.RefinementCtx): void {
  for (const [index, uid] of uids.entries())
    if (uids.indexOf(uid) < index) context.addIssue({ code: "custom", path: [index], message: "must be unique", input: uid });
}

function isRetention(text: string): boolean {
  return text === "never" || parseDuration(text) !== undefined;
}
