/**
 * GET of events with `watch`. Events are no part of the log, so the watch asks their clock every second: one small cell, and what it names
 * when it moved. It begins as Kubernetes' watches do, goes on from any resourceVersion that was given out, without a gap, or answers
 * 410. One that was written several times within a second is told once, as it is then.
 */

import type { ApiResponse } from "../../http/exchange.ts";
import type { CoreEvent } from "../../kinds/core-event.ts";
import { type EventChange, EventFeed } from "../../state/core-events/event-feed.ts";
import { GoneError } from "../../state/errors.ts";
import { type Beginning, checkWatchOptions, parseBeginning } from "../list-options.ts";
import { checkShape } from "../negotiate.ts";
import { parseCount, parseFlag } from "../query.ts";
import { failureOf } from "../status.ts";
import { checkEventNamespace, type EventCall, eventSelection, inEvents } from "./event-call.ts";
import { checkAt, feedOf } from "./event-feeds.ts";
import { bookmarkText, eventText, streamedEvents } from "./present-event.ts";

const pollMs = 1_000;
/** Kubernetes: a watch without a time of its own lasts between this and twice as long. */
const watchSecondsDefault = 1_800;

type Select = (event: CoreEvent) => boolean;
type Begun = {
  readonly feed: EventFeed;
  readonly first: readonly EventChange[];
  /** Whether a bookmark tells that all of `first` was told. */
  readonly marksEnd: boolean;
};

export function watchEvents(call: EventCall): Promise<ApiResponse> {
  return inEvents(call, "watch", async (uid) => {
    checkEventNamespace(call);
    checkShape(call.format, { isList: false });
    checkWatchOptions(call.query);
    const { isSelected } = eventSelection(call);
    const beginning = parseBeginning(call.query);
    const seconds = watchSeconds(call);
    try {
      const begun = await begin(call, uid, beginning);
      const endsMs = call.api.clock.monotonic() + seconds * 1_000;
      return streamedEvents(stream(call, begun, { isSelected, endsMs }));
    } catch (error) {
      if (!(error instanceof GoneError)) throw error;
      return streamedEvents(errorLine(error));
    }
  });
}

async function begin(call: EventCall, uid: string, beginning: Beginning): Promise<Begun> {
  const options = feedOf(call, uid);
  switch (beginning.kind) {
    case "after": {
      const { revision, place } = beginning.position;
      const { feed, missed } = await EventFeed.open(options, { sequence: revision, steps: place });
      return { feed, first: missed, marksEnd: false };
    }
    case "now":
      return { feed: (await EventFeed.open(options)).feed, first: [], marksEnd: false };
    case "objects": {
      const { feed } = await EventFeed.open(options);
      if (beginning.position !== undefined) checkAt(feed.sequence, { kind: "notOlderThan", position: beginning.position });
      const first = feed.events.map((event): EventChange => ({ type: "create", event, previous: undefined }));
      return { feed, first, marksEnd: beginning.marksEnd };
    }
    default:
      return beginning satisfies never;
  }
}

type Told = { readonly isSelected: Select; readonly endsMs: number; readonly stop: AbortSignal };

/** Ends cleanly when its time or its token is over, when the process stops, and when its reader leaves. */
function stream(call: EventCall, begun: Begun, told: Omit<Told, "stop">): ReadableStream<Uint8Array> {
  const { watches } = call.api;
  const stop = new AbortController();
  const open = { end: () => stop.abort() };
  const texts = textsOf(call, begun, { ...told, stop: stop.signal });
  const encoder = new TextEncoder();
  let hasLeft = false;
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const { value, done } = await texts.next();
    if (hasLeft) return;
    if (done !== true) return controller.enqueue(encoder.encode(value));
    watches.delete(open);
    controller.close();
  };
  const cancel = () => {
    hasLeft = true;
    watches.delete(open);
    stop.abort();
  };
  watches.add(open);
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
}

/** Whole lines, one or more at once. Where answers are not streamed it ends when it has told something. */
async function* textsOf(call: EventCall, { feed, first, marksEnd }: Begun, told: Told): AsyncGenerator<string, void> {
  const { api, query } = call;
  const lines = linesOf(call, told.isSelected);
  const mark = (isEnd = false): string => `{"type":"BOOKMARK","object":${bookmarkText(call, feed.position, isEnd)}}\n`;
  const begin = lines(first) + (marksEnd ? mark(true) : "");
  if (begin !== "") yield begin;
  const bookmarkMs = parseFlag(query("allowWatchBookmarks")) ? api.bookmarkSeconds * 1_000 : Number.POSITIVE_INFINITY;
  let bookmarkAtMs = api.clock.monotonic() + bookmarkMs;
  let isDone = begin !== "" && api.transport === "buffer";
  while (!isDone && !isOver(call, told)) {
    await api.clock.sleep(Math.min(pollMs, leftMs(call, told)), told.stop).catch(() => undefined);
    if (told.stop.aborted) return;
    const { text, failed } = await polled(call, feed, lines);
    if (text !== "") yield text;
    if (failed) return;
    isDone = text !== "" && api.transport === "buffer";
    if (api.clock.monotonic() < bookmarkAtMs) continue;
    bookmarkAtMs = api.clock.monotonic() + bookmarkMs;
    yield mark();
  }
  if (bookmarkMs !== Number.POSITIVE_INFINITY && !told.stop.aborted) yield mark();
}

/** A poll that fails is told, as the last line. */
async function polled({ api }: EventCall, feed: EventFeed, lines: (changes: readonly EventChange[]) => string) {
  try {
    return { text: lines(await feed.poll()), failed: false };
  } catch (error) {
    if (failureOf(error).isFault) api.logger.log("error", "a watch of events failed", { error });
    return { text: errorLine(error), failed: true };
  }
}

/** Only the first line carries a Table's columns. */
function linesOf(call: EventCall, isSelected: Select): (changes: readonly EventChange[]) => string {
  let isFirst = true;
  return (changes) => {
    let text = "";
    for (const change of changes) {
      const type = typeOf(change, isSelected);
      if (type === undefined) continue;
      text += `{"type":"${type}","object":${eventText(call, change.event, isFirst)}}\n`;
      isFirst = false;
    }
    return text;
  };
}

/** An event that enters the selection is added, one that leaves it is deleted; of one that was not known before, only what it is counts. */
function typeOf({ type, event, previous }: EventChange, isSelected: Select): "ADDED" | "MODIFIED" | "DELETED" | undefined {
  const isIn = type !== "delete" && isSelected(event);
  if (previous === undefined) return isIn ? (type === "create" ? "ADDED" : "MODIFIED") : undefined;
  if (!isSelected(previous)) return isIn ? "ADDED" : undefined;
  return isIn ? "MODIFIED" : "DELETED";
}

const errorLine = (error: unknown): string => `{"type":"ERROR","object":${JSON.stringify(failureOf(error).status)}}\n`;

function leftMs({ api, principal: { expires } }: EventCall, { endsMs }: Told): number {
  const tokenMs = expires === undefined ? Number.POSITIVE_INFINITY : expires - api.clock.now();
  return Math.max(0, Math.min(endsMs - api.clock.monotonic(), tokenMs));
}

const isOver = (call: EventCall, told: Told): boolean => told.stop.aborted || leftMs(call, told) === 0;

function watchSeconds({ api, query }: EventCall): number {
  const wanted = parseCount("timeoutSeconds", query("timeoutSeconds")) || watchSecondsDefault * (1 + api.ids.random());
  return Math.min(wanted, api.watchSecondsMax);
}
