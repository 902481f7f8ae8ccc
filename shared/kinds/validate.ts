/**
 * From a foreign JSON body to an object of a kind: the only way in. What comes out has the kind's types and defaults and is
 * frozen; what the schema does not know is left out and named, for `fieldValidation` to judge. Nothing here throws on any input.
 */

import type { z } from "zod";
import { deepFreeze, type Json, type JsonObject } from "../base/json.ts";
import { bodyDepthMax, cleanBody } from "./body.ts";
import type { KindDefinition } from "./definition.ts";
import { type FieldError, fieldPath, notSupported, typeInvalid } from "./field-error.ts";
import { checkMetadata, metadataSchema } from "./metadata.ts";
import { apiVersion, type Metadata, type WindlassObject } from "./object.ts";
import { issueErrors } from "./schema-issue.ts";

/** An object as a client gives it: the name may be absent, and what the server sets. */
export type DecodedObject<O extends WindlassObject = WindlassObject> = Omit<O, "metadata"> & {
  readonly metadata: Partial<Metadata>;
};

export type Decoded<O extends WindlassObject = WindlassObject> =
  | { readonly ok: true; readonly object: DecodedObject<O>; readonly unknownFields: readonly string[] }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

/** What is wrong beyond these is not listed: an answer stays readable, whatever was sent. */
export const errorsMax = 50;
export const unknownFieldsMax = 100;

const topFields = ["apiVersion", "kind", "metadata", "spec", "status"];

/**
 * `body` is what JSON.parse gave, or a patch's result. An absent apiVersion or kind is the definition's, an absent spec an empty
 * one; a name is not asked for (see checkNamed). Paths are as Kubernetes writes them.
 */
export function decodeObject<O extends WindlassObject>(definition: KindDefinition<O>, body: unknown): Decoded<O> {
  const clean = cleanBody(body);
  if (clean === undefined) return refused([tooDeep]);
  if (!isObject(clean.value)) return refused([typeInvalid("", clean.value, "object")]);
  const { value } = clean;
  const envelope = [
    ...fixedErrors("apiVersion", value["apiVersion"], apiVersion),
    ...fixedErrors("kind", value["kind"], definition.kind),
  ];
  const given = withoutEmpty(value["metadata"] ?? {});
  const metadata = parse("metadata", metadataSchema, given);
  const spec = parse("spec", definition.spec, value["spec"] ?? {});
  const status = value["status"] === undefined ? undefined : parse("status", definition.status, value["status"]);
  const metadataErrors = metadata.ok ? checkMetadata(metadata.value as Partial<Metadata>, definition) : metadata.errors;
  const errors = [
    ...envelope,
    ...metadataErrors,
    ...(spec.ok ? [] : spec.errors),
    ...(status === undefined || status.ok ? [] : status.errors),
  ];
  if (errors.length > 0 || !metadata.ok || !spec.ok || status?.ok === false) return refused(errors);

  const object = {
    apiVersion,
    kind: definition.kind,
    metadata: metadata.value,
    spec: spec.value,
    ...(status && { status: status.value }),
  };
  const unknownFields = [...clean.dropped, ...Object.keys(value).filter((key) => !topFields.includes(key))];
  noteUnknown("metadata", given, metadata.value, unknownFields);
  noteUnknown("spec", value["spec"], spec.value, unknownFields);
  noteUnknown("status", value["status"], status?.value, unknownFields);
  return {
    ok: true,
    object: deepFreeze(object) as unknown as DecodedObject<O>,
    unknownFields: unknownFields.slice(0, unknownFieldsMax),
  };
}

const tooDeep: FieldError = {
  field: "",
  message: `Too long: may not be nested deeper than ${bodyDepthMax} levels`,
  type: "FieldValueTooLong",
};

const refused = (errors: readonly FieldError[]) => ({ ok: false, errors: errors.slice(0, errorsMax) }) as const;

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: readonly FieldError[] };

function parse<T>(field: string, schema: z.ZodType<T>, value: Json): Parsed<T> {
  const result = schema.safeParse(value, { reportInput: true });
  return result.success ? { ok: true, value: result.data } : { ok: false, errors: issueErrors(field, result.error.issues) };
}

/** An apiVersion or a kind that is given must be the one that is meant. */
export function fixedErrors(field: string, value: Json | undefined, wanted: string): FieldError[] {
  return value === undefined || value === "" || value === wanted ? [] : [notSupported(field, value, [wanted])];
}

/** Kubernetes' clients write what they do not know as "": in metadata that means absent. */
export function withoutEmpty(metadata: Json): Json {
  if (!isObject(metadata)) return metadata;
  const isEmpty = (value: unknown): boolean => value === "";
  if (!Object.values(metadata).some(isEmpty)) return metadata;
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => !isEmpty(value)));
}

/** What the parse left out is what the schema does not know: schemas here only add defaults, they move nothing. */
export function noteUnknown(path: string, given: unknown, parsed: unknown, found: string[]): void {
  if (!isAllKnown(given, parsed)) nameUnknown(path, given, parsed, found);
}

function isAllKnown(given: unknown, parsed: unknown): boolean {
  if (given === parsed) return true;
  if (Array.isArray(given) && Array.isArray(parsed)) return given.every((item, index) => isAllKnown(item, parsed[index]));
  if (!isObject(given) || !isObject(parsed)) return true;
  for (const key in given) if (!Object.hasOwn(parsed, key) || !isAllKnown(given[key], parsed[key])) return false;
  return true;
}

function nameUnknown(path: string, given: unknown, parsed: unknown, found: string[]): void {
  if (Array.isArray(given) && Array.isArray(parsed)) {
    for (const [index, item] of given.entries()) nameUnknown(fieldPath(path, index), item, parsed[index], found);
    return;
  }
  if (!isObject(given) || !isObject(parsed)) return;
  for (const [key, value] of Object.entries(given)) {
    if (Object.hasOwn(parsed, key)) nameUnknown(fieldPath(path, key), value, parsed[key], found);
    else found.push(fieldPath(path, key));
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
