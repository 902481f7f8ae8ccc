/** GET of events. A list's resourceVersion is a place in the order of the cluster's events, and nothing of the log's. */
import type { ApiResponse } from "../../http/exchange.ts";
import { parseReadVersion } from "../list-options.ts";
import { checkShape } from "../negotiate.ts";
import { type EventCall, type EventItemCall, eventNotFound, inEvents, placeOf } from "./event-call.ts";
import { readEventPage } from "./event-page.ts";
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
  return inEvents(call, "list", async (uid) => presentEvents(call, await readEventPage(call, uid)));
}
