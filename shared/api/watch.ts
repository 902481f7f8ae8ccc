/**
 * GET of a collection with `watch`: what happens to its objects, as Kubernetes' watch events. Without a resourceVersion, or from 0, it
 * begins with the objects that are there; from N with what came after N; with sendInitialEvents as it says (WatchList). What can't be
 * continued is an ERROR event with status 410.
 */

import type { ApiResponse, PushedBody } from "../http/exchange.ts";
import type { WindlassObject } from "../kinds/object.ts";
import { GoneError } from "../state/errors.ts";
import { onAny, type Specifier } from "../state/event.ts";
import type { Store } from "../state/store.ts";
import type { Transaction } from "../state/transaction.ts";
import { versionAt } from "../state/version.ts";
import type { Watch, WatchEnd } from "../state/watch.ts";
import { type Call, inStore } from "./call.ts";
import { RefusedError } from "./errors.ts";
import { checkNamespaceOf } from "./list.ts";
import { type Beginning, checkReadVersion, checkWatchOptions, parseBeginning } from "./list-options.ts";
import { checkShape } from "./negotiate.ts";
import { revisionHeader } from "./present.ts";
import { parseCount, parseFlag } from "./query.ts";
import { type Selection, selectionOf } from "./selection.ts";
import { statusCodes } from "./status.ts";
import { linesOf, type WatchLines } from "./watch-lines.ts";
import { WatchStream } from "./watch-stream.ts";

/** Kubernetes' min-request-timeout: a watch without a time of its own lasts between this and twice as long, so that not all end at once. */
const watchSecondsDefault = 1_800;

type Begun = {
  readonly watch: Watch;
  readonly initial: readonly WindlassObject[];
  /** Whether a bookmark tells that all of `initial` was told. */
  readonly marksEnd: boolean;
  readonly revision: number;
};

export function watchObjects(call: Call): Promise<ApiResponse> {
  return inStore(call, "watch", async (store) => {
    checkNamespaceOf(call);
    checkShape(call.format, { isList: false });
    checkWatchOptions(call.query);
    const selection = selectionOf(call);
    const beginning = parseBeginning(call.query);
    const seconds = watchSeconds(call);
    const lines = linesOf(call);
    try {
      return streamed(call, await begin(call, store, selection, beginning), { seconds, lines });
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
  beginning: Beginning,
): Promise<Begun> {
  const specifiers: Specifier[] = onAny(definition, selector);
  switch (beginning.kind) {
    case "after": {
      const watch = await store.watchFrom(beginning.position, ...specifiers);
      return { watch, initial: [], marksEnd: false, revision: store.revision };
    }
    case "now": {
      const { watch, revision } = await store.viewAndWatch(() => undefined, ...specifiers);
      return { watch, initial: [], marksEnd: false, revision };
    }
    case "objects": {
      const options = namespace === undefined ? {} : { namespace };
      const find = (transaction: Transaction) => transaction.of(definition).find(selector, options);
      const { value: initial, revision, watch } = await store.viewAndWatch(find, ...specifiers);
      await checkNotOlder(store, watch, beginning, revision);
      return { watch, initial, marksEnd: beginning.marksEnd, revision };
    }
    default:
      return beginning satisfies never;
  }
}

async function checkNotOlder(
  store: Store,
  watch: Watch,
  { position }: Extract<Beginning, { kind: "objects" }>,
  revision: number,
): Promise<void> {
  if (position === undefined) return;
  try {
    checkReadVersion(store, position, revision);
  } catch (error) {
    watch.close();
    throw error;
  }
}

function streamed(
  call: Call,
  { watch, initial, marksEnd, revision }: Begun,
  how: { readonly seconds: number; readonly lines: WatchLines },
): ApiResponse {
  const { api, principal, query } = call;
  const { clock, watches, bookmarkSeconds } = api;
  const stream = new WatchStream(
    {
      watch,
      initial,
      ...(marksEnd && { endOfInitial: how.lines.endOfInitial(versionAt(revision)) }),
      lines: how.lines,
      clock,
      endsMs: clock.monotonic() + how.seconds * 1_000,
      expires: principal.expires,
      isPoll: api.transport === "buffer",
      bookmarkMs: parseFlag(query("allowWatchBookmarks")) ? bookmarkSeconds * 1_000 : undefined,
      errorOf,
    },
    watches,
  );
  return answer(stream, revision);
}

function answer(body: PushedBody | string, revision: number): ApiResponse {
  const headers = {
    "content-type": "application/json",
    "cache-control": "no-cache, private",
    [revisionHeader]: versionAt(revision),
  };
  return { status: statusCodes.ok, headers, body };
}

function watchSeconds({ api, query }: Call): number {
  const wanted = parseCount("timeoutSeconds", query("timeoutSeconds")) || watchSecondsDefault * (1 + api.ids.random());
  return Math.min(wanted, api.watchSecondsMax);
}

/** One that can be resumed ends without a word: its reader resumes by itself. */
function errorOf(end: WatchEnd): unknown {
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

const decoder = new TextDecoder();
