/**
 * Objects and lists as answers, in the form that was agreed on. Texts are put together from those that the objects keep, so an
 * answer costs its bytes and little more.
 */

import { jsonText } from "../base/json.ts";
import { type ApiResponse, respond } from "../http/exchange.ts";
import { apiVersion, type WindlassObject } from "../kinds/object.ts";
import { versionAt } from "../state/version.ts";
import type { Call } from "./call.ts";
import { partialText, passingPartialText } from "./partial-metadata.ts";
import { statusCodes } from "./status.ts";
import { type TableOptions, tablePieces, tableText } from "./table.ts";
import { textBody } from "./text-body.ts";

/** The revision an answer was read at, as a resourceVersion: on every answer that read state. */
export const revisionHeader = "x-windlass-resource-version";

export type Answered = {
  /** Of the state that was read, or of the commit. */
  readonly revision: number;
  readonly isNew?: boolean;
  /** Only begun. */
  readonly isAccepted?: boolean;
  /** For people; each becomes a Warning header. */
  readonly warnings?: readonly string[];
};

export type ListMetadata = { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };

export function presentObject(call: Call, object: WindlassObject, answered: Answered): ApiResponse {
  return answer([objectText(call, object)], answered, call.request.header("accept-encoding"));
}

export function presentJson(text: string, answered: Answered): ApiResponse {
  return answer([text], answered, undefined);
}

/** The text is made while it is sent: `objects` must stay as they are. */
export function presentList(
  call: Call,
  objects: readonly WindlassObject[],
  metadata: ListMetadata,
  answered: Answered,
): ApiResponse {
  const pieces = listPieces(call, objects, JSON.stringify(metadata));
  return answer(pieces, answered, call.request.header("accept-encoding"));
}

/** As one answer, or as what a watch event carries. `columns`: see tablePieces. */
export function objectText(
  call: Pick<Call, "format" | "includeObject" | "definition" | "api">,
  object: WindlassObject,
  columns = true,
): string {
  const { format } = call;
  switch (format.as) {
    case "json":
      return jsonText(object);
    case "partial":
      return partialText(object, format.version);
    case "table": {
      const metadata = JSON.stringify({ resourceVersion: object.metadata.resourceVersion });
      return tableText(call.definition, [object], { ...tableOptions(call), metadata, columns });
    }
    default:
      return format satisfies never;
  }
}

function listPieces(call: Call, objects: readonly WindlassObject[], metadata: string): Iterable<string> {
  const { definition, format } = call;
  switch (format.as) {
    case "json":
      return itemPieces(`"kind":"${definition.kind}List","apiVersion":"${apiVersion}","metadata":${metadata}`, objects, jsonText);
    case "partial": {
      const { version } = format;
      const head = `"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${version}","metadata":${metadata}`;
      return itemPieces(head, objects, (object) => passingPartialText(object, version));
    }
    case "table":
      return tablePieces(definition, objects, { ...tableOptions(call), metadata, columns: true });
    default:
      return format satisfies never;
  }
}

function* itemPieces(
  head: string,
  objects: readonly WindlassObject[],
  textOf: (object: WindlassObject) => string,
): Generator<string, void> {
  yield `{${head},"items":[`;
  let comma = "";
  for (const object of objects) {
    yield comma + textOf(object);
    comma = ",";
  }
  yield "]}";
}

function tableOptions({ api, format, includeObject }: Pick<Call, "format" | "includeObject" | "api">): TableOptions {
  return { version: format.as === "json" ? "v1" : format.version, includeObject, now: api.clock.now() };
}

function answer(
  pieces: Iterable<string>,
  { revision, isNew = false, isAccepted = false, warnings = [] }: Answered,
  acceptEncoding: string | undefined,
): ApiResponse {
  const { body, headers } = textBody(pieces, acceptEncoding);
  return respond(body, {
    status: isNew ? statusCodes.created : isAccepted ? statusCodes.accepted : statusCodes.ok,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-cache, private",
      [revisionHeader]: versionAt(revision),
      ...headers,
      ...warningHeader(warnings),
    },
  });
}

/** Headers are small: clients show the first few. */
const warningsMax = 20;
const warningCharactersMax = 256;

/** None where there is nothing to warn of. */
export const warningHeader = (warnings: readonly string[]): Readonly<Record<string, string>> =>
  warnings.length === 0 ? {} : { warning: warnings.slice(0, warningsMax).map(warningText).join(", ") };

/** RFC 9111 section 5.5 (RFC 7234): code, agent and quoted text, as Kubernetes' clients parse it. In ASCII. */
function warningText(text: string): string {
  const plain = text.slice(0, warningCharactersMax).replace(/[^\x20-\x7e]/g, "?");
  return `299 - "${plain.replace(/["\\]/g, "\\$&")}"`;
}
