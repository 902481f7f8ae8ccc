/**
 * DELETE of a collection of events: what a list with the same query gives goes, many in one write. As in Kubernetes it is no transaction: what
 * has gone since, or was made anew, is left alone. With `limit` it is one page; the answer is the list as it was found.
 */
import type { ApiResponse } from "../../http/exchange.ts";
import { jsonTypes, lazyBody } from "../body.ts";
import { deleteOptions } from "../delete-options.ts";
import { checkCurrent, inEvents, type PlacedCall } from "./event-call.ts";
import { readEventPage } from "./event-page.ts";
import { presentEvents } from "./present-event.ts";

export function removeEvents(call: PlacedCall): Promise<ApiResponse> {
  const body = lazyBody(call.request, jsonTypes);
  return inEvents(call, "deletecollection", async (uid) => {
    const { dryRun, preconditions } = deleteOptions(call.query, await body(), { versionInQuery: false });
    const page = await readEventPage(call, uid);
    const events = page.entries.map(({ event }) => event);
    for (const event of events) checkCurrent(event, preconditions);
    if (!dryRun) await call.api.events.removeAll(uid, events);
    return presentEvents(call, page);
  });
}
