/** The filters of `docker events`: `node` and `container` are judged here, by the cluster's names; engines judge the rest. */
import type { JsonObject } from "../../base/json.ts";
import { type Filters, filtersQuery } from "../filters.ts";

const known = [
  "builder",
  "config",
  "container",
  "daemon",
  "event",
  "image",
  "label",
  "network",
  "node",
  "plugin",
  "scope",
  "secret",
  "service",
  "type",
  "volume",
];
export const eventFilters: ReadonlySet<string> = new Set(known);

export type EventFilter = {
  /** Nodes that are listened to; undefined: all. */
  readonly nodes: readonly string[] | undefined;
  readonly forEngines: Readonly<Record<string, readonly string[]>>;
  /** Of an event as it is shown. */
  readonly matches: (event: JsonObject) => boolean;
};

export function eventFilter(filters: Filters): EventFilter {
  const containers = filters.get("container");
  return {
    nodes: filters.get("node"),
    forEngines: filtersQuery(filters, ["node", "container"]),
    matches: (event) => containers === undefined || containers.some((one) => isOf(event, one)),
  };
}

/** As engines do: the id or the name begins so. */
function isOf(event: JsonObject, wanted: string): boolean {
  if (event["Type"] !== "container") return false;
  const { ID, Attributes } = event["Actor"] as { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  return ID.startsWith(wanted) || (Attributes["name"] ?? "").startsWith(wanted.replace(/^\//, ""));
}
