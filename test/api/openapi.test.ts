/** Discovery and the OpenAPI documents: what clients of Kubernetes' world read before their first call. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import * as discovery from "../../shared/api/discovery.ts";
import { decodeDocument, encodeDocument } from "../../shared/api/openapi/gnostic.ts";
import { documentV2, type SchemaV2 } from "../../shared/api/openapi/swagger.ts";
import { openApiV2, openApiV2Protobuf, openApiV2ProtobufType } from "../../shared/api/openapi/v2.ts";
import { openApiV3 } from "../../shared/api/openapi/v3.ts";
import { type OpenApiSchema, openApiSchema } from "../../shared/kinds/open-api-schema.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { volumeKind } from "../kinds/fleet.ts";

const registry = createRegistry([...builtinKinds, volumeKind]);
const root = { root: true };
const swagger = documentV2(discovery.kindsAt(registry, root));

function groupDocument() {
  const document = openApiV3(registry, root).documents.get("apis/windlass.dev/v1");
  if (document === undefined) throw new Error("the group has a document");
  return { ...document, value: JSON.parse(document.text) };
}

/** Every value of `key`, anywhere in `value`. */
function valuesOf(value: unknown, key: string): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => [...(name === key ? [part] : []), ...valuesOf(part, key)]);
}

/** kubectl's models (kube-openapi, util/proto) know maps, kinds, lists, primitives and references; what is wrong with a schema for them. */
function modelProblems(path: string, schema: SchemaV2): string[] {
  if (schema.$ref !== undefined)
    return schema.type === undefined && schema.properties === undefined ? [] : [`${path}: a reference with a type`];
  const { properties = {}, additionalProperties, items } = schema;
  const forbidden = ["anyOf", "oneOf", "allOf", "const", "not", "nullable"]
    .filter((key) => key in schema)
    .map((key) => `${path}: ${key}`);
  const parts = [
    ...Object.entries(properties),
    ...(additionalProperties ? [["*", additionalProperties] as const] : []),
    ...(items ? [["[]", items] as const] : []),
  ];
  const known = ["object", "array", "string", "number", "integer", "boolean", undefined].includes(schema.type);
  return [
    ...forbidden,
    ...(known ? [] : [`${path}: type ${schema.type}`]),
    ...(schema.type === "array" && items === undefined ? [`${path}: a list without items`] : []),
    ...parts.flatMap(([name, part]) => modelProblems(`${path}.${name}`, part)),
  ];
}

/** Fields that kubectl explain would show without a word. */
function undescribed(path: string, schema: SchemaV2): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, part]) => [
    ...(part.description === undefined ? [`${path}.${name}`] : []),
    ...undescribed(`${path}.${name}`, part.items ?? part),
  ]);
}

