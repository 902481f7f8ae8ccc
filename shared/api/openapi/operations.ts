/**
 * Every operation on the kinds, told once; v2.ts and v3.ts write it in their own ways. Kubernetes' clients read from it which query
 * parameters a kind's calls take (kubectl: dryRun and fieldValidation) and which kind stands at a path.
 */
import type { KindDefinition } from "../../kinds/definition.ts";
import { apiVersion, group, version } from "../../kinds/object.ts";
import { definitionName, metaNames, scaleKind, scaleName } from "./definitions.ts";

export type Parameter = {
  readonly name: string;
  readonly in: "path" | "query";
  readonly type: "string" | "integer" | "boolean";
  readonly description: string;
};

type GroupVersionKind = { readonly group: string; readonly kind: string; readonly version: string };

export type Operation = {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly id: string;
  readonly description: string;
  /** Kubernetes' x-kubernetes-action. */
  readonly action: "list" | "post" | "get" | "put" | "patch" | "delete" | "deletecollection";
  /** Of what stands at the path. */
  readonly kind: GroupVersionKind;
  readonly parameters: readonly Parameter[];
  /** The definition of the body; absent: none. */
  readonly body?: string;
  readonly consumes: readonly string[];
  /** The definition of a successful answer. */
  readonly answer: string;
  readonly code: "200" | "201";
};

/** Of the document that an operation belongs to. */
export const tagOf = ({ group: of }: GroupVersionKind): string => (of === "" ? "core_v1" : "windlassDev_v1");

export type Path = {
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly operations: readonly Operation[];
};

const patchTypes = ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"] as const;

const query = (name: string, type: Parameter["type"], description: string): Parameter => ({
  name,
  in: "query",
  type,
  description,
});
const inPath = (name: string, description: string): Parameter => ({ name, in: "path", type: "string", description });
export const name = inPath("name", "Name of the object.");
export const namespace = inPath("namespace", "Namespace of the objects.");

export const writeParameters = [
  query("dryRun", "string", "All: only say what would happen."),
  query("fieldManager", "string", "Who writes, for managedFields."),
  query("fieldValidation", "string", "What becomes of unknown fields: Ignore, Warn or Strict."),
];
const force = query("force", "boolean", "Whether an apply takes fields over from others.");
export const deleteParameters = [
  query("dryRun", "string", "All: only say what would happen."),
  query("gracePeriodSeconds", "integer", "Time until the deletion; 0: at once."),
  query("propagationPolicy", "string", "What becomes of the objects it owns: Orphan, Background or Foreground."),
];
export const listParameters = [
  query("allowWatchBookmarks", "boolean", "Whether a watch also tells how far it has come."),
  query("continue", "string", "Where the page begins; from the page before it."),
  query("fieldSelector", "string", "Only objects whose fields fit, like metadata.name=web."),
  query("labelSelector", "string", "Only objects whose labels fit, like app=web,zone in (a,b)."),
  query("limit", "integer", "Objects of a page at most; 0: all."),
  query("resourceVersion", "string", "The revision to read at or to watch from."),
  query("resourceVersionMatch", "string", "How resourceVersion is meant: Exact or NotOlderThan."),
  query("sendInitialEvents", "boolean", "Whether a watch begins with what is there."),
  query("timeoutSeconds", "integer", "When a watch ends."),
  query("watch", "boolean", "Whether changes follow instead of a list."),
];
export const deleteCollectionParameters = [
  ...deleteParameters,
  ...listParameters.filter(({ name }) => name !== "watch" && name !== "allowWatchBookmarks"),
];

/** Collections, objects and statuses of `kinds`, in the order of their paths. */
export function pathsOf(kinds: readonly KindDefinition[]): readonly Path[] {
  return kinds.flatMap(kindPaths).sort((one, other) => (one.path < other.path ? -1 : 1));
}

