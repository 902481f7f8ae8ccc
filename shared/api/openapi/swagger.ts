/**
 * The Swagger 2.0 document of some kinds, as plain data: v2.ts sends it as JSON, gnostic.ts writes it as protobuf.
 */
import type { KindDefinition } from "../../kinds/definition.ts";
import type { OpenApiSchema } from "../../kinds/open-api-schema.ts";
import { definitionsOf, documentInfo } from "./definitions.ts";
import { eventDefinitions } from "./event-definitions.ts";
import { eventPaths } from "./event-operations.ts";
import { type Operation, type Parameter, type Path, pathsOf, tagOf } from "./operations.ts";

export type SchemaV2 = Omit<OpenApiSchema, "items" | "properties" | "additionalProperties"> & {
  readonly items?: SchemaV2;
  readonly properties?: Readonly<Record<string, SchemaV2>>;
  readonly additionalProperties?: SchemaV2;
};
export type ParameterV2 =
  | {
      readonly name: string;
      readonly in: "path" | "query";
      readonly description: string;
      readonly required: boolean;
      readonly type: string;
      readonly uniqueItems: true;
    }
  | { readonly name: "body"; readonly in: "body"; readonly required: boolean; readonly schema: SchemaV2 };
export type OperationV2 = {
  readonly tags: readonly string[];
  readonly description: string;
  readonly operationId: string;
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  readonly parameters: readonly ParameterV2[];
  readonly responses: Readonly<Record<string, { readonly description: string; readonly schema: SchemaV2 }>>;
  readonly "x-kubernetes-action": string;
  readonly "x-kubernetes-group-version-kind": { readonly group: string; readonly kind: string; readonly version: string };
};
export type PathItemV2 = { readonly parameters: readonly ParameterV2[] } & {
  readonly [method in Operation["method"]]?: OperationV2;
};
export type DocumentV2 = {
  readonly swagger: "2.0";
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, PathItemV2>>;
  readonly definitions: Readonly<Record<string, SchemaV2>>;
};

export function documentV2(kinds: readonly KindDefinition[]): DocumentV2 {
  const all = { ...definitionsOf(kinds), ...eventDefinitions() };
  const definitions = Object.entries(all).map(([name, schema]) => [name, schemaV2(schema)] as const);
  const paths = [...eventPaths(), ...pathsOf(kinds)].map((path) => [path.path, pathItem(path)] as const);
  return { swagger: "2.0", info: documentInfo, paths: Object.fromEntries(paths), definitions: Object.fromEntries(definitions) };
}

const referenceTo = (name: string): SchemaV2 => ({ $ref: `#/definitions/${name}` });

/** A reference may carry a description here; kubectl's models refuse a type beside it. */
function schemaV2(schema: OpenApiSchema): SchemaV2 {
  const { $ref, items, properties, additionalProperties, ...rest } = schema;
  if ($ref !== undefined) return { ...rest, ...referenceTo($ref) };
  const entries = Object.entries(properties ?? {}).map(([name, part]) => [name, schemaV2(part)] as const);
  return {
    ...rest,
    ...(items && { items: schemaV2(items) }),
    ...(properties && { properties: Object.fromEntries(entries) }),
    ...(additionalProperties && { additionalProperties: schemaV2(additionalProperties) }),
  };
}

function pathItem({ parameters, operations }: Path): PathItemV2 {
  const byMethod = operations.map((operation) => [operation.method, operationV2(operation)] as const);
  return { parameters: parameters.map(parameterV2), ...Object.fromEntries(byMethod) };
}

function operationV2({ id, description, action, kind, parameters, body, consumes, answer, code }: Operation): OperationV2 {
  const inBody: ParameterV2[] =
    body === undefined ? [] : [{ name: "body", in: "body", required: action !== "delete", schema: referenceTo(body) }];
  return {
    tags: [tagOf(kind)],
    description,
    operationId: id,
    consumes,
    produces: ["application/json"],
    parameters: [...inBody, ...parameters.map(parameterV2)],
    responses: { [code]: { description: code === "201" ? "Created" : "OK", schema: referenceTo(answer) } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": kind,
  };
}

function parameterV2({ name, in: place, type, description }: Parameter): ParameterV2 {
  return { name, in: place, description, required: place === "path", type, uniqueItems: true };
}
