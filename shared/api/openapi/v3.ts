/**
 * OpenAPI 3.0 as Kubernetes serves it: `/openapi/v3` lists the groups' documents with a hash in each URL, so that a client keeps
 * what it has until the kinds change. kubectl explain and kubectl's field validation read it.
 */
import { coreVersion } from "../../kinds/core-event.ts";
import { apiVersion } from "../../kinds/object.ts";
import type { OpenApiSchema } from "../../kinds/open-api-schema.ts";
import type { Registry } from "../../kinds/registry.ts";
import { kindsAt, type Place } from "../discovery.ts";
import { type Definitions, definitionsOf, documentInfo } from "./definitions.ts";
import { type JsonDocument, jsonDocument } from "./document.ts";
import { eventDefinitions } from "./event-definitions.ts";
import { eventPaths } from "./event-operations.ts";
import { type Operation, type Parameter, type Path, pathsOf, tagOf } from "./operations.ts";

export type OpenApiV3 = {
  /** `/openapi/v3`. */
  readonly index: JsonDocument;
  /** By what follows `/openapi/v3/`: `apis/windlass.dev/v1`. `hash` is that of its URL in the index. */
  readonly documents: ReadonlyMap<string, JsonDocument & { readonly hash: string }>;
};

/** Deterministic: the same kinds give the same bytes, in every process. Costs milliseconds; keep the result. */
export function openApiV3(registry: Registry, place: Place): OpenApiV3 {
  const kinds = kindsAt(registry, place);
  const documents = new Map(
    Object.entries({
      [`api/${coreVersion}`]: groupDocument(eventDefinitions(), eventPaths()),
      [`apis/${apiVersion}`]: groupDocument(definitionsOf(kinds), pathsOf(kinds)),
    }).map(([path, content]) => {
      const document = jsonDocument(content);
      return [path, { ...document, hash: document.etag.slice(1, -1) }];
    }),
  );
  // Rooted at /openapi/v3: then clients put the prefix of their own base URL (/clusters/<name>) before it.
  const urls = [...documents].map(([path, { hash }]) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }]);
  return { index: jsonDocument({ paths: Object.fromEntries(urls) }), documents };
}

function groupDocument(definitions: Definitions, operations: readonly Path[]): object {
  const schemas = Object.entries(definitions).map(([name, schema]) => [name, schemaV3(schema)]);
  const paths = operations.map((path) => [path.path, pathItem(path)]);
  return {
    openapi: "3.0.0",
    info: documentInfo,
    paths: Object.fromEntries(paths),
    components: { schemas: Object.fromEntries(schemas) },
  };
}

const referenceTo = (name: string): object => ({ $ref: `#/components/schemas/${name}` });

/** OpenAPI 3.0: what stands beside a $ref is ignored, so a described reference is the only part of an allOf. */
function schemaV3(schema: OpenApiSchema): object {
  const { $ref, items, properties, additionalProperties, ...rest } = schema;
  if ($ref !== undefined) return Object.keys(rest).length === 0 ? referenceTo($ref) : { ...rest, allOf: [referenceTo($ref)] };
  const entries = Object.entries(properties ?? {}).map(([name, part]) => [name, schemaV3(part)]);
  return {
    ...rest,
    ...(items && { items: schemaV3(items) }),
    ...(properties && { properties: Object.fromEntries(entries) }),
    ...(additionalProperties && { additionalProperties: schemaV3(additionalProperties) }),
  };
}

function pathItem({ parameters, operations }: Path): object {
  const byMethod = operations.map((operation) => [operation.method, operationV3(operation)]);
  return { ...(parameters.length > 0 && { parameters: parameters.map(parameterV3) }), ...Object.fromEntries(byMethod) };
}

function operationV3({ id, description, action, kind, parameters, body, consumes, answer, code }: Operation): object {
  const content = (types: readonly string[], name: string) =>
    Object.fromEntries(types.map((type) => [type, { schema: referenceTo(name) }]));
  return {
    tags: [tagOf(kind)],
    description,
    operationId: id,
    ...(parameters.length > 0 && { parameters: parameters.map(parameterV3) }),
    ...(body !== undefined && { requestBody: { required: action !== "delete", content: content(consumes, body) } }),
    responses: { [code]: { description: code === "201" ? "Created" : "OK", content: content(["application/json"], answer) } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": kind,
  };
}

function parameterV3({ name, in: place, type, description }: Parameter): object {
  return { name, in: place, description, required: place === "path", schema: { type, uniqueItems: true } };
}
