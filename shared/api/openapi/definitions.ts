/**
 * The definitions that both OpenAPI documents hold: each kind's object, list, spec and status from its schemas, and Kubernetes' meta
 * types that they and the paths refer to. Names follow Kubernetes: `dev.windlass.v1.Node`.
 */
import type { KindDefinition } from "../../kinds/definition.ts";
import { metadataSchema } from "../../kinds/metadata.ts";
import { apiVersion, group, version } from "../../kinds/object.ts";
import { type OpenApiSchema, openApiSchema } from "../../kinds/open-api-schema.ts";

export type Definitions = Readonly<Record<string, OpenApiSchema>>;

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
export const metaNames = {
  objectMeta: `${meta}.ObjectMeta`,
  listMeta: `${meta}.ListMeta`,
  status: `${meta}.Status`,
  statusDetails: `${meta}.StatusDetails`,
  statusCause: `${meta}.StatusCause`,
  deleteOptions: `${meta}.DeleteOptions`,
  preconditions: `${meta}.Preconditions`,
  patch: `${meta}.Patch`,
} as const;
const autoscaling = "io.k8s.api.autoscaling.v1";
export const scaleName = `${autoscaling}.Scale`;
export const scaleKind = { group: "autoscaling", kind: "Scale", version: "v1" } as const;

/** `dev.windlass.v1.Node`, of the group's parts in reverse. */
export const definitionName = (kind: string): string => `${group.split(".").reverse().join(".")}.${version}.${kind}`;

/** In the order of their names, so that a document's text depends on nothing but the kinds. */
export function definitionsOf(kinds: readonly KindDefinition[]): Definitions {
  const scale = kinds.some(({ scaling }) => scaling !== undefined) ? Object.entries(scaleDefinitions) : [];
  const entries = [...Object.entries(metaDefinitions), ...scale, ...kinds.flatMap(kindDefinitions)];
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

const text = (description: string): OpenApiSchema => ({ type: "string", description });
const integer = (description: string, format: "int32" | "int64" = "int32"): OpenApiSchema => ({
  type: "integer",
  format,
  description,
});
export const reference = (name: string, description: string | undefined): OpenApiSchema => ({
  $ref: name,
  ...(description !== undefined && { description }),
});

/** kubectl explain prints a reference's description and then that of what it refers to: one of them is enough. */
export const undescribed = ({ description: _, ...schema }: OpenApiSchema): OpenApiSchema => schema;
export const objectMeta = openApiSchema(metadataSchema);

export const versionField = text("The version of the API that the object is written in.");
export const kindField = text("The object's kind.");

function kindDefinitions(definition: KindDefinition): [string, OpenApiSchema][] {
  const { kind, description } = definition;
  const [name, specName, statusName] = [definitionName(kind), definitionName(`${kind}Spec`), definitionName(`${kind}Status`)];
  const [spec, status] = [openApiSchema(definition.spec), openApiSchema(definition.status)];
  const object: OpenApiSchema = {
    type: "object",
    description,
    properties: {
      apiVersion: versionField,
      kind: kindField,
      metadata: reference(metaNames.objectMeta, objectMeta.description),
      spec: reference(specName, spec.description),
      status: reference(statusName, status.description),
    },
    "x-kubernetes-group-version-kind": [{ group, kind, version }],
  };
  const list: OpenApiSchema = {
    type: "object",
    description: `A list of ${definition.plural}.`,
    required: ["items"],
    properties: {
      apiVersion: versionField,
      kind: kindField,
      metadata: reference(metaNames.listMeta, "The revision that the list was read at."),
      items: { type: "array", description: "The objects.", items: { $ref: name } },
    },
    "x-kubernetes-group-version-kind": [{ group, kind: `${kind}List`, version }],
  };
  return [
    [name, object],
    [definitionName(`${kind}List`), list],
    [specName, undescribed(spec)],
    [statusName, undescribed(status)],
  ];
}

/** Kubernetes' meta/v1 in our words; only what this API sends and takes. */
export const metaDefinitions: Definitions = {
  [metaNames.objectMeta]: undescribed(objectMeta),
  [metaNames.listMeta]: {
    type: "object",
    description: "What a list says of itself.",
    properties: {
      continue: text("Where the next page begins; absent at the end."),
      remainingItemCount: integer("How many objects follow.", "int64"),
      resourceVersion: text("The revision of the list, from which a watch can go on. Opaque."),
      selfLink: text("Not used."),
    },
  },
  [metaNames.status]: {
    type: "object",
    description: "The outcome of a call that returns no object.",
    properties: {
      apiVersion: versionField,
      kind: kindField,
      metadata: reference(metaNames.listMeta, "Empty."),
      status: text("Success or Failure."),
      message: text("What happened, for people."),
      reason: text("What happened, for programs: one word."),
      details: reference(metaNames.statusDetails, "What it is about."),
      code: integer("The HTTP status code."),
    },
    "x-kubernetes-group-version-kind": [{ group: "", kind: "Status", version: "v1" }],
  },
  [metaNames.statusDetails]: {
    type: "object",
    description: "What a Status is about.",
    properties: {
      name: text("Name of the object."),
      group: text("Group of its kind."),
      kind: text("Its kind, as in paths."),
      uid: text("Its uid."),
      causes: { type: "array", description: "What is wrong, field by field.", items: { $ref: metaNames.statusCause } },
      retryAfterSeconds: integer("When the call may be tried again."),
    },
  },
  [metaNames.statusCause]: {
    type: "object",
    description: "One thing that is wrong.",
    properties: {
      field: text("The field's path, like spec.ports[0].containerPort."),
      message: text("What is wrong, for people."),
      reason: text("What is wrong, for programs."),
    },
  },
  [metaNames.deleteOptions]: {
    type: "object",
    description: "How an object is deleted.",
    properties: {
      apiVersion: versionField,
      kind: kindField,
      dryRun: { type: "array", description: "All: only say what would happen.", items: { type: "string" } },
      gracePeriodSeconds: integer("Time until the deletion; 0: at once.", "int64"),
      orphanDependents: { type: "boolean", description: "Former name of propagationPolicy Orphan." },
      preconditions: reference(metaNames.preconditions, "What must be true of the object."),
      propagationPolicy: text("What becomes of the objects it owns: Orphan, Background or Foreground."),
    },
  },
  [metaNames.preconditions]: {
    type: "object",
    description: "What must be true of an object for it to be deleted.",
    properties: { resourceVersion: text("Its version."), uid: text("Its uid.") },
  },
  [metaNames.patch]: { type: "object", description: "A change of an object, in the format that its content type names." },
};

/** Kubernetes' autoscaling/v1 in our words. */
const scaleDefinitions: Definitions = {
  [scaleName]: {
    type: "object",
    description: "How many of something an object asks for.",
    properties: {
      apiVersion: versionField,
      kind: kindField,
      metadata: reference(metaNames.objectMeta, objectMeta.description),
      spec: reference(`${scaleName}Spec`, "How many there should be."),
      status: reference(`${scaleName}Status`, "How many there are."),
    },
    "x-kubernetes-group-version-kind": [scaleKind],
  },
  [`${scaleName}Spec`]: { type: "object", properties: { replicas: integer("How many there should be.") } },
  [`${scaleName}Status`]: {
    type: "object",
    required: ["replicas"],
    properties: {
      replicas: integer("How many there are."),
      selector: text("The labels of what is counted, as a label selector."),
    },
  },
};

/** Kept beside the definitions, so that a document names one version everywhere. */
export const documentInfo = { title: "Windlass", version: apiVersion } as const;
