/**
 * GET of a collection with `watch`: what happens to its objects, as Kubernetes' watch events. Without a resourceVersion, or from 0, it
 * begins with the objects that are there; from N with what came after N. What can't be continued is an ERROR event with status 410.
 */
import { jsonText } from "../base/json.ts";
import { apiVersion, type WindlassObject } from "../kinds/object.ts";
import { GoneError } from "../state/errors.ts";
import { type Action, type ObjectEvent, onAny, type Specifier } from "../state/event.ts";
import type { Store } from "../state/store.ts";
import { type Position, versionAt } from "../state/version.ts";
import type { Watch, WatchEndedError } from "../state/watch.ts";
import { type Call, inStore } from "./call.ts";
import { RefusedError } from "./errors.ts";
import { checkNamespaceOf } from "./list.ts";
import { checkWatchOptions, parseReadVersion } from "./list-options.ts";
import { objectText, revisionHeader } from "./present.ts";
import { parseCount, parseFlag } from "./query.ts";
import { type Selection, selectionOf } from "./selection.ts";
import { failureOf, statusCodes } from "./status.ts";
import { tableText } from "./table.ts";
import { type EventLines, WatchStream } from "./watch-stream.ts";

/** Kubernetes' min-request-timeout: a watch without a time of its own lasts between this and twice as long, so that not all end at once. */
const watchSecondsDefault = 1_800;

type Begun = { readonly watch: Watch; readonly initial: readonly WindlassObject[]; readonly revision: number };

export function watchObjects(call: Call): Promise<Response> {
  return inStore(call, "watch", async (store) => {
    checkNamespaceOf(call);
    checkWatchOptions(call.query);
    const selection = selectionOf(call);
    const from = parseReadVersion(call.query("resourceVersion"));
    const seconds = watchSeconds(call);
    const lines = linesOf(call);
    try {
      return streamed(call, await begin(call, store, selection, from), { seconds, lines });
    } catch (error) {
      if (!(error instanceof GoneError)) throw error;
      return answer(decoder.decode(lines.failed(error)), store.revision);
    }
  });
}

async function begin(
  { definition, namespace }: Call,
  store: Store,
  { selector }: Selection,
  from: Position | undefined,
): Promise<Begun> {
  const specifiers: Specifier[] = onAny(definition, selector);
  if (from !== undefined) {
    const watch = await store.watchFrom(from, ...specifiers);
    return { watch, initial: [], revision: store.revision };
  }
  const options = namespace === undefined ? {} : { namespace };
  const {
    value: initial,
    revision,
    watch,
  } = await store.viewAndWatch((transaction) => transaction.of(definition).find(selector, options), ...specifiers);
  return { watch, initial, revision };
}

function streamed(
  call: Call,
  { watch, initial, revision }: Begun,
  how: { readonly seconds: number; readonly lines: EventLines },
): Response {
  const { api, principal, query } = call;
  const { clock, watches, bookmarkSeconds } = api;
  const stream = new WatchStream(
    {
      watch,
      initial,
      lines: how.lines,
      clock,
      endsMs: clock.monotonic() + how.seconds * 1_000,
      expires: principal.expires,
      bookmarkMs: parseFlag(query("allowWatchBookmarks")) ? bookmarkSeconds * 1_000 : undefined,
      errorOf,
    },
    watches,
  );
  return answer(stream.readable(), revision);
}

function answer(body: ReadableStream<Uint8Array> | string, revision: number): Response {
  const headers = {
    "content-type": "application/json",
    "cache-control": "no-cache, private",
    [revisionHeader]: versionAt(revision),
  };
  return new Response(body, { status: statusCodes.ok, headers });
}

function watchSeconds({ api, query }: Call): number {
  const wanted = parseCount("timeoutSeconds", query("timeoutSeconds")) || watchSecondsDefault * (1 + api.ids.random());
  return Math.min(wanted, api.watchSecondsMax);
}

/** One that can be resumed ends without a word: its reader resumes by itself. */
function errorOf({ end }: WatchEndedError): unknown {
  switch (end.reason) {
    case "overflow":
    case "restarted":
      return undefined;
    case "gone":
      return new RefusedError({ kind: "expired", message: `too old resource version: ${end.resourceVersion}: ${end.message}` });
    case "sealed":
      return new RefusedError({ kind: "expired", message: "the cluster was deleted" });
    default:
      return end satisfies never;
  }
}

const eventTypes: Readonly<Record<Action, string>> = { create: "ADDED", update: "MODIFIED", delete: "DELETED" };

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const line = (type: string, object: string): Uint8Array => encoder.encode(`{"type":"${type}","object":${object}}\n`);

function linesOf(call: Call): EventLines {
  const failed = (error: unknown): Uint8Array => {
    const failure = failureOf(error);
    if (failure.isFault) call.api.logger.log("error", "a watch failed", { error });
    return line("ERROR", JSON.stringify(failure.status));
  };
  return call.format.as === "table" ? tableLines(call, failed) : jsonLines(call, failed);
}

/** An event's line is the same for all who watch: it is made once. */
const knownLines = new WeakMap<ObjectEvent, Uint8Array>();

function jsonLines({ definition }: Call, failed: EventLines["failed"]): EventLines {
  return {
    failed,
    added: (object) => line("ADDED", jsonText(object)),
    changed(event) {
      let known = knownLines.get(event);
      if (known === undefined) {
        known = line(eventTypes[event.type], jsonText(event.object));
        knownLines.set(event, known);
      }
      return known;
    },
    bookmark: (resourceVersion) =>
      line("BOOKMARK", JSON.stringify({ kind: definition.kind, apiVersion, metadata: { resourceVersion } })),
  };
}

/** Only the first event carries the columns. */
function tableLines(call: Call, failed: EventLines["failed"]): EventLines {
  let isFirst = true;
  const table = (object: WindlassObject): string => {
    const text = objectText(call, object, isFirst);
    isFirst = false;
    return text;
  };
  return {
    failed,
    added: (object) => line("ADDED", table(object)),
    changed: (event) => line(eventTypes[event.type], table(event.object)),
    bookmark(resourceVersion) {
      const version = call.format.as === "table" ? call.format.version : "v1";
      const metadata = JSON.stringify({ resourceVersion });
      return line(
        "BOOKMARK",
        tableText(call.definition, [], { version, includeObject: "None", now: 0, metadata, columns: false }),
      );
    },
  };
}