describe("OpenAPI v2", () => {
  test("kubectl's models can read every definition, and every reference leads somewhere", () => {
    expect(Object.entries(swagger.definitions).flatMap(([name, schema]) => modelProblems(name, schema))).toEqual([]);
    const references = valuesOf(swagger, "$ref").map((reference) => String(reference).replace("#/definitions/", ""));
    expect(references.length).toBeGreaterThan(100);
    expect(references.filter((name) => !Object.hasOwn(swagger.definitions, name))).toEqual([]);
  });

  test("each kind, the foreign one too, has its definition, and every field says what it is", () => {
    for (const { kind } of registry.definitions) {
      expect(swagger.definitions[`dev.windlass.v1.${kind}`]?.["x-kubernetes-group-version-kind"]).toEqual([
        { group: "windlass.dev", kind, version: "v1" },
      ]);
    }
    expect(swagger.definitions["dev.windlass.v1.VolumeSpec"]?.properties?.["sizeGb"]).toEqual({
      type: "integer",
      format: "int32",
      description: "Its size.",
      default: 10,
      minimum: 1,
      maximum: 100,
    });
    expect(Object.entries(swagger.definitions).flatMap(([name, schema]) => undescribed(name, schema))).toEqual([]);
  });

  test("patch takes dryRun and fieldValidation, where kubectl looks for them", () => {
    const patch = swagger.paths["/apis/windlass.dev/v1/namespaces/{namespace}/services/{name}"]?.patch;
    expect(patch?.["x-kubernetes-group-version-kind"]).toEqual({ group: "windlass.dev", kind: "Service", version: "v1" });
    expect(patch?.parameters.map(({ name }) => name)).toEqual(expect.arrayContaining(["dryRun", "fieldValidation"]));
  });

  test("operation ids are unique", () => {
    const ids = valuesOf(swagger.paths, "operationId");
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("the protobuf says what the JSON says", () => {
    const decoded = decodeDocument(openApiV2Protobuf(registry, root).bytes) as {
      readonly swagger: string;
      readonly definitions: { readonly additionalProperties: readonly { readonly name: string; readonly value: unknown }[] };
      readonly paths: { readonly path: readonly { readonly name: string; readonly value: object }[] };
    };
    expect(decoded.swagger).toBe("2.0");
    expect(decoded.definitions.additionalProperties.map(({ name }) => name)).toEqual(Object.keys(swagger.definitions));
    const definitions = Object.fromEntries(
      decoded.definitions.additionalProperties.map(({ name, value }) => [name, schemaOf(value as SchemaMessage)]),
    );
    // proto3 does not tell 0 from absent, in gnostic's message neither.
    const withoutZeros = JSON.parse(JSON.stringify(swagger.definitions), (key, value) =>
      key === "minimum" && value === 0 ? undefined : value,
    );
    expect(definitions).toEqual(withoutZeros);
    expect(decoded.paths.path.map(({ name, value }) => [name, Object.keys(value).sort()])).toEqual(
      Object.entries(swagger.paths).map(([name, value]) => [
        name,
        Object.keys(value)
          .filter((key) => key !== "parameters" || value.parameters.length > 0)
          .sort(),
      ]),
    );
    expect(openApiV2ProtobufType).not.toContain("@");
  });

  test("field numbers are gnostic's: a document of one definition has the bytes that gnostic would write", () => {
    const bytes = encodeDocument({
      swagger: "2.0",
      info: { title: "t", version: "v" },
      paths: {},
      definitions: { A: { type: "object" } },
    });
    // swagger = 1; info = 2 {title = 1, version = 2}; paths = 8; definitions = 9 {named schema = 1 {name = 1, value = 2 {type = 22 {value = 1}}}}
    expect(Buffer.from(bytes).toString("hex")).toBe(
      ["0a03322e30", "12060a0174120176", "4200", "4a12", "0a10", "0a0141", "120b", "b20108", "0a066f626a656374"].join(""),
    );
  });
});

type Any = { readonly yaml: string };
type Named<T> = { readonly name: string; readonly value: T };
type SchemaMessage = {
  readonly ref?: string;
  readonly type?: { readonly value: readonly string[] };
  readonly items?: { readonly schema: readonly SchemaMessage[] };
  readonly properties?: { readonly additionalProperties: readonly Named<SchemaMessage>[] };
  readonly additionalProperties?: { readonly schema: SchemaMessage };
  readonly enum?: readonly Any[];
  readonly default?: Any;
  readonly vendorExtension?: readonly Named<Any>[];
};

/** A decoded schema back as JSON has it. */
function schemaOf({
  ref,
  type,
  items,
  properties,
  additionalProperties,
  enum: values,
  default: fallback,
  vendorExtension,
  ...rest
}: SchemaMessage): object {
  const value = ({ yaml }: Any): unknown => JSON.parse(yaml);
  const [item] = items?.schema ?? [];
  return {
    ...rest,
    ...(ref !== undefined && { $ref: ref }),
    ...(type !== undefined && { type: type.value[0] }),
    ...(item && { items: schemaOf(item) }),
    ...(properties && {
      properties: Object.fromEntries(properties.additionalProperties.map((each) => [each.name, schemaOf(each.value)])),
    }),
    ...(additionalProperties && { additionalProperties: schemaOf(additionalProperties.schema) }),
    ...(values && { enum: values.map(value) }),
    ...(fallback && { default: value(fallback) }),
    ...Object.fromEntries((vendorExtension ?? []).map((each) => [each.name, value(each.value)])),
  };
}

describe("OpenAPI v3", () => {
  test("the index names the group's document by its hash, below /openapi/v3, so that clients put their own prefix before it", () => {
    const { index } = openApiV3(registry, root);
    const { hash, etag } = groupDocument();
    expect(JSON.parse(index.text)).toEqual({
      paths: {
        "api/v1": { serverRelativeURL: expect.stringMatching(/^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{64}$/) },
        "apis/windlass.dev/v1": { serverRelativeURL: `/openapi/v3/apis/windlass.dev/v1?hash=${hash}` },
      },
    });
    expect(etag).toBe(`"${hash}"`);
    expect(hash).toMatch(/^[0-9A-F]{64}$/);
  });

  test("every reference leads somewhere, and none has a neighbour", () => {
    const { value } = groupDocument();
    const references = valuesOf(value, "$ref").map((reference) => String(reference).replace("#/components/schemas/", ""));
    expect(references.filter((name) => !Object.hasOwn(value.components.schemas, name))).toEqual([]);
    expect(value.components.schemas["dev.windlass.v1.Node"].properties.spec).toEqual({
      description: "What the node should be.",
      allOf: [{ $ref: "#/components/schemas/dev.windlass.v1.NodeSpec" }],
    });
  });

  test("each path of a kind says which kind it is", () => {
    const { paths } = groupDocument().value;
    for (const { kind, plural, namespaced } of registry.definitions) {
      const item = paths[`/apis/windlass.dev/v1${namespaced ? "/namespaces/{namespace}" : ""}/${plural}/{name}`];
      expect(item.get["x-kubernetes-group-version-kind"]).toEqual({ group: "windlass.dev", kind, version: "v1" });
      expect(Object.keys(paths)).toContain(`/apis/windlass.dev/v1/${plural}`);
    }
  });
});

describe("both documents", () => {
  test("the same kinds give the same bytes, in whatever order they come; other kinds give others", () => {
    const shuffled = createRegistry([volumeKind, ...builtinKinds].reverse());
    expect(openApiV2(shuffled, root)).toEqual(openApiV2(registry, root));
    expect(openApiV2Protobuf(shuffled, root)).toEqual(openApiV2Protobuf(registry, root));
    expect(openApiV3(shuffled, root)).toEqual(openApiV3(registry, root));
    const fewer = createRegistry(builtinKinds);
    expect(openApiV2(fewer, root).etag).not.toBe(openApiV2(registry, root).etag);
    expect(openApiV3(fewer, root).index.etag).not.toBe(openApiV3(registry, root).index.etag);
  });

  test("kinds of the root log are told at the root only", () => {
    expect(openApiV2(registry, root).text).toContain("dev.windlass.v1.Cluster");
    expect(openApiV2(registry, { root: false }).text).not.toContain("dev.windlass.v1.Cluster");
  });
});

describe("schemas that OpenAPI can't say", () => {
  const cases: readonly (readonly [string, z.ZodType, OpenApiSchema])[] = [
    ["a constant", z.literal("x"), { type: "string", enum: ["x"] }],
    ["null or text", z.string().nullable(), { type: "string" }],
    ["a union of one type", z.union([z.string().min(1), z.string().max(3)]), { type: "string" }],
    [
      "a union of types",
      z.union([z.string(), z.number()]).describe("Either."),
      { description: "Either.", "x-kubernetes-preserve-unknown-fields": true },
    ],
    ["anything", z.unknown(), { "x-kubernetes-preserve-unknown-fields": true }],
    ["a map", z.record(z.string(), z.int()), { type: "object", additionalProperties: { type: "integer", format: "int64" } }],
    ["an exclusive bound", z.number().positive(), { type: "number", minimum: 0, exclusiveMinimum: true, format: "double" }],
    ["a time", z.iso.datetime(), { type: "string", format: "date-time" }],
    ["a tuple", z.tuple([z.string(), z.int()]), { type: "array", items: { "x-kubernetes-preserve-unknown-fields": true } }],
    [
      "an intersection",
      z.intersection(z.object({ a: z.string() }), z.object({})),
      { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
    ],
  ];
  test.each(cases)("%s", (_, schema, expected) => {
    const { minItems: _min, maxItems: _max, ...found } = openApiSchema(schema);
    expect(found).toEqual(expected);
  });
});

describe("discovery", () => {
  test("the root lists its own kinds, another cluster does not; each kind has a status", () => {
    const names = (place: discovery.Place) =>
      (discovery.apiResourceList(registry, place)["resources"] as { name: string }[]).map(({ name }) => name);
    expect(names(root)).toContain("clusters");
    expect(names({ root: false })).toEqual(
      ["containers", "images", "networks", "nodes", "services", "tasks", "volumes"].flatMap((plural) => [
        plural,
        ...(plural === "services" ? ["services/scale"] : []),
        `${plural}/status`,
      ]),
    );
  });

  test("a resource tells its kind, scope, verbs, short names and categories", () => {
    expect(discovery.apiResourceList(registry, root)["resources"]).toContainEqual({
      name: "services",
      singularName: "service",
      namespaced: true,
      kind: "Service",
      verbs: [...discovery.objectVerbs],
      shortNames: ["svc"],
      categories: ["all", "windlass"],
    });
  });

  test("the group has one version, which is preferred", () => {
    const windlass = { groupVersion: "windlass.dev/v1", version: "v1" };
    expect(discovery.apiGroup()).toMatchObject({ kind: "APIGroup", name: "windlass.dev", preferredVersion: windlass });
    const { kind, groups } = discovery.apiGroupList() as { readonly kind: string; readonly groups: readonly unknown[] };
    expect(kind).toBe("APIGroupList");
    expect(groups[0]).toMatchObject({ name: "windlass.dev", versions: [windlass] });
    expect(discovery.coreVersions()).toMatchObject({ kind: "APIVersions", versions: ["v1"] });
    expect(discovery.versionInfo("0.1.0")).toMatchObject({ major: "1", gitVersion: "v1.32.0+windlass-0.1.0" });
  });

  test("the aggregated form lists the same resources", () => {
    const document = discovery.groupDiscovery(registry, root, "v2") as {
      items: { versions: { resources: { resource: string }[] }[] }[];
    };
    expect(document).toMatchObject({ kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2" });
    expect(document.items[0]?.versions[0]?.resources.map(({ resource }) => resource)).toEqual(
      registry.definitions.map(({ plural }) => plural),
    );
    expect(document.items[0]?.versions[0]?.resources[0]).toMatchObject({
      scope: "Cluster",
      responseKind: { group: "windlass.dev", version: "v1", kind: "Cluster" },
    });
    expect(discovery.coreDiscovery("v2beta1")).toMatchObject({
      apiVersion: "apidiscovery.k8s.io/v2beta1",
      items: [{ versions: [{ version: "v1", resources: [{ resource: "events", scope: "Namespaced", shortNames: ["ev"] }] }] }],
    });
  });

  test.each([
    ["application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", "v2"],
    [
      "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
      "v2beta1",
    ],
    ["application/json, application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", undefined],
    ["application/json, */*", undefined],
    ["", undefined],
  ])("Accept %s gets the form %s", (accept, form) => {
    expect(discovery.acceptedAggregation(accept)).toBe(form);
  });
});
