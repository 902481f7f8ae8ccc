/**
 * Objects as Kubernetes' Table: what `kubectl get` prints. Columns are the kind's own between Name and Age; ages are texts, judged
 * by the server's clock at the time of the answer.
 */
import { jsonText } from "../base/json.ts";
import type { Cell, Column, KindDefinition } from "../kinds/definition.ts";
import type { WindlassObject } from "../kinds/object.ts";
import { ageText } from "./age.ts";
import { passingPartialText } from "./partial-metadata.ts";

/** What a row carries of its object. */
export type IncludeObject = "None" | "Metadata" | "Object";

export type TableOptions = {
  readonly version: "v1" | "v1beta1";
  readonly includeObject: IncludeObject;
  /** Milliseconds since 1970, for ages. */
  readonly now: number;
};

const nameColumn: Column = {
  name: "Name",
  type: "string",
  format: "name",
  priority: 0,
  description: "Unique among the objects of its kind (and namespace).",
};
const ageColumn: Column = { name: "Age", type: "string", priority: 0, description: "Time since it was created." };

/**
 * In pieces, a row at a time. `metadata` is the list's, as JSON. Without `columns` the client keeps those it has (Kubernetes, for a
 * watch's later events).
 */
export function* tablePieces(
  definition: KindDefinition,
  objects: Iterable<WindlassObject>,
  options: TableOptions & { readonly metadata: string; readonly columns: boolean },
): Generator<string, void> {
  const columns = options.columns ? columnsText(definition) : "null";
  yield `{"kind":"Table","apiVersion":"meta.k8s.io/${options.version}","metadata":${options.metadata},"columnDefinitions":${columns},"rows":[`;
  let comma = "";
  for (const object of objects) {
    yield comma + rowText(definition, object, options);
    comma = ",";
  }
  yield "]}";
}

/** As tablePieces, in one. */
export const tableText = (...of: Parameters<typeof tablePieces>): string => [...tablePieces(...of)].join("");

const columnTexts = new WeakMap<KindDefinition, string>();

function columnsText(definition: KindDefinition): string {
  let text = columnTexts.get(definition);
  if (text === undefined) {
    text = JSON.stringify([nameColumn, ...definition.columns, ageColumn].map(columnOf));
    columnTexts.set(definition, text);
  }
  return text;
}

function columnOf({ name, type, format, priority, description }: Column): object {
  return { name, type, format: format ?? "", description, priority };
}

function rowText(definition: KindDefinition, object: WindlassObject, options: TableOptions): string {
  const cells = definition.cells(object).map((cell, place) => shown(cell, definition.columns[place], options.now));
  const all: readonly Cell[] = [object.metadata.name, ...cells, ageText(object.metadata.creationTimestamp, options.now)];
  return `{"cells":${JSON.stringify(all)}${partText(object, options)}}`;
}

/** A date is shown as an age, as Kubernetes does for custom kinds. */
function shown(cell: Cell, column: Column | undefined, now: number): Cell {
  return column?.type === "date" ? ageText(cell === null ? undefined : String(cell), now) : cell;
}

function partText(object: WindlassObject, { includeObject, version }: TableOptions): string {
  switch (includeObject) {
    case "None":
      return "";
    case "Object":
      return `,"object":${jsonText(object)}`;
    case "Metadata":
      return `,"object":${passingPartialText(object, version)}`;
    default:
      return includeObject satisfies never;
  }
}
