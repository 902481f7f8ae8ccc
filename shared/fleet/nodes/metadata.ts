/**
 * The source's metadata of a node. A pair that can be a label is one: constraints (`node.labels.zone==a`), selectors and kubectl see it.
 * Any other value is free text and stands in the annotation `metadata.windlass.dev/<key>`, which nothing selects by but this room.
 */
import { labelValueProblems, qualifiedNameProblems } from "../../kinds/names.ts";
import type { Metadata } from "../../kinds/object.ts";
import { InvalidNodeError } from "./errors.ts";

const annotationPrefix = "metadata.windlass.dev/";

type Pairs = Readonly<Record<string, string>>;
type Holder = Pick<Metadata, "labels" | "annotations">;

/** Labels, and what stands in annotations because it can't be one. */
export function metadataOf({ metadata: { labels = {}, annotations = {} } }: { readonly metadata: Holder }): Pairs {
  const texts = Object.entries(annotations)
    .filter(([key]) => key.startsWith(annotationPrefix))
    .map(([key, value]) => [key.slice(annotationPrefix.length), value] as const);
  return { ...Object.fromEntries(texts), ...labels };
}

/** Merged into what is there; an empty value removes its key. @throws InvalidNodeError when a key can be neither. */
export function withMetadata<M extends Partial<Metadata>>(holder: M, changes: Pairs): M {
  const labels = new Map(Object.entries(holder.labels ?? {}));
  const annotations = new Map(Object.entries(holder.annotations ?? {}));
  for (const [key, value] of Object.entries(changes)) {
    labels.delete(key);
    annotations.delete(annotationPrefix + key);
    if (value === "") continue;
    if (qualifiedNameProblems(key).length === 0 && labelValueProblems(value).length === 0) labels.set(key, value);
    else annotations.set(annotationFor(key), value);
  }
  const { labels: _, annotations: __, ...rest } = holder;
  return {
    ...rest,
    ...(labels.size > 0 && { labels: Object.fromEntries(labels) }),
    ...(annotations.size > 0 && { annotations: Object.fromEntries(annotations) }),
  } as M;
}

/** Whether the node has all of these pairs. */
export function hasMetadata(node: { readonly metadata: Holder }, wanted: Pairs): boolean {
  const there = metadataOf(node);
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(there, key) && there[key] === value);
}

function annotationFor(key: string): string {
  const name = annotationPrefix + key;
  if (qualifiedNameProblems(name.toLowerCase()).length === 0) return name;
  throw new InvalidNodeError("metadata", `${JSON.stringify(key)} can't be a key: at most 63 letters, digits, '-', '_' and '.'`);
}
