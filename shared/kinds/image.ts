/**
 * Image: a reference (repository with tag or digest) and what each node has under it. Its name is made of the reference by whoever
 * writes it, as fleet/image-reference.ts does (references hold characters that names can't); the reference is what people use.
 */
import * as z from "zod";
import { conditionsSchema, observedGenerationSchema } from "./condition.ts";
import type { KindDefinition } from "./definition.ts";
import type { Frozen } from "./frozen.ts";
import type { WindlassObject } from "./object.ts";
import { nameSchema, secretReferenceSchema } from "./reference.ts";

/** Ids that are remembered, the newest last: what a removal everywhere must look for. */
export const imageIdsMax = 20;
/** Nodes under one id: twice the fleets this is measured with. An object that is too large all the same is refused when it is committed. */
export const imageNodesMax = 2_000;

const imageId = z.string().regex(/^sha256:[0-9a-f]{64}$/, { error: "must be an image's id: sha256: and 64 hexadecimal digits" });

const imageSpecSchema = z
  .object({
    reference: z
      .string()
      .min(1)
      .max(1_024)
      .regex(/^[^\s@]+(@sha256:[0-9a-f]{64})?$/, {
        error: "must be repository[:tag] or repository@sha256: with 64 hexadecimal digits",
      })
      .describe("The repository, with its registry and its tag or digest."),
    pullSecretRef: secretReferenceSchema.describe("Credentials of its registry.").optional(),
  })
  .describe("Which image it is.");

const placedImageSchema = z
  .object({ nodeName: nameSchema.describe("The Node."), imageId: imageId.describe("The image's id there.") })
  .describe("An image on a node.");

const seenImageSchema = z
  .object({
    imageId: imageId.describe("The image's id."),
    nodeNames: z.array(nameSchema).max(imageNodesMax).describe("The Nodes that had it under this id, without doubles."),
  })
  .describe("An id that the image was seen as.");

const imageStatusSchema = z
  .object({
    digest: imageId.describe("The digest of the last pull or push.").optional(),
    last: placedImageSchema.describe("Where it was pulled, built, imported or committed last.").optional(),
    history: z
      .array(seenImageSchema)
      .max(imageIdsMax)
      .describe("Every id that it was seen as, one an id, the oldest first.")
      .optional(),
    sizeBytes: z.int().min(0).describe("Its size on the last node.").optional(),
    message: z.string().describe("What went wrong last, for people: which node could not pull it, and why.").optional(),
    observedGeneration: observedGenerationSchema.optional(),
    conditions: conditionsSchema.optional(),
  })
  .describe("What was seen of the image.");

export type ImageSpec = Frozen<z.infer<typeof imageSpecSchema>>;
export type ImageStatus = Frozen<z.infer<typeof imageStatusSchema>>;
export type Image = WindlassObject<ImageSpec, ImageStatus>;

export const imageKind: KindDefinition<Image> = {
  kind: "Image",
  plural: "images",
  singular: "image",
  shortNames: ["img"],
  categories: ["windlass"],
  namespaced: false,
  scope: "cluster",
  description: "An image and the nodes that have it.",
  spec: imageSpecSchema,
  status: imageStatusSchema,
  columns: [
    { name: "Reference", type: "string", priority: 0, description: "The repository, with its registry and tag." },
    { name: "Nodes", type: "integer", priority: 0, description: "How many nodes it was seen on." },
    { name: "Digest", type: "string", priority: 0, description: "The digest of the last pull or push, shortened." },
    { name: "Size", type: "integer", priority: 1, description: "Bytes, on the last node." },
    { name: "Last", type: "string", priority: 1, description: "The node where it was made or pulled last." },
    { name: "Message", type: "string", priority: 1, description: "What went wrong last." },
  ],
  cells: ({ spec, status }) => [
    spec.reference,
    nodesOf(status).length,
    status?.digest?.slice(0, 19) ?? "",
    status?.sizeBytes ?? null,
    status?.last?.nodeName ?? "",
    status?.message ?? "",
  ],
  selectableFields: {
    "spec.reference": ({ spec }) => spec.reference,
    "status.digest": ({ status }) => status?.digest ?? "",
  },
  indexes: {
    reference: ({ spec }) => [spec.reference],
    node: ({ status }) => nodesOf(status),
  },
};

/** Nodes of the history, without doubles. */
const nodesOf = (status: ImageStatus | undefined): readonly string[] => [
  ...new Set((status?.history ?? []).flatMap(({ nodeNames }) => nodeNames)),
];
