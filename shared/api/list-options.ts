/** What the query of a list or a watch may say about revisions, and what Kubernetes forbids there (apimachinery, ValidateListOptions). */
import { type FieldError, forbidden, notSupported } from "../kinds/field-error.ts";
import { GoneError } from "../state/errors.ts";
import type { Store } from "../state/store.ts";
import { type Position, parseVersion } from "../state/version.ts";
import { badRequest, invalid } from "./errors.ts";
import { parseFlag } from "./query.ts";

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

/** Not for pages after the first. @throws RefusedError where the version is none. */
export function parseAt(query: Query, isLimited: boolean): At {
  const position = parseReadVersion(query("resourceVersion"));
  if (position === undefined) return { kind: "newest" };
  const match = query("resourceVersionMatch") ?? "";
  // Kubernetes: a limited list at a version without a match means exactly that version.
  const isExact = match === "Exact" || (match === "" && isLimited);
  return isExact ? { kind: "exact", position } : { kind: "notOlderThan", position };
}

/** @throws RefusedError where Kubernetes forbids the combination. */
export function checkListOptions(query: Query): void {
  const match = query("resourceVersionMatch") ?? "";
  const version = query("resourceVersion") ?? "";
  const errors: FieldError[] = [];
  if (match !== "") {
    if (version === "")
      errors.push(forbidden(matchField, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    if ((query("continue") ?? "") !== "") errors.push(continued);
    if (match !== "Exact" && match !== "NotOlderThan")
      errors.push(notSupported(matchField, match, ["Exact", "NotOlderThan", ""]));
    if (match === "Exact" && version === "0")
      errors.push(forbidden(matchField, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (query("sendInitialEvents") !== undefined)
    errors.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  if (errors.length > 0) throw invalid("ListOptions", "", errors);
}

/** @throws RefusedError where Kubernetes forbids the combination. */
export function checkWatchOptions(query: Query): void {
  const match = query("resourceVersionMatch") ?? "";
  const asksInitial = query("sendInitialEvents") !== undefined;
  const errors: FieldError[] = [];
  if (asksInitial && match !== "NotOlderThan")
    errors.push(forbidden(matchField, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  if (match !== "") {
    if (!asksInitial)
      errors.push(forbidden(matchField, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
    if (match !== "NotOlderThan") errors.push(notSupported(matchField, match, ["NotOlderThan"]));
    if ((query("continue") ?? "") !== "") errors.push(continued);
  }
  if (errors.length > 0) throw invalid("ListOptions", "", errors);
}

/**
 * Where a watch begins. objects: with those that are there, in a state not older than `position`; `marksEnd`: a bookmark
 * tells their end. now: with what happens next. after: with what came after `position`.
 */
export type Beginning =
  | { readonly kind: "objects"; readonly position: Position | undefined; readonly marksEnd: boolean }
  | { readonly kind: "now" }
  | { readonly kind: "after"; readonly position: Position };

/** @throws RefusedError where the version is none. */
export function parseBeginning(query: Query): Beginning {
  const position = parseReadVersion(query("resourceVersion"));
  const sendInitial = query("sendInitialEvents");
  if (sendInitial !== undefined && parseFlag(sendInitial))
    return { kind: "objects", position, marksEnd: parseFlag(query("allowWatchBookmarks")) };
  if (position !== undefined) return { kind: "after", position };
  // Kubernetes: without sendInitialEvents, a watch from nowhere, or from 0, begins with the objects.
  return sendInitial === undefined ? { kind: "objects", position, marksEnd: false } : { kind: "now" };
}

/** @throws GoneError when `wanted` does not belong to this life of the cluster, or lies above what was read, at `revision`. */
export function checkReadVersion(store: Store, wanted: Position, revision: number): void {
  if (wanted.revision > revision) throw new GoneError(wanted.revision, `it lies above the head, ${revision}`);
  const { first } = store;
  // A list of a life that has no entries yet says one less than its first.
  if (wanted.revision < first - 1) throw new GoneError(wanted.revision, `it lies below the first of this cluster, ${first}`);
}

const matchField = "resourceVersionMatch";
const continued = forbidden(matchField, "resourceVersionMatch is forbidden when continue is provided");
