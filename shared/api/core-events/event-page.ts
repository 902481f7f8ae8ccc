/**
 * A page of a list of events. All pages of a list are as of the moment of its first one, as far as events allow (state/core-events/event-picture.ts):
 * what was made or has expired since changes nothing. When an event that is still to come was written again or deleted since, the answer is
 * Kubernetes' 410, with a token for the rest as it is then. Where events come so fast that not even the first page is of one moment, the
 * list is given whole.
 */
import { positionAt } from "../../state/core-events/event-clock.ts";
import { type EventEntry, type EventMoment, isExact, pictureNow, restOf } from "../../state/core-events/event-picture.ts";
import { GoneError } from "../../state/errors.ts";
import { type ContinueToken, checkContinued, newestRevision, readToken, tooOld, writeToken } from "../continue-token.ts";
import { badRequest } from "../errors.ts";
import { type At, checkListOptions, parseAt } from "../list-options.ts";
import { checkShape } from "../negotiate.ts";
import type { ListMetadata } from "../present.ts";
import { parseCount } from "../query.ts";
import { checkEventNamespace, type EventCall, type EventSelection, eventSelection } from "./event-call.ts";
import { checkAt, feedOf } from "./event-feeds.ts";

export type EventPage = { readonly entries: readonly EventEntry[]; readonly metadata: ListMetadata };

/** How often a first page is tried while others write. */
const picturesMax = 5;

/** What the call selects, or a page of it. @throws RefusedError, GoneError when the query can't be met. */
export async function readEventPage(call: EventCall, uid: string): Promise<EventPage> {
  checkEventNamespace(call);
  checkShape(call.format, { isList: true });
  checkListOptions(call.query);
  const selection = eventSelection(call);
  const limit = parseCount("limit", call.query("limit")) || undefined;
  const text = call.query("continue") ?? "";
  if (text === "") return newPage(call, uid, { selection, limit, after: "", at: parseAt(call.query, limit !== undefined) });
  const token = readToken(text, selection.text);
  checkContinued(call.query, token, uid);
  if (token.revision === newestRevision) return newPage(call, uid, { selection, limit, after: token.after, at: newest });
  return nextPage(call, token, { selection, limit });
}

const newest: At = { kind: "newest" };
type Asked = { readonly selection: EventSelection; readonly limit: number | undefined };

/** The first one, or the first one after a moment that is gone. */
async function newPage(
  call: EventCall,
  uid: string,
  asked: Asked & { readonly after: string; readonly at: At },
): Promise<EventPage> {
  const { after, at } = asked;
  const feed = feedOf(call, uid);
  for (let pictures = 1; ; pictures += 1) {
    const picture = await pictureNow(feed);
    const { moment, entries } = picture;
    if (at.kind !== "newest") checkAt(moment.sequence, at);
    const rest = entries.filter(({ key }) => key > after);
    const page = pageOf(uid, asked, { moment, rest });
    if (page.metadata.continue === undefined || (await isExact(feed, picture))) return page;
    if (pictures === picturesMax) return pageOf(uid, { ...asked, limit: undefined }, { moment, rest });
  }
}

async function nextPage(call: EventCall, { uid, revision, after, more }: ContinueToken, asked: Asked): Promise<EventPage> {
  const [at, left] = more ?? [];
  if (at === undefined || left === undefined) throw badRequest("continue key is not valid");
  const moment = { sequence: revision, at };
  try {
    return pageOf(uid, asked, { moment, rest: await restOf(feedOf(call, uid), { ...moment, after, left }) });
  } catch (error) {
    if (!(error instanceof GoneError)) throw error;
    throw tooOld(writeToken({ uid, revision: newestRevision, after }, asked.selection.text));
  }
}

type Read = { readonly moment: EventMoment; readonly rest: readonly EventEntry[] };

function pageOf(uid: string, { selection, limit }: Asked, { moment, rest }: Read): EventPage {
  const { sequence, at } = moment;
  const selected = selection.isFiltered ? rest.filter(({ event }) => selection.isSelected(event)) : rest;
  const resourceVersion = positionAt(moment, at);
  const entries = selected.slice(0, limit);
  const last = entries.at(-1);
  if (last === undefined || entries.length === selected.length) return { entries, metadata: { resourceVersion } };
  const left = rest.filter(({ key }) => key > last.key).length;
  const token = writeToken({ uid, revision: sequence, after: last.key, more: [at, left] }, selection.text);
  const metadata = { resourceVersion, continue: token, ...(!selection.isFiltered && { remainingItemCount: left }) };
  return { entries, metadata };
}
