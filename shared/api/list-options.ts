/** What the query of a list or a watch may say about revisions, and what Kubernetes forbids there (apimachinery, ValidateListOptions). */
import { type FieldError, forbidden, notSupported } from "../kinds/field-error.ts";
import { GoneError } from "../state/errors.ts";
import type { Store } from "../state/store.ts";
import { type Position, parseVersion } from "../state/version.ts";
import { badRequest, invalid } from "./errors.ts";

export type Query = (name: string) => string | undefined;

/** How a list's resourceVersion is meant. newest: none was given, or 0. */
export type At =
  | { readonly kind: "newest" }
  | { readonly kind: "notOlderThan"; readonly position: Position }
  | { readonly kind: "exact"; readonly position: Position };

/** A read's resourceVersion; undefined: any will do. @throws RefusedError when it is none. */
export function parseReadVersion(text: string | undefined): Position | undefined {
  if (text === undefined || text === "" || text === "0") return undefined;
  const position = parseVersion(text);
  if (position === undefined)
    throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: must be one that was read here, or 0`);
  return position;
}

/** @throws RefusedError where Kubernetes forbids the combination. */
export function parseAt(query: Query, isLimited: boolean): At {
  const version = query("resourceVersion");
  const match = query("resourceVersionMatch") ?? "";
  checkMatch(match, version);
  const position = parseReadVersion(version);
  if (position === undefined) return { kind: "newest" };
  // Kubernetes: a limited list at a version without a match means exactly that version.
  const isExact = match === "Exact" || (match === "" && isLimited);
  return isExact ? { kind: "exact", position } : { kind: "notOlderThan", position };
}

/** For watches: what Kubernetes allows only with sendInitialEvents, which is refused, so that clients list first. */
export function checkWatchOptions(query: Query): void {
  const errors: FieldError[] = [];
  if (query("sendInitialEvents") !== undefined)
    errors.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for watch here: list first, then watch"));
  if ((query("resourceVersionMatch") ?? "") !== "") {
    errors.push(
      forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
    );
  }
  if (errors.length > 0) throw invalid("ListOptions", "", errors);
}

/** @throws GoneError when `wanted` does not belong to this life of the cluster, or lies above what was read, at `revision`. */
export async function checkReadVersion(store: Store, wanted: Position, revision: number): Promise<void> {
  if (wanted.revision > revision) throw new GoneError(wanted.revision, `it lies above the head, ${revision}`);
  const first = await store.first();
  // A list of a life that has no entries yet says one less than its first.
  if (wanted.revision < first - 1) throw new GoneError(wanted.revision, `it lies below the first of this cluster, ${first}`);
}

function checkMatch(match: string, version: string | undefined): void {
  if (match === "") return;
  const field = "resourceVersionMatch";
  const errors: FieldError[] = [];
  if (match !== "Exact" && match !== "NotOlderThan") errors.push(notSupported(field, match, ["Exact", "NotOlderThan"]));
  if (version === undefined || version === "") {
    errors.push(forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
  } else if (version === "0" && match === "Exact") {
    errors.push(forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (errors.length > 0) throw invalid("ListOptions", "", errors);
}
