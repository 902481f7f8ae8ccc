/** Events and lists of them as answers and as lines of a watch, in the form that was agreed on. */
import { jsonText } from "../../base/json.ts";
import { type ApiResponse, respond } from "../../http/exchange.ts";
import { type CoreEvent, coreEventKind, coreVersion } from "../../kinds/core-event.ts";
import { passingPartialText } from "../partial-metadata.ts";
import { warningHeader } from "../present.ts";
import { deletedStatus, statusCodes } from "../status.ts";
import type { TableOptions } from "../table.ts";
import { textBody } from "../text-body.ts";
import type { EventCall } from "./event-call.ts";
import type { EventPage } from "./event-page.ts";
import { emptyEventCells, eventTable } from "./event-table.ts";

type Form = Pick<EventCall, "api" | "format" | "includeObject">;
const jsonHeaders = { "content-type": "application/json", "cache-control": "no-cache, private" } as const;
const listKind = `${coreEventKind.kind}List`;

type Answered = { readonly isNew?: boolean; readonly warnings?: readonly string[] };

export const presentEvent = (call: EventCall, event: CoreEvent, answered: Answered = {}): ApiResponse =>
  answer(call, eventText(call, event), answered);

export const presentDeleted = (event: CoreEvent): ApiResponse =>
  respond(JSON.stringify(deletedStatus(coreEventKind.plural, event, "")), { status: statusCodes.ok, headers: jsonHeaders });

export function presentEvents(call: EventCall, { entries, metadata }: EventPage): ApiResponse {
  const events = entries.map(({ event }) => event);
  return answer(call, listText(call, events, JSON.stringify(metadata)), {});
}

function answer({ request }: EventCall, text: string, { isNew = false, warnings = [] }: Answered): ApiResponse {
  const { body, headers } = textBody([text], request.header("accept-encoding"));
  return respond(body, {
    status: isNew ? statusCodes.created : statusCodes.ok,
    headers: { ...jsonHeaders, ...headers, ...warningHeader(warnings) },
  });
}

export const streamedEvents = (body: ReadableStream<Uint8Array> | string): ApiResponse =>
  respond(body, { status: statusCodes.ok, headers: jsonHeaders });

export function eventText(call: Form, event: CoreEvent, withColumns = true): string {
  const { format } = call;
  switch (format.as) {
    case "json":
      return jsonText(event);
    case "partial":
      return passingPartialText(event, format.version);
    case "table": {
      const metadata = JSON.stringify({ resourceVersion: event.metadata.resourceVersion });
      return eventTable([event], { ...tableOptions(call), metadata, withColumns });
    }
    default:
      return format satisfies never;
  }
}

function listText(call: Form, events: readonly CoreEvent[], metadata: string): string {
  const { format } = call;
  switch (format.as) {
    case "json":
      return listOf(`"kind":"${listKind}","apiVersion":"${coreVersion}","metadata":${metadata}`, events.map(jsonText));
    case "partial": {
      const { version } = format;
      const head = `"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${version}","metadata":${metadata}`;
      const texts = events.map((event) => passingPartialText(event, version));
      return listOf(head, texts);
    }
    case "table":
      return eventTable(events, { ...tableOptions(call), metadata, withColumns: true });
    default:
      return format satisfies never;
  }
}

const listOf = (head: string, texts: readonly string[]): string => `{${head},"items":[${texts.join(",")}]}`;

/** A bookmark's object. `isEnd`: it tells that all events that were there have been told (WatchList). */
export function bookmarkText({ format }: Form, resourceVersion: string, isEnd: boolean): string {
  const metadata = { resourceVersion, ...(isEnd && { annotations: endAnnotations(format) }) };
  switch (format.as) {
    case "json":
      return JSON.stringify({ kind: coreEventKind.kind, apiVersion: coreVersion, metadata });
    case "partial":
      return JSON.stringify({ kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${format.version}`, metadata });
    case "table": {
      const apiVersion = `meta.k8s.io/${format.version}`;
      // A Table's metadata has no annotations: those of its one row's object stand for them.
      const object = JSON.stringify({ kind: "PartialObjectMetadata", apiVersion, metadata });
      const rows = isEnd ? `{"cells":${emptyEventCells},"object":${object}}` : "";
      const head = `{"kind":"Table","apiVersion":"${apiVersion}","metadata":{"resourceVersion":"${resourceVersion}"}`;
      return `${head},"columnDefinitions":null,"rows":[${rows}]}`;
    }
    default:
      return format satisfies never;
  }
}

function endAnnotations(format: Form["format"]): object {
  const isPartial = format.as === "partial";
  const kind = isPartial ? "PartialObjectMetadataList" : listKind;
  const list = { kind, apiVersion: isPartial ? `meta.k8s.io/${format.version}` : coreVersion, metadata: {}, items: [] };
  const blueprint = Buffer.from(`${JSON.stringify(list)}\n`).toString("base64");
  return { "k8s.io/initial-events-end": "true", "kubernetes.io/initial-events-list-blueprint": blueprint };
}

function tableOptions({ api, format, includeObject }: Form): TableOptions {
  return { version: format.as === "json" ? "v1" : format.version, includeObject, now: api.clock.now() };
}
