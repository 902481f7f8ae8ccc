/**
 * What client-side apply left behind, for `kubectl apply --server-side` to take over: its annotation says what kubectl applied, so
 * a field that is still as it was applied is kubectl's own, whoever is written down for it. As Kubernetes, for the manager `kubectl` only.
 */
import type { Json, JsonObject } from "../../base/json.ts";
import { cleanBody } from "../../kinds/body.ts";
import type { KindDefinition } from "../../kinds/definition.ts";
import { annotationsBytesMax } from "../../kinds/names.ts";
import { apiVersion, type WindlassObject } from "../../kinds/object.ts";
import type { Conflict } from "./apply.ts";
import { compare } from "./compare.ts";
import { difference, type Fields, isMember, noFields } from "./field-set.ts";
import { fieldTypeOf } from "./field-type.ts";
import { fieldsOf } from "./fields-of.ts";
import { ownedView } from "./owned-view.ts";
import { isObject } from "./parts.ts";

const annotation = "kubectl.kubernetes.io/last-applied-configuration";
export const kubectlManager = "kubectl";

/** Those conflicts that are not kubectl's with itself. */
export function realConflicts(
  definition: KindDefinition,
  live: WindlassObject,
  conflicts: readonly Conflict[],
): readonly Conflict[] {
  const own = lastAppliedFields(definition, live);
  return conflicts.filter(({ path }) => !has(own, path));
}

/** `object` with the annotation saying what was applied now, where it has one; without it where it would get too large. */
export function refreshLastApplied(object: JsonObject, config: JsonObject): JsonObject {
  const { metadata } = object;
  const annotations = isObject(metadata) ? metadata["annotations"] : undefined;
  if (!isObject(metadata) || !isObject(annotations) || !Object.hasOwn(annotations, annotation)) return object;
  const { [annotation]: _, ...others } = annotations;
  const text = `${JSON.stringify(withoutAnnotation(config))}\n`;
  const bytes = Buffer.byteLength(JSON.stringify(others)) + Buffer.byteLength(text);
  const kept = bytes > annotationsBytesMax ? others : { ...annotations, [annotation]: text };
  return { ...object, metadata: { ...metadata, annotations: kept } };
}

/** What the annotation names and is still as it says; nothing where it is not to be understood. */
function lastAppliedFields(definition: KindDefinition, live: WindlassObject): Fields {
  const applied = parsed(live.metadata.annotations?.[annotation]);
  if (!isObject(applied) || applied["apiVersion"] !== apiVersion) return noFields;
  const [type, view] = [fieldTypeOf(definition), ownedView(applied)];
  const { added, modified, removed } = compare(type, view, ownedView(live));
  return difference(difference(difference(fieldsOf(type, view), modified), added), removed);
}

function has(fields: Fields, path: readonly string[]): boolean {
  let node: Fields | undefined = fields;
  for (const element of path) node = node?.[element];
  return node !== undefined && isMember(node);
}

function withoutAnnotation(config: JsonObject): JsonObject {
  const { metadata } = config;
  const annotations = isObject(metadata) ? metadata["annotations"] : undefined;
  if (!isObject(metadata) || !isObject(annotations)) return config;
  const { [annotation]: _, ...others } = annotations;
  return { ...config, metadata: { ...metadata, annotations: others } };
}

function parsed(text: string | undefined): Json | undefined {
  try {
    return text === undefined ? undefined : cleanBody(JSON.parse(text))?.value;
  } catch {
    // Anyone may write the annotation: what is no JSON says nothing of who owns what.
    return undefined;
  }
}
