/**
 * A Swagger document as protobuf: gnostic's message openapi.v2.Document, the form in which kubectl asks for it. Field numbers are
 * those of gnostic's OpenAPIv2.proto; of its messages only what our documents use is here. Extensions, defaults and enums travel as
 * YAML text, for which JSON will do.
 */
import protobuf from "protobufjs/light.js";
import type { DocumentV2, OperationV2, ParameterV2, PathItemV2, SchemaV2 } from "./swagger.ts";

type Fields = { readonly [name: string]: readonly [type: string, id: number, rule?: "repeated"] };

const repeated = "repeated";
const named = (type: string): Fields => ({ name: ["string", 1], value: [type, 2] });
const messages: Readonly<Record<string, Fields>> = {
  Document: { swagger: ["string", 1], info: ["Info", 2], paths: ["Paths", 8], definitions: ["Definitions", 9] },
  Info: { title: ["string", 1], version: ["string", 2] },
  Paths: { path: ["NamedPathItem", 2, repeated] },
  NamedPathItem: named("PathItem"),
  PathItem: {
    get: ["Operation", 2],
    put: ["Operation", 3],
    post: ["Operation", 4],
    delete: ["Operation", 5],
    patch: ["Operation", 8],
    parameters: ["ParametersItem", 9, repeated],
  },
  Operation: {
    tags: ["string", 1, repeated],
    description: ["string", 3],
    operationId: ["string", 5],
    produces: ["string", 6, repeated],
    consumes: ["string", 7, repeated],
    parameters: ["ParametersItem", 8, repeated],
    responses: ["Responses", 9],
    vendorExtension: ["NamedAny", 13, repeated],
  },
  ParametersItem: { parameter: ["Parameter", 1] },
  Parameter: { bodyParameter: ["BodyParameter", 1], nonBodyParameter: ["NonBodyParameter", 2] },
  BodyParameter: {
    description: ["string", 1],
    name: ["string", 2],
    in: ["string", 3],
    required: ["bool", 4],
    schema: ["Schema", 5],
  },
  NonBodyParameter: { query: ["QueryParameter", 3], path: ["PathParameter", 4] },
  QueryParameter: {
    required: ["bool", 1],
    in: ["string", 2],
    description: ["string", 3],
    name: ["string", 4],
    type: ["string", 6],
    uniqueItems: ["bool", 20],
  },
  PathParameter: {
    required: ["bool", 1],
    in: ["string", 2],
    description: ["string", 3],
    name: ["string", 4],
    type: ["string", 5],
    uniqueItems: ["bool", 19],
  },
  Responses: { responseCode: ["NamedResponse", 1, repeated] },
  NamedResponse: named("ResponseValue"),
  ResponseValue: { response: ["Response", 1] },
  Response: { description: ["string", 1], schema: ["SchemaItem", 2] },
  SchemaItem: { schema: ["Schema", 1] },
  Definitions: { additionalProperties: ["NamedSchema", 1, repeated] },
  NamedSchema: named("Schema"),
  Schema: {
    ref: ["string", 1],
    format: ["string", 2],
    description: ["string", 4],
    default: ["Any", 5],
    maximum: ["double", 7],
    exclusiveMaximum: ["bool", 8],
    minimum: ["double", 9],
    exclusiveMinimum: ["bool", 10],
    maxLength: ["int64", 11],
    minLength: ["int64", 12],
    pattern: ["string", 13],
    maxItems: ["int64", 14],
    minItems: ["int64", 15],
    required: ["string", 19, repeated],
    enum: ["Any", 20, repeated],
    additionalProperties: ["AdditionalProperties", 21],
    type: ["TypeItem", 22],
    items: ["ItemsItem", 23],
    properties: ["Properties", 25],
    vendorExtension: ["NamedAny", 31, repeated],
  },
  AdditionalProperties: { schema: ["Schema", 1] },
  TypeItem: { value: ["string", 1, repeated] },
  ItemsItem: { schema: ["Schema", 1, repeated] },
  Properties: { additionalProperties: ["NamedSchema", 1, repeated] },
  NamedAny: named("Any"),
  Any: { yaml: ["string", 2] },
};

const documentType = protobuf.Root.fromJSON({ nested: Object.fromEntries(Object.entries(messages).map(messageType)) }).lookupType(
  "Document",
);

/** The bytes of a document. The same document gives the same bytes. */
export function encodeDocument({ swagger, info, paths, definitions }: DocumentV2): Uint8Array {
  const message = {
    swagger,
    info,
    paths: { path: namedEntries(paths, pathItem) },
    definitions: { additionalProperties: namedEntries(definitions, schema) },
  };
  return documentType.encode(documentType.fromObject(message)).finish();
}

/** The message of some bytes as a plain object. @throws Error when they are not a document. */
export const decodeDocument = (bytes: Uint8Array): Record<string, unknown> =>
  documentType.toObject(documentType.decode(bytes), { longs: Number });

function messageType([name, fields]: readonly [string, Fields]): [string, protobuf.IType] {
  const described = Object.entries(fields).map(([field, [type, id, rule]]) => [field, { type, id, ...(rule && { rule }) }]);
  return [name, { fields: Object.fromEntries(described) }];
}

/** gnostic writes a map as a list of names and values. */
function namedEntries<T>(map: Readonly<Record<string, T>>, toMessage: (value: T) => object): object[] {
  return Object.entries(map).map(([name, value]) => ({ name, value: toMessage(value) }));
}

const anyValue = (value: unknown): object => ({ yaml: JSON.stringify(value) });

/** Whatever begins with x-. */
function extensions(value: object): object[] {
  const entries = Object.entries(value).filter(([key]) => key.startsWith("x-"));
  return namedEntries(Object.fromEntries(entries), anyValue);
}

function schema(source: SchemaV2): object {
  const { $ref, type, items, properties, additionalProperties, enum: values, default: fallback, ...rest } = source;
  return {
    ...rest,
    ...($ref !== undefined && { ref: $ref }),
    ...(type !== undefined && { type: { value: [type] } }),
    ...(items && { items: { schema: [schema(items)] } }),
    ...(properties && { properties: { additionalProperties: namedEntries(properties, schema) } }),
    ...(additionalProperties && { additionalProperties: { schema: schema(additionalProperties) } }),
    ...(values && { enum: values.map(anyValue) }),
    ...(fallback !== undefined && { default: anyValue(fallback) }),
    vendorExtension: extensions(source),
  };
}

function pathItem({ parameters, ...operations }: PathItemV2): object {
  const methods = Object.entries(operations).map(([method, operation]) => [method, operationMessage(operation)]);
  return { parameters: parameters.map(parameter), ...Object.fromEntries(methods) };
}

function operationMessage(source: OperationV2): object {
  const response = ({ description, schema: answer }: OperationV2["responses"][string]) => ({
    response: { description, schema: { schema: schema(answer) } },
  });
  return {
    ...source,
    parameters: source.parameters.map(parameter),
    responses: { responseCode: namedEntries(source.responses, response) },
    vendorExtension: extensions(source),
  };
}

function parameter(source: ParameterV2): object {
  if (source.in === "body") return { parameter: { bodyParameter: { ...source, schema: schema(source.schema) } } };
  return { parameter: { nonBodyParameter: { [source.in]: source } } };
}
