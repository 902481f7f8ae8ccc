/**
 * Kubernetes' core/v1 Event: what happened to an object, for people. No log holds events; they stand beside it for an hour
 * (state/core-events/). This is their schema, their decoding and what field selectors take of them.
 */
import * as z from "zod";
import { deepFreeze, type JsonObject } from "../base/json.ts";
import { bodyDepthMax, cleanBody } from "./body.ts";
import type { KindDefinition } from "./definition.ts";
import { type FieldError, invalid, typeInvalid } from "./field-error.ts";
import type { Frozen } from "./frozen.ts";
import { checkMetadata, metadataSchema } from "./metadata.ts";
import type { Metadata, WindlassObject } from "./object.ts";
import { issueErrors } from "./schema-issue.ts";
import { errorsMax, fixedErrors, noteUnknown, unknownFieldsMax, withoutEmpty } from "./validate.ts";

export const coreVersion = "v1";
export const coreEventKind = {
  kind: "Event",
  plural: "events",
  singular: "event",
  shortNames: ["ev"],
  namespaced: true,
} as const;

const timeSchema = z.iso.datetime({ offset: true, error: "must be a time of RFC 3339, like 2026-01-02T03:04:05Z" });
const text = (description: string) => z.string().describe(description).optional();

const referenceFields = {
  apiVersion: text("Version of its API."),
  kind: text("Its kind."),
  namespace: text("Its namespace; absent for cluster-wide kinds."),
  name: text("Its name."),
  uid: text("Its uid."),
  resourceVersion: text("Its version then."),
  fieldPath: text("The part of it, where it is about a part."),
};
const objectReferenceSchema = z.object(referenceFields).describe("The object that it happened to.");
const relatedSchema = z.object(referenceFields).describe("Another object that had to do with it.");
const sourceSchema = z
  .object({ component: text("The component that saw it."), host: text("The node that it was seen on.") })
  .describe("Who saw it.");
const seriesSchema = z
  .object({
    count: z.int().min(0).describe("How often it happened in the series.").optional(),
    lastObservedTime: timeSchema.describe("When it happened last.").optional(),
  })
  .describe("What happened again and again.");

export const coreEventSchema = z.object({
  apiVersion: text("The version of the API that the object is written in."),
  kind: text("The object's kind."),
  metadata: metadataSchema,
  involvedObject: objectReferenceSchema,
  reason: text("What happened, for programs: one word."),
  message: text("What happened, for people."),
  source: sourceSchema.optional(),
  type: text("Normal or Warning."),
  count: z.int().min(0).describe("How often it happened.").optional(),
  firstTimestamp: timeSchema.describe("When it happened first.").optional(),
  lastTimestamp: timeSchema.describe("When it happened last.").optional(),
  eventTime: timeSchema.describe("When it happened first, to the microsecond.").optional(),
  series: seriesSchema.optional(),
  action: text("What was done or failed."),
  related: relatedSchema.optional(),
  reportingComponent: text("The controller that reports it."),
  reportingInstance: text("Its instance."),
});

export type ObjectReference = Frozen<z.infer<typeof objectReferenceSchema>>;
type Fields = Frozen<Omit<z.infer<typeof coreEventSchema>, "apiVersion" | "kind" | "metadata">>;

/** As a caller gives it: the journal names it and fills in the rest of the metadata. */
export type CoreEventContent = Fields & { readonly metadata: Partial<Metadata> };
/** As it is kept and shown. */
export type CoreEvent = Fields & {
  readonly apiVersion: typeof coreVersion;
  readonly kind: typeof coreEventKind.kind;
  readonly metadata: Omit<Metadata, "generation" | "namespace"> & { readonly namespace: string };
};

export type DecodedEvent =
  | { readonly ok: true; readonly content: CoreEventContent; readonly unknownFields: readonly string[] }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

/** From what JSON.parse gave, or a patch's result, to an event for `namespace`. Nothing is thrown on any input. */
export function decodeCoreEvent(body: unknown, namespace: string): DecodedEvent {
  const clean = cleanBody(body);
  if (clean === undefined) return refused([invalid("", "", `may not be nested deeper than ${bodyDepthMax} levels`)]);
  const { value } = clean;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refused([typeInvalid("", value, "object")]);
  const given = value as JsonObject;
  const named = { ...given, metadata: withoutEmpty(given["metadata"] ?? {}) };
  const parsed = coreEventSchema.safeParse(named, { reportInput: true });
  const envelope = [
    ...fixedErrors("apiVersion", given["apiVersion"], coreVersion),
    ...fixedErrors("kind", given["kind"], coreEventKind.kind),
  ];
  if (!parsed.success) return refused([...envelope, ...issueErrors("", parsed.error.issues)]);
  const { apiVersion: _, kind: __, ...content } = parsed.data as CoreEventContent & Record<"apiVersion" | "kind", unknown>;
  const errors = [...envelope, ...checkMetadata(content.metadata, coreEventKind), ...placeErrors(content, namespace)];
  if (errors.length > 0) return refused(errors);
  const unknownFields = [...clean.dropped];
  noteUnknown("", named, parsed.data, unknownFields);
  return { ok: true, content: deepFreeze(content), unknownFields: unknownFields.slice(0, unknownFieldsMax) };
}

/** Kubernetes: an event stands beside its object, and that of a cluster-wide one in the namespace default. */
function placeErrors({ involvedObject }: CoreEventContent, namespace: string): FieldError[] {
  const place = involvedObject.namespace || clusterWideNamespace;
  if (place === namespace) return [];
  return [invalid("involvedObject.namespace", involvedObject.namespace ?? "", "does not match event.namespace")];
}

/** Where events of cluster-wide objects stand. */
export const clusterWideNamespace = "default";

const refused = (errors: readonly FieldError[]) => ({ ok: false, errors: errors.slice(0, errorsMax) }) as const;

const field = (read: (event: CoreEvent) => string | undefined) => (object: WindlassObject) =>
  read(object as unknown as CoreEvent) ?? "";

/** Kubernetes' selectable fields of events. */
export const coreEventFields: KindDefinition["selectableFields"] = {
  "involvedObject.kind": field(({ involvedObject }) => involvedObject.kind),
  "involvedObject.namespace": field(({ involvedObject }) => involvedObject.namespace),
  "involvedObject.name": field(({ involvedObject }) => involvedObject.name),
  "involvedObject.uid": field(({ involvedObject }) => involvedObject.uid),
  "involvedObject.apiVersion": field(({ involvedObject }) => involvedObject.apiVersion),
  "involvedObject.resourceVersion": field(({ involvedObject }) => involvedObject.resourceVersion),
  "involvedObject.fieldPath": field(({ involvedObject }) => involvedObject.fieldPath),
  reason: field(({ reason }) => reason),
  reportingComponent: field(({ reportingComponent }) => reportingComponent),
  source: field(({ source, reportingComponent }) => source?.component ?? reportingComponent),
  type: field(({ type }) => type),
};
