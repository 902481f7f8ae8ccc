/**
 * Watch events as lines of JSON, in the form that was agreed on. A line that is the same for all who watch is made once and kept as
 * long as its event.
 */
import { jsonText } from "../base/json.ts";
import type { Logger } from "../base/logger.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import { apiVersion, type WindlassObject } from "../kinds/object.ts";
import type { Action, ObjectEvent } from "../state/event.ts";
import type { Call } from "./call.ts";
import type { Format } from "./negotiate.ts";
import { type MetaVersion, partialText } from "./partial-metadata.ts";
import { objectText } from "./present.ts";
import { failureOf } from "./status.ts";
import type { EventLines } from "./watch-stream.ts";

export type WatchLines = EventLines & {
  /** The bookmark that tells that all objects that were there have been told (WatchList). */
  endOfInitial(resourceVersion: string): Uint8Array;
};

const eventTypes: Readonly<Record<Action, string>> = { create: "ADDED", update: "MODIFIED", delete: "DELETED" };

/** They hold nothing of the call but what they show: a watch that is open for hours must not keep its request. */
export function linesOf({ api, definition, format, includeObject }: Call): WatchLines {
  switch (format.as) {
    case "json":
    case "partial":
      return new ObjectLines(definition, format, api.logger);
    case "table":
      return new TableLines({ api, definition, format, includeObject });
    default:
      return format satisfies never;
  }
}

type ObjectFormat = Exclude<Format, { as: "table" }>;
type Kept = WeakMap<ObjectEvent, Uint8Array>;
const wholeLines: Kept = new WeakMap();
const partialLines: Readonly<Record<MetaVersion, Kept>> = { v1: new WeakMap(), v1beta1: new WeakMap() };

class ObjectLines implements WatchLines {
  readonly #definition: KindDefinition;
  readonly #format: ObjectFormat;
  readonly #logger: Logger;

  constructor(definition: KindDefinition, format: ObjectFormat, logger: Logger) {
    this.#definition = definition;
    this.#format = format;
    this.#logger = logger;
  }

  added(object: WindlassObject): Uint8Array {
    return line("ADDED", this.#textOf(object));
  }

  changed(event: ObjectEvent): Uint8Array {
    const kept = this.#format.as === "json" ? wholeLines : partialLines[this.#format.version];
    let known = kept.get(event);
    if (known === undefined) {
      known = line(eventTypes[event.type], this.#textOf(event.object));
      kept.set(event, known);
    }
    return known;
  }

  bookmark(resourceVersion: string): Uint8Array {
    return this.#mark({ resourceVersion });
  }

  endOfInitial(resourceVersion: string): Uint8Array {
    return this.#mark(endMetadata(this.#definition, this.#format, resourceVersion));
  }

  failed(error: unknown): Uint8Array {
    return failedLine(error, this.#logger);
  }

  #textOf(object: WindlassObject): string {
    return this.#format.as === "json" ? jsonText(object) : partialText(object, this.#format.version);
  }

  #mark(metadata: object): Uint8Array {
    const format = this.#format;
    const [kind, version] =
      format.as === "json" ? [this.#definition.kind, apiVersion] : ["PartialObjectMetadata", `meta.k8s.io/${format.version}`];
    return line("BOOKMARK", JSON.stringify({ kind, apiVersion: version, metadata }));
  }
}

/** Kubernetes' annotations; the second one lets a client make a list of what it was told (apimachinery, InitialEventsListBlueprint). */
function endMetadata(definition: KindDefinition, format: Format, resourceVersion: string): object {
  const isPartial = format.as === "partial";
  const kind = isPartial ? "PartialObjectMetadataList" : `${definition.kind}List`;
  const list = { kind, apiVersion: isPartial ? `meta.k8s.io/${format.version}` : apiVersion, metadata: {}, items: [] };
  const blueprint = Buffer.from(`${JSON.stringify(list)}\n`).toString("base64");
  return {
    resourceVersion,
    annotations: { "k8s.io/initial-events-end": "true", "kubernetes.io/initial-events-list-blueprint": blueprint },
  };
}

type TableCall = Pick<Call, "api" | "definition" | "includeObject"> & { readonly format: Extract<Format, { as: "table" }> };

class TableLines implements WatchLines {
  readonly #call: TableCall;
  /** Only the first event carries the columns. */
  #isFirst = true;

  constructor(call: TableCall) {
    this.#call = call;
  }

  added(object: WindlassObject): Uint8Array {
    return line("ADDED", this.#table(object));
  }

  changed(event: ObjectEvent): Uint8Array {
    return line(eventTypes[event.type], this.#table(event.object));
  }

  bookmark(resourceVersion: string): Uint8Array {
    return this.#mark({ resourceVersion }, "");
  }

  endOfInitial(resourceVersion: string): Uint8Array {
    const { definition, format } = this.#call;
    // A Table's metadata has no annotations; as for Kubernetes, those of its one row's object stand for them.
    const object = JSON.stringify({
      kind: "PartialObjectMetadata",
      apiVersion: `meta.k8s.io/${format.version}`,
      metadata: endMetadata(definition, format, resourceVersion),
    });
    return this.#mark({ resourceVersion }, `{"cells":${emptyCells(definition)},"object":${object}}`);
  }

  failed(error: unknown): Uint8Array {
    return failedLine(error, this.#call.api.logger);
  }

  #table(object: WindlassObject): string {
    const text = objectText(this.#call, object, this.#isFirst);
    this.#isFirst = false;
    return text;
  }

  #mark(metadata: object, row: string): Uint8Array {
    const head = `{"kind":"Table","apiVersion":"meta.k8s.io/${this.#call.format.version}","metadata":${JSON.stringify(metadata)}`;
    return line("BOOKMARK", `${head},"columnDefinitions":null,"rows":[${row}]}`);
  }
}

/** Name and age stand around the kind's own. */
const emptyCells = ({ columns }: KindDefinition): string => JSON.stringify(["", ...columns, ""].map(() => ""));

function failedLine(error: unknown, logger: Logger): Uint8Array {
  const failure = failureOf(error);
  if (failure.isFault) logger.log("error", "a watch failed", { error });
  return line("ERROR", JSON.stringify(failure.status));
}

const encoder = new TextEncoder();
const line = (type: string, object: string): Uint8Array => encoder.encode(`{"type":"${type}","object":${object}}\n`);
