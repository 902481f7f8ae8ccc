/**
 * A kind's schemas as OpenAPI has them: zod's JSON schema cut down to what both Swagger 2.0 and OpenAPI 3.0 can say and kubectl's
 * models know, which is objects, maps, lists, primitives and references. What they can't say (unions of types) becomes "anything".
 */
import * as z from "zod";
import type { JsonObject } from "../base/json.ts";

/** A schema in either version of OpenAPI. In `$ref` stands only a definition's name; each document makes its own path of it. */
export type OpenApiSchema = {
  readonly $ref?: string;
  readonly type?: "object" | "array" | "string" | "number" | "integer" | "boolean";
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly items?: OpenApiSchema;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly additionalProperties?: OpenApiSchema;
  readonly "x-kubernetes-group-version-kind"?: readonly JsonObject[];
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  /** How a list is owned by those who apply: absent is atomic. A schema says it by `.meta(…)`. */
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  /** How a map is: absent is granular. */
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
};

type Source = z.core.JSONSchema.BaseSchema;

/** Copied as they are; all else is looked at. */
const plainKeywords = [
  "description",
  "enum",
  "default",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minLength",
  "maxLength",
  "pattern",
  "minItems",
  "maxItems",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
] as const;
const int32Max = 2 ** 31 - 1;

/** What a client may send: fields with a default are not required. Deterministic. */
export function openApiSchema(schema: z.ZodType): OpenApiSchema {
  return flattened(z.toJSONSchema(schema, { io: "input", target: "openapi-3.0", unrepresentable: "any", reused: "inline" }));
}

function flattened(source: Source): OpenApiSchema {
  const { anyOf, oneOf, allOf, ...rest } = source;
  const branches = anyOf ?? oneOf;
  if (branches !== undefined) return flattened({ ...rest, ...common(branches) });
  if (allOf !== undefined) return flattened({ ...Object.assign({}, ...allOf), ...rest });
  const plain = Object.fromEntries(plainKeywords.flatMap((key) => (source[key] === undefined ? [] : [[key, source[key]]])));
  switch (source.type) {
    case "object":
      return { type: "object", ...plain, ...objectParts(source) };
    case "array":
      return { type: "array", ...plain, items: flattened(itemOf(source)) };
    case "integer":
      return { type: "integer", ...withoutSafeBounds(plain), format: isInt32(source) ? "int32" : "int64" };
    case "number":
      return { type: "number", ...plain, format: "double" };
    case "boolean":
      return { type: "boolean", ...plain };
    case "string":
      return { type: "string", ...stringParts(source, plain) };
    default:
      return {
        ...(source.description !== undefined && { description: source.description }),
        "x-kubernetes-preserve-unknown-fields": true,
      };
  }
}

/** What branches of a union have in common: the only branch, or the type where all have the same; their bounds differ. */
function common(branches: readonly Source[]): Source {
  const [first] = branches;
  if (first === undefined || branches.length === 1) return first ?? {};
  const { type, items } = first;
  if (type === undefined || branches.some((branch) => branch.type !== type)) return {};
  return { type, ...(items !== undefined && { items }) };
}

function objectParts(source: Source): OpenApiSchema {
  const { properties, required, additionalProperties } = source;
  if (properties === undefined)
    return typeof additionalProperties === "object" ? { additionalProperties: flattened(additionalProperties) } : {};
  const entries = Object.entries(properties).map(
    ([name, part]) => [name, flattened(typeof part === "boolean" ? {} : part)] as const,
  );
  return { ...(required !== undefined && required.length > 0 && { required }), properties: Object.fromEntries(entries) };
}

/** Tuples have a list of items: kubectl knows lists of one kind of item only. */
function itemOf({ items }: Source): Source {
  return typeof items === "object" && !Array.isArray(items) ? items : {};
}

/** A time's pattern says no more than its format, at length. */
function stringParts(source: Source, plain: Readonly<Record<string, unknown>>): OpenApiSchema {
  if (source.format !== "date-time") return plain;
  const { pattern: _, ...rest } = plain;
  return { ...rest, format: source.format };
}

function isInt32({ minimum, maximum }: Source): boolean {
  return typeof maximum === "number" && maximum <= int32Max && typeof minimum === "number" && minimum >= -int32Max;
}

/** Zod bounds every integer by what JavaScript can hold; that says nothing to a reader. */
function withoutSafeBounds(plain: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const safe: readonly unknown[] = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
  return Object.fromEntries(Object.entries(plain).filter(([, value]) => !safe.includes(value)));
}