function kindPaths(definition: KindDefinition): Path[] {
  const base = `/apis/${apiVersion}`;
  const scope = definition.namespaced ? [namespace] : [];
  const collection = `${base}${definition.namespaced ? "/namespaces/{namespace}" : ""}/${definition.plural}`;
  const everywhere: Path = {
    path: `${base}/${definition.plural}`,
    parameters: [],
    operations: [list(definition, "ForAllNamespaces")],
  };
  return [
    {
      path: collection,
      parameters: scope,
      operations: [list(definition, ""), create(definition), ...(definition.scope === "root" ? [] : [removeAll(definition)])],
    },
    { path: `${collection}/{name}`, parameters: [...scope, name], operations: objectOperations(definition, "") },
    { path: `${collection}/{name}/status`, parameters: [...scope, name], operations: objectOperations(definition, "Status") },
    ...(definition.scaling === undefined
      ? []
      : [{ path: `${collection}/{name}/scale`, parameters: [...scope, name], operations: scaleOperations(definition) }]),
    ...(definition.namespaced ? [everywhere] : []),
  ];
}

function list(definition: KindDefinition, suffix: "" | "ForAllNamespaces"): Operation {
  return {
    ...shared(definition, "list", suffix),
    method: "get",
    description: `List or watch ${definition.plural}.`,
    parameters: listParameters,
    answer: definitionName(`${definition.kind}List`),
  };
}

function create(definition: KindDefinition): Operation {
  return {
    ...shared(definition, "post", ""),
    method: "post",
    description: `Create a ${definition.singular}.`,
    parameters: writeParameters,
    body: definitionName(definition.kind),
    code: "201",
  };
}

function removeAll(definition: KindDefinition): Operation {
  return {
    ...shared(definition, "deletecollection", ""),
    method: "delete",
    description: `Delete ${definition.plural}.`,
    parameters: deleteCollectionParameters,
    body: metaNames.deleteOptions,
    answer: definitionName(`${definition.kind}List`),
  };
}

/** Scale stands for a part of the object, so it is read and written as an object is. */
function scaleOperations(definition: KindDefinition): Operation[] {
  return objectOperations(definition, "Status").map((operation) => ({
    ...operation,
    id: operation.id.replace(/Status$/, "Scale"),
    description: operation.description.replace("the status of", "how many there should be of"),
    kind: scaleKind,
    answer: scaleName,
    ...(operation.method === "put" && { body: scaleName }),
  }));
}

function objectOperations(definition: KindDefinition, suffix: "" | "Status"): Operation[] {
  const what = `${suffix === "" ? "" : "the status of "}a ${definition.singular}`;
  const get: Operation = { ...shared(definition, "get", suffix), method: "get", description: `Read ${what}.`, parameters: [] };
  const put: Operation = {
    ...shared(definition, "put", suffix),
    method: "put",
    description: `Replace ${what}.`,
    parameters: writeParameters,
    body: definitionName(definition.kind),
  };
  const patch: Operation = {
    ...shared(definition, "patch", suffix),
    method: "patch",
    description: `Change ${what}.`,
    parameters: [...writeParameters, force],
    body: metaNames.patch,
    consumes: patchTypes,
  };
  const remove: Operation = {
    ...shared(definition, "delete", suffix),
    method: "delete",
    description: `Delete ${what}.`,
    parameters: deleteParameters,
    body: metaNames.deleteOptions,
    answer: metaNames.status,
  };
  return suffix === "" ? [get, put, patch, remove] : [get, put, patch];
}

const idVerbs = {
  list: "list",
  post: "create",
  get: "read",
  put: "replace",
  patch: "patch",
  delete: "delete",
  deletecollection: "deleteCollection",
} as const;

function shared(definition: KindDefinition, action: Operation["action"], suffix: string) {
  const scope = definition.namespaced && suffix !== "ForAllNamespaces" ? "Namespaced" : "";
  return {
    id: `${idVerbs[action]}WindlassDevV1${scope}${definition.kind}${suffix}`,
    action,
    kind: { group, kind: definition.kind, version },
    consumes: ["application/json"],
    answer: definitionName(definition.kind),
    code: "200",
  } as const;
}
