/**
 * Watch events as lines of JSON, in the form that was agreed on. A line that is the same for all who watch is made once and kept as
 * long as its event.
 */
import { jsonText } from "../base/json.ts";
import { apiVersion, type WindlassObject } from "../kinds/object.ts";
import type { Action, ObjectEvent } from "../state/event.ts";
import type { Call } from "./call.ts";
import { type MetaVersion, partialText } from "./partial-metadata.ts";
import { objectText } from "./present.ts";
import { failureOf } from "./status.ts";
import type { EventLines } from "./watch-stream.ts";

export type WatchLines = EventLines & {
  /** The bookmark that tells that all objects that were there have been told (WatchList). */
  endOfInitial(resourceVersion: string): Uint8Array;
};

const eventTypes: Readonly<Record<Action, string>> = { create: "ADDED", update: "MODIFIED", delete: "DELETED" };

export function linesOf(call: Call): WatchLines {
  const failed = (error: unknown): Uint8Array => {
    const failure = failureOf(error);
    if (failure.isFault) call.api.logger.log("error", "a watch failed", { error });
    return line("ERROR", JSON.stringify(failure.status));
  };
  const { format } = call;
  switch (format.as) {
    case "json":
      return { ...sharedLines(wholeLines, jsonText), ...markLines(call, call.definition.kind, apiVersion), failed };
    case "partial": {
      const { version } = format;
      const shared = sharedLines(partialLines[version], (object) => partialText(object, version));
      return { ...shared, ...markLines(call, "PartialObjectMetadata", `meta.k8s.io/${version}`), failed };
    }
    case "table":
      return { ...tableLines(call, format.version), failed };
    default:
      return format satisfies never;
  }
}

type Kept = WeakMap<ObjectEvent, Uint8Array>;
const wholeLines: Kept = new WeakMap();
const partialLines: Readonly<Record<MetaVersion, Kept>> = { v1: new WeakMap(), v1beta1: new WeakMap() };

function sharedLines(kept: Kept, textOf: (object: WindlassObject) => string): Pick<EventLines, "added" | "changed"> {
  return {
    added: (object) => line("ADDED", textOf(object)),
    changed(event) {
      let known = kept.get(event);
      if (known === undefined) {
        known = line(eventTypes[event.type], textOf(event.object));
        kept.set(event, known);
      }
      return known;
    },
  };
}

type Marks = Pick<WatchLines, "bookmark" | "endOfInitial">;

function markLines(call: Call, kind: string, kindVersion: string): Marks {
  const mark = (metadata: object) => line("BOOKMARK", JSON.stringify({ kind, apiVersion: kindVersion, metadata }));
  return {
    bookmark: (resourceVersion) => mark({ resourceVersion }),
    endOfInitial: (resourceVersion) => mark(endMetadata(call, resourceVersion)),
  };
}

/** Kubernetes' annotations; the second one lets a client make a list of what it was told (apimachinery, InitialEventsListBlueprint). */
function endMetadata({ definition, format }: Call, resourceVersion: string): object {
  const isPartial = format.as === "partial";
  const kind = isPartial ? "PartialObjectMetadataList" : `${definition.kind}List`;
  const list = { kind, apiVersion: isPartial ? `meta.k8s.io/${format.version}` : apiVersion, metadata: {}, items: [] };
  const blueprint = Buffer.from(`${JSON.stringify(list)}\n`).toString("base64");
  return {
    resourceVersion,
    annotations: { "k8s.io/initial-events-end": "true", "kubernetes.io/initial-events-list-blueprint": blueprint },
  };
}

/** Only the first event carries the columns. */
function tableLines(call: Call, version: MetaVersion): Omit<WatchLines, "failed"> {
  let isFirst = true;
  const table = (object: WindlassObject): string => {
    const text = objectText(call, object, isFirst);
    isFirst = false;
    return text;
  };
  const mark = (metadata: object, row: string): Uint8Array => {
    const head = `{"kind":"Table","apiVersion":"meta.k8s.io/${version}","metadata":${JSON.stringify(metadata)}`;
    return line("BOOKMARK", `${head},"columnDefinitions":null,"rows":[${row}]}`);
  };
  return {
    added: (object) => line("ADDED", table(object)),
    changed: (event) => line(eventTypes[event.type], table(event.object)),
    bookmark: (resourceVersion) => mark({ resourceVersion }, ""),
    endOfInitial(resourceVersion) {
      // A Table's metadata has no annotations; as for Kubernetes, those of its one row's object stand for them.
      const object = JSON.stringify({
        kind: "PartialObjectMetadata",
        apiVersion: `meta.k8s.io/${version}`,
        metadata: endMetadata(call, resourceVersion),
      });
      return mark({ resourceVersion }, `{"cells":${emptyCells(call)},"object":${object}}`);
    },
  };
}

/** Name and age stand around the kind's own. */
const emptyCells = ({ definition }: Call): string => JSON.stringify(["", ...definition.columns, ""].map(() => ""));

const encoder = new TextEncoder();
const line = (type: string, object: string): Uint8Array => encoder.encode(`{"type":"${type}","object":${object}}\n`);
