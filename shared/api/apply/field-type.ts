/**
 * How the fields of a kind are owned: which of its maps and lists are owned part by part, and which as one. Read from the same schemas
 * that OpenAPI shows, with Kubernetes' extensions (x-kubernetes-list-type and its siblings) and its defaults: maps part by part, lists as one.
 */
import type { KindDefinition } from "../../kinds/definition.ts";
import { metadataSchema } from "../../kinds/metadata.ts";
import { type OpenApiSchema, openApiSchema } from "../../kinds/open-api-schema.ts";

export type FieldType =
  /** A plain value, or a map or list that is owned as one. */
  | { readonly owned: "whole" }
  /** Named fields. */
  | { readonly owned: "fields"; readonly fields: ReadonlyMap<string, FieldType> }
  /** A map with keys of the user's. */
  | { readonly owned: "entries"; readonly entry: FieldType }
  /** A list of plain values, each there once. */
  | { readonly owned: "values" }
  /** A list of objects, each told by its `keys`. */
  | { readonly owned: "items"; readonly keys: readonly string[]; readonly item: FieldType };

/** What the server sets, or what tells which object it is: nobody's. Kubernetes' stripMeta. */
export const unownedMetadata: ReadonlySet<string> = new Set([
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "managedFields",
]);

const whole: FieldType = { owned: "whole" };
const types = new WeakMap<KindDefinition, FieldType>();

/** Of an object of the kind; its apiVersion and kind are nobody's. Built at first use. */
export function fieldTypeOf(definition: KindDefinition): FieldType {
  let type = types.get(definition);
  if (type === undefined) {
    type = objectType(definition);
    types.set(definition, type);
  }
  return type;
}

function objectType({ spec, status }: KindDefinition): FieldType {
  const { properties = {} } = openApiSchema(metadataSchema);
  const metadata = Object.entries(properties).filter(([name]) => !unownedMetadata.has(name));
  return fieldsType([
    ["metadata", { type: "object", properties: Object.fromEntries(metadata) }],
    ["spec", openApiSchema(spec)],
    ["status", openApiSchema(status)],
  ]);
}

const fieldsType = (properties: readonly (readonly [string, OpenApiSchema])[]): FieldType => ({
  owned: "fields",
  fields: new Map(properties.map(([name, schema]) => [name, typeOf(schema)])),
});

function typeOf(schema: OpenApiSchema): FieldType {
  if (schema["x-kubernetes-map-type"] === "atomic") return whole;
  if (schema.type === "array") return listType(schema);
  if (schema.properties !== undefined) return fieldsType(Object.entries(schema.properties));
  if (schema.additionalProperties !== undefined) return { owned: "entries", entry: typeOf(schema.additionalProperties) };
  return schema.type === undefined || schema.type === "object" ? anything : whole;
}

/** Of what has no schema: maps part by part, all else as one. A value that does not fit its type is a plain one. */
const anything: FieldType = {
  owned: "entries",
  get entry() {
    return anything;
  },
};

function listType(schema: OpenApiSchema): FieldType {
  const { items = {}, "x-kubernetes-list-map-keys": keys = [] } = schema;
  switch (schema["x-kubernetes-list-type"]) {
    case "set":
      return { owned: "values" };
    case "map":
      return { owned: "items", keys, item: typeOf(items) };
    default:
      return whole;
  }
}
