/**
 * One request for events, taken apart. As for objects (call.ts), whoever may not look into a cluster does not learn whether it is there;
 * roles are those of objects: an editor writes events, a viewer reads them.
 */

import { allowed, type Verb } from "../../access/access.ts";
import type { ApiResponse } from "../../http/exchange.ts";
import type { CoreEvent } from "../../kinds/core-event.ts";
import { coreEventFields, coreEventKind } from "../../kinds/core-event.ts";
import { checkName, checkNamespace } from "../../kinds/names.ts";
import type { WindlassObject } from "../../kinds/object.ts";
import { type Parsed, parseFieldSelector, parseLabelSelector } from "../../kinds/selector.ts";
import { defaultCluster, withCluster } from "../../state/clusters.ts";
import type { EventPlace } from "../../state/core-events/event-journal.ts";
import { noCluster } from "../call.ts";
import { badRequest, conflict, invalid, RefusedError } from "../errors.ts";
import type { Format } from "../negotiate.ts";
import type { PathCall } from "../path-call.ts";
import type { IncludeObject } from "../table.ts";

export type EventCall = PathCall & {
  /** undefined: all namespaces. */
  readonly namespace: string | undefined;
  readonly format: Format;
  readonly includeObject: IncludeObject;
};
/** A call that is made in a namespace. */
export type PlacedCall = EventCall & { readonly namespace: string };
export type EventItemCall = PlacedCall & { readonly name: string };

/** Runs `run` on the call's cluster; twice where it was replaced meanwhile. @throws RefusedError: forbidden, or not found. */
export async function inEvents(call: EventCall, verb: Verb, run: (uid: string) => Promise<ApiResponse>): Promise<ApiResponse> {
  const { api, principal, cluster = defaultCluster } = call;
  const answer = await withCluster(api.clusters, cluster, ({ uid }) => {
    if (!allowed(principal, uid, verb)) throw forbidden(call, verb);
    return run(uid);
  });
  if (answer !== undefined) return answer;
  if (!allowed(principal, undefined, verb)) throw forbidden(call, verb);
  throw noCluster(cluster);
}

/** @throws RefusedError: a name that no namespace can have. */
export function checkEventNamespace({ namespace }: EventCall): void {
  const errors = namespace === undefined ? [] : checkNamespace(namespace);
  if (errors.length > 0) throw invalid(coreEventKind.kind, "", errors);
}

/** What can't be a name is nobody's name. @throws RefusedError: not found. */
export function placeOf({ namespace, name }: EventItemCall): EventPlace {
  if ([...checkName(name), ...checkNamespace(namespace)].length > 0) throw eventNotFound(name);
  return { namespace, name };
}

export const eventNotFound = (name: string): RefusedError =>
  new RefusedError({ kind: "notFound", resource: coreEventKind.plural, name, group: "" });

/** @throws RefusedError: conflict. */
export function checkCurrent(
  { metadata }: CoreEvent,
  { resourceVersion, uid }: { readonly resourceVersion?: string; readonly uid?: string },
): void {
  const cause = `Operation cannot be fulfilled on ${coreEventKind.plural} ${JSON.stringify(metadata.name)}`;
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(`${cause}: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`, []);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(`${cause}: the object has been modified; please apply your changes to the latest version and try again`, []);
  }
}

/** As Selection is for objects. */
export type EventSelection = {
  readonly isSelected: (event: CoreEvent) => boolean;
  /** Whether a selector was given, beside the path. */
  readonly isFiltered: boolean;
  /** The same for the same question: what a continue token is bound to. */
  readonly text: string;
};

/** Which events a list or a watch is about. @throws RefusedError when a selector can't be parsed. */
export function eventSelection({ namespace, query }: EventCall): EventSelection {
  const [labelText, fieldText] = [query("labelSelector") ?? "", query("fieldSelector") ?? ""];
  const labels = selectorOf(parseLabelSelector(labelText));
  const fields = selectorOf(parseFieldSelector({ selectableFields: coreEventFields }, fieldText));
  return {
    isSelected: (event) => labels.matches(event.metadata.labels) && fields.matches(event as unknown as WindlassObject),
    isFiltered: labels.requirements.length > 0 || fields.requirements.length > 0,
    text: JSON.stringify([coreEventKind.plural, namespace ?? null, labelText, fieldText]),
  };
}

function selectorOf<S>(parsed: Parsed<S>): S {
  if (!parsed.ok) throw badRequest(parsed.message);
  return parsed.selector;
}

/** In Kubernetes' words; it repeats what was asked and tells nothing else. */
function forbidden({ principal, namespace, ...call }: EventCall & { readonly name?: string }, verb: Verb): RefusedError {
  const where = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const subject = call.name === undefined ? "events" : `events "${call.name}"`;
  const message = `${subject} is forbidden: User "${principal.name}" cannot ${verb} resource "events" in API group "" ${where}`;
  return new RefusedError({ kind: "forbidden", message });
}
