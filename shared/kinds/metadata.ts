/**
 * The schema of metadata as it may stand in a body, and its checks. What the store alone writes (uid, generation, times) is checked
 * for its type only: clients send back what they read, and the write pipeline keeps its own.
 */
import * as z from "zod";
import type { JsonObject } from "../base/json.ts";
import type { KindDefinition } from "./definition.ts";
import { type FieldError, forbidden, required } from "./field-error.ts";
import {
  checkAnnotations,
  checkFinalizers,
  checkGenerateName,
  checkLabels,
  checkName,
  checkNamespace,
  checkOwnerReferences,
} from "./names.ts";
import type { Metadata } from "./object.ts";

const timeSchema = z.iso.datetime({ offset: true, error: "must be a time of RFC 3339, like 2026-01-02T03:04:05Z" });
const anyObjectSchema = z.custom<JsonObject>((value) => typeof value === "object" && value !== null && !Array.isArray(value), {
  error: "must be of type object",
});

const ownerReferenceSchema = z
  .object({
    apiVersion: z.string().describe("Version of the owner's API."),
    kind: z.string().describe("Kind of the owner."),
    name: z.string().describe("Name of the owner."),
    uid: z.string().describe("The owner's uid: a later object of its name does not own this one."),
    controller: z.boolean().describe("Whether the owner manages this object.").optional(),
    blockOwnerDeletion: z
      .boolean()
      .describe("Whether the owner can't go before this object in a foreground deletion.")
      .optional(),
  })
  .describe("An object that this one belongs to.")
  .meta({ "x-kubernetes-map-type": "atomic" });

const managedFieldsSchema = z
  .object({
    manager: z.string().describe("Who set the fields.").optional(),
    operation: z.string().describe("How: Apply or Update.").optional(),
    apiVersion: z.string().describe("The version that the fields are written in.").optional(),
    time: timeSchema.describe("When they were last set.").optional(),
    fieldsType: z.string().describe("The format of the fields: FieldsV1.").optional(),
    fieldsV1: anyObjectSchema.meta({ type: "object", description: "The set of fields." }).optional(),
    subresource: z.string().describe("The subresource through which they were set.").optional(),
  })
  .describe("Fields that one manager set.");

export const metadataSchema = z
  .object({
    name: z.string().describe("Unique among the objects of its kind (and namespace); can't be changed.").optional(),
    generateName: z.string().describe("The beginning of a name that the server completes, where name is absent.").optional(),
    namespace: z
      .string()
      .describe("The space in which the name is unique; any DNS label. Absent for cluster-wide kinds.")
      .optional(),
    uid: z.string().describe("Identifies this object, never a later one of its name. Set by the server.").optional(),
    resourceVersion: z
      .string()
      .regex(/^[0-9]{1,16}$/, { error: "must be an unsigned integer" })
      .describe("The version of the object; a write that names it is refused unless it is current. Opaque.")
      .optional(),
    generation: z.int().min(0).describe("Counts changes of the spec. Set by the server.").optional(),
    creationTimestamp: timeSchema.describe("When it was created. Set by the server.").optional(),
    deletionTimestamp: timeSchema.describe("When its deletion was asked for. Set by the server.").optional(),
    deletionGracePeriodSeconds: z.int().describe("Time that its deletion was given. Set by the server.").optional(),
    labels: z.record(z.string(), z.string()).describe("Keys and values by which objects are selected.").optional(),
    annotations: z
      .record(z.string(), z.string())
      .describe("Keys and values for people and programs; nothing selects by them.")
      .optional(),
    finalizers: z
      .array(z.string())
      .describe("Who must agree before the object goes.")
      .meta({ "x-kubernetes-list-type": "set" })
      .optional(),
    ownerReferences: z
      .array(ownerReferenceSchema)
      .describe("Objects that this one belongs to; it goes when all are gone.")
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"] })
      .optional(),
    managedFields: z
      .array(managedFieldsSchema)
      .describe("Who set which field.")
      .meta({ "x-kubernetes-list-type": "atomic" })
      .optional(),
  })
  .describe("Name, labels and what else every object has.");

/** What is wrong with metadata whose types are right; a name may be absent. */
export function checkMetadata(metadata: Partial<Metadata>, definition: Pick<KindDefinition, "namespaced">): FieldError[] {
  const { name, generateName, namespace, labels, annotations, finalizers, ownerReferences } = metadata;
  const misplaced = namespace !== undefined && !definition.namespaced;
  return [
    ...(name === undefined ? [] : checkName(name)),
    ...(generateName === undefined ? [] : checkGenerateName(generateName)),
    ...(misplaced
      ? [forbidden("metadata.namespace", "not allowed on this type")]
      : namespace === undefined
        ? []
        : checkNamespace(namespace)),
    ...(labels === undefined ? [] : checkLabels(labels)),
    ...(annotations === undefined ? [] : checkAnnotations(annotations)),
    ...(finalizers === undefined ? [] : checkFinalizers(finalizers)),
    ...(ownerReferences === undefined ? [] : checkOwnerReferences(ownerReferences)),
  ];
}

/** For a create: what is wrong when there is neither a name nor the beginning of one. */
export const checkNamed = ({ name, generateName }: Partial<Metadata>): FieldError[] =>
  name === undefined && generateName === undefined ? [required("metadata.name", "name or generateName is required")] : [];
