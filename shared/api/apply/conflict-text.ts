/** Conflicts of an apply as Kubernetes says them, which kubectl shows as they are. */
import type { RefusedError } from "../errors.ts";
import { conflict } from "../errors.ts";
import type { Conflict } from "./apply.ts";
import { pathText } from "./field-set.ts";
import type { ManagedEntry } from "./managed-entry.ts";

/** @returns the 409 that names each field and who owns it. There is at least one. */
export function conflictError(conflicts: readonly Conflict[]): RefusedError {
  const causes = conflicts.map(({ entry, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${managerText(entry)}`,
    field: pathText(path),
  }));
  return conflict(messageOf(conflicts), causes);
}

function messageOf(conflicts: readonly Conflict[]): string {
  const [first, ...more] = conflicts;
  if (first !== undefined && more.length === 0) {
    return `Apply failed with 1 conflict: conflict with ${managerText(first.entry)}: ${pathText(first.path)}`;
  }
  const byManager = Map.groupBy(conflicts, ({ entry }) => managerText(entry));
  const lines = [...byManager.entries()]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([manager, of]) => [`conflicts with ${manager}:`, ...of.map(({ path }) => `- ${pathText(path)}`)]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}

function managerText({ manager, operation, apiVersion, subresource }: ManagedEntry): string {
  const through = subresource === undefined ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  const using = operation === "Update" ? ` using ${apiVersion}` : "";
  return `${JSON.stringify(manager)}${through}${using}`;
}
