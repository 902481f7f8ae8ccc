/** What a kind tells about itself. A kind is one file that exports one KindDefinition, and one line in registry.ts. */
import type { ZodType } from "zod";
import type { JsonObject } from "../base/json.ts";
import type { WindlassObject } from "./object.ts";

/** A cell of `kubectl get`: Kubernetes' TableColumnDefinition with the way to its value. */
export type Column = {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: "name" | "int32" | "int64";
  /** 0: always shown; 1: with `-o wide`. */
  readonly priority: 0 | 1;
  readonly description: string;
};
export type Cell = string | number | boolean | null;

/** A function of an object of kind O that may stand in a list of many kinds: as a method's, its parameter is not compared strictly. */
export type Reader<O, Value> = { of(object: O): Value }["of"];

/** How many of something an object asks for: what its subresource scale shows, and where a new number goes. */
export type Scaling<O extends WindlassObject> = {
  /** `selector`: the labels of what is counted, as text; "" where they have none. */
  view(object: O): { readonly wanted: number; readonly there: number; readonly selector: string };
  /** The spec that asks for `wanted`; checked by the kind's schema afterwards. */
  spec(object: O, wanted: number): O["spec"];
  /** Of that spec the part that says so, and nothing else: what its writer owns. */
  part(wanted: number): JsonObject;
};

export type KindDefinition<O extends WindlassObject = WindlassObject> = {
  /** As in `kind:`, CamelCase. */
  readonly kind: string;
  /** As in paths and keys, lower case. */
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** root: lives in the root log only (Cluster). */
  readonly scope: "cluster" | "root";
  readonly description: string;
  /** Parse a body's spec and status, filling in defaults; unknown fields are dropped here and reported by api. */
  readonly spec: ZodType<O["spec"]>;
  readonly status: ZodType<NonNullable<O["status"]>>;
  /** Columns between Name and Age, and their cells. */
  readonly columns: readonly Column[];
  /** One cell a column. */
  cells(object: O): readonly Cell[];
  /** Fields that `--field-selector` takes beside metadata.name and metadata.namespace: path to value, "" where absent. */
  readonly selectableFields: Readonly<Record<string, Reader<O, string>>>;
  /** Indexes that the replica keeps: name to the values an object stands under, without doubles. */
  readonly indexes: Readonly<Record<string, Reader<O, readonly string[]>>>;
  /** Given: objects have the subresource scale. */
  readonly scaling?: Scaling<O>;
  /** Given: the server itself has work to do before an object goes; its deletion adds this finalizer, and only that work takes it away. */
  readonly finalizer?: string;
};

/** Where objects of a kind stand in the log: `nodes/node-a`, `services/default/web`. */
export function keyOf(
  definition: Pick<KindDefinition, "plural" | "namespaced">,
  name: string,
  namespace: string | undefined,
): string {
  return definition.namespaced ? `${definition.plural}/${namespace ?? "default"}/${name}` : `${definition.plural}/${name}`;
}

/** The prefix of all keys of a kind, or of those in one namespace. */
export function prefixOf(definition: Pick<KindDefinition, "plural" | "namespaced">, namespace?: string): string {
  return definition.namespaced && namespace !== undefined ? `${definition.plural}/${namespace}/` : `${definition.plural}/`;
}
