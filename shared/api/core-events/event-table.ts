/** Events as Kubernetes' Table: the columns and cells of `kubectl get events` (Kubernetes' printers, printEvent). */
import { jsonText } from "../../base/json.ts";
import type { CoreEvent } from "../../kinds/core-event.ts";
import { ageText } from "../age.ts";
import { passingPartialText } from "../partial-metadata.ts";
import type { TableOptions } from "../table.ts";

const column = (name: string, priority: 0 | 1, description: string) => {
  const format = name === "Name" ? "name" : "";
  return { name, type: "string", format, description, priority };
};
const columns = JSON.stringify([
  column("Last Seen", 0, "Time since it happened last."),
  column("Type", 0, "Normal or Warning."),
  column("Reason", 0, "What happened, for programs."),
  column("Object", 0, "What it happened to."),
  column("Subobject", 1, "The part that it happened to."),
  column("Source", 1, "Who saw it."),
  column("Message", 0, "What happened, for people."),
  column("First Seen", 1, "Time since it happened first."),
  column("Count", 1, "How often it happened."),
  column("Name", 1, "The event's name."),
]);
/** As many as there are columns, without a word in them. */
export const emptyEventCells = JSON.stringify(Array.from({ length: 10 }, () => ""));

/** `metadata` is the list's, as JSON. Without `withColumns` the client keeps those it has. */
export function eventTable(
  events: readonly CoreEvent[],
  options: TableOptions & { readonly metadata: string; readonly withColumns: boolean },
): string {
  const { version, metadata, withColumns } = options;
  const head = `{"kind":"Table","apiVersion":"meta.k8s.io/${version}","metadata":${metadata}`;
  const rows = events.map((event) => `{"cells":${JSON.stringify(cellsOf(event, options.now))}${partText(event, options)}}`);
  return `${head},"columnDefinitions":${withColumns ? columns : "null"},"rows":[${rows.join(",")}]}`;
}

function cellsOf(event: CoreEvent, now: number): string[] {
  const { involvedObject, series, reason = "", message = "" } = event;
  const first = event.firstTimestamp ?? event.eventTime;
  const last = series?.lastObservedTime ?? event.lastTimestamp ?? first;
  const kind = (involvedObject.kind ?? "").toLowerCase();
  return [
    ageText(last, now),
    event.type ?? "",
    reason,
    involvedObject.name ? `${kind}/${involvedObject.name}` : kind,
    involvedObject.fieldPath ?? "",
    sourceOf(event),
    message.trim(),
    ageText(first, now),
    String(series?.count ?? (event.count || 1)),
    event.metadata.name,
  ];
}

function sourceOf({ source, reportingComponent, reportingInstance }: CoreEvent): string {
  const [component, host] = [source?.component || reportingComponent || "", source?.host || reportingInstance || ""];
  return host === "" ? component : `${component}, ${host}`;
}

function partText(event: CoreEvent, { includeObject, version }: TableOptions): string {
  switch (includeObject) {
    case "None":
      return "";
    case "Object":
      return `,"object":${jsonText(event)}`;
    case "Metadata":
      return `,"object":${passingPartialText(event, version)}`;
    default:
      return includeObject satisfies never;
  }
}
