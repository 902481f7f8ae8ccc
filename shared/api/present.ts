/**
 * Objects and lists as answers, in the form that was agreed on. Texts are put together from those that the objects keep, so an
 * answer costs its bytes and little more.
 */
import { jsonText } from "../base/json.ts";
import { apiVersion, type WindlassObject } from "../kinds/object.ts";
import { versionAt } from "../state/version.ts";
import type { Call } from "./call.ts";
import { statusCodes } from "./status.ts";
import { type TableOptions, tableText } from "./table.ts";

/** The revision an answer was read at, as a resourceVersion: on every answer that read state. */
export const revisionHeader = "x-windlass-resource-version";

export type Answered = {
  /** Of the state that was read, or of the commit. */
  readonly revision: number;
  readonly isNew?: boolean;
  /** For people; each becomes a Warning header. */
  readonly warnings?: readonly string[];
};

export type ListMetadata = { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };

export function presentObject(call: Call, object: WindlassObject, answered: Answered): Response {
  return answer(objectText(call, object), answered);
}

export function presentJson(text: string, answered: Answered): Response {
  return answer(text, answered);
}

export function presentList(
  call: Call,
  objects: readonly WindlassObject[],
  metadata: ListMetadata,
  answered: Answered,
): Response {
  return answer(listText(call, objects, JSON.stringify(metadata)), answered);
}

/** As one answer, or as what a watch event carries. `columns`: see tableText. */
export function objectText(
  call: Pick<Call, "format" | "includeObject" | "definition" | "api">,
  object: WindlassObject,
  columns = true,
): string {
  if (call.format.as === "json") return jsonText(object);
  const metadata = JSON.stringify({ resourceVersion: object.metadata.resourceVersion });
  return tableText(call.definition, [object], { ...tableOptions(call), metadata, columns });
}

function listText(call: Call, objects: readonly WindlassObject[], metadata: string): string {
  const { definition, format } = call;
  if (format.as === "table") return tableText(definition, objects, { ...tableOptions(call), metadata, columns: true });
  return `{"kind":"${definition.kind}List","apiVersion":"${apiVersion}","metadata":${metadata},"items":[${objects.map(jsonText).join(",")}]}`;
}

function tableOptions({ api, format, includeObject }: Pick<Call, "format" | "includeObject" | "api">): TableOptions {
  return { version: format.as === "table" ? format.version : "v1", includeObject, now: api.clock.now() };
}

function answer(text: string, { revision, isNew = false, warnings = [] }: Answered): Response {
  return new Response(text, {
    status: isNew ? statusCodes.created : statusCodes.ok,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-cache, private",
      [revisionHeader]: versionAt(revision),
      ...(warnings.length > 0 && { warning: warnings.slice(0, warningsMax).map(warningText).join(", ") }),
    },
  });
}

/** Headers are small: clients show the first few. */
const warningsMax = 20;
const warningCharactersMax = 256;

/** RFC 9111 section 5.5 (RFC 7234): code, agent and quoted text, as Kubernetes' clients parse it. In ASCII. */
function warningText(text: string): string {
  const plain = text.slice(0, warningCharactersMax).replace(/[^\x20-\x7e]/g, "?");
  return `299 - "${plain.replace(/["\\]/g, "\\$&")}"`;
}
