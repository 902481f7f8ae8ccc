/**
 * GET of events. A list is given as a whole: `limit` is not needed where there are at most some thousands. Its resourceVersion is a
 * place in the order of the cluster's events, and nothing of the log's.
 */

import type { ApiResponse } from "../../http/exchange.ts";
import { EventFeed } from "../../state/core-events/event-feed.ts";
import { GoneError } from "../../state/errors.ts";
import { badRequest } from "../errors.ts";
import { checkListOptions, parseAt, parseReadVersion } from "../list-options.ts";
import { checkShape } from "../negotiate.ts";
import {
  checkEventNamespace,
  type EventCall,
  type EventItemCall,
  eventNotFound,
  eventSelection,
  inEvents,
  placeOf,
} from "./event-call.ts";
import { presentEvent, presentEvents } from "./present-event.ts";

export function getEvent(call: EventItemCall): Promise<ApiResponse> {
  return inEvents(call, "get", async (uid) => {
    checkShape(call.format, { isList: false });
    const place = placeOf(call);
    parseReadVersion(call.query("resourceVersion"));
    const event = await call.api.events.get(uid, place);
    if (event === undefined) throw eventNotFound(call.name);
    return presentEvent(call, event);
  });
}

export function listEvents(call: EventCall): Promise<ApiResponse> {
  return inEvents(call, "list", async (uid) => {
    checkEventNamespace(call);
    checkShape(call.format, { isList: true });
    checkListOptions(call.query);
    if (call.query("continue")) throw badRequest("continue: lists of events have one page");
    const isSelected = eventSelection(call);
    const at = parseAt(call.query, false);
    const { feed } = await EventFeed.open(feedOf(call, uid));
    if (at.kind !== "newest") checkAt(feed, at);
    return presentEvents(call, feed.events.filter(isSelected), feed.position);
  });
}

/** Older states of events are not kept. @throws GoneError. */
export function checkAt(
  feed: EventFeed,
  { kind, position }: { readonly kind: "exact" | "notOlderThan"; readonly position: { readonly revision: number } },
): void {
  const { sequence } = feed;
  if (position.revision > sequence) throw new GoneError(position.revision, `it lies above the last event's, ${sequence}`);
  if (kind === "exact" && position.revision < sequence)
    throw new GoneError(position.revision, "older states of events are not kept");
}

export const feedOf = ({ api, namespace }: EventCall, uid: string) => ({
  journal: api.events,
  clock: api.clock,
  uid,
  namespace,
});
