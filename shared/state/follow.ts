/**
 * The loop of whatever keeps a store's state as it should be, level-triggered: it looks at everything at the start and from time to
 * time, and at what changed in between. Events only wake it and say where to look; those that come together are looked at together.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { GoneError, SealedError } from "./errors.ts";
import type { Specifier, WatchEvent } from "./event.ts";
import type { Store } from "./store.ts";
import { type Watch, WatchEndedError } from "./watch.ts";

export type FollowOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What it is about, for the log. */
  readonly name: string;
  readonly specifiers: readonly Specifier[];
  /** How often everything is looked at, at least. */
  readonly everyMs: number;
  /** undefined: everything. Safe to run twice, and to be stopped anywhere by an error. */
  readonly look: (events: readonly WatchEvent[] | undefined) => Promise<void>;
};

/** Events that follow the first this soon are looked at with it. */
const gatherMs = 20;
/** After a failure; a store that was deleted or closed is not tried again. */
const retryMs = 1_000;

/** Runs until `signal` aborts or the store's cluster is deleted. Never rejects: what fails is logged and tried again. */
export async function follow(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger, name, store } = options;
  while (!signal.aborted) {
    try {
      await followOnce(options, signal);
    } catch (error) {
      if (signal.aborted || isOver(error)) return;
      if (!(error instanceof WatchEndedError)) logger.log("warn", `${name}: a round failed`, { cluster: store.uid, error });
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
}

/** The watch begins before the first look, so that nothing happens between them unseen. Rejects when the watch ends. */
async function followOnce({ store, clock, specifiers, everyMs, look }: FollowOptions, signal: AbortSignal): Promise<never> {
  const watch = await store.watch(...specifiers);
  try {
    for (;;) {
      const due = clock.monotonic() + everyMs;
      await look(undefined);
      while (clock.monotonic() < due) {
        await heard(watch, clock, { ms: due - clock.monotonic(), signal });
        await clock.sleep(gatherMs, signal);
        const events = takeAll(watch);
        if (events.length > 0) await look(events);
      }
    }
  } finally {
    watch.close();
  }
}

/** Resolves at an event or when the time is over. Rejects when the watch ends, or the signal aborts. */
async function heard(
  watch: Watch,
  clock: Clock,
  { ms, signal }: { readonly ms: number; readonly signal: AbortSignal },
): Promise<void> {
  const done = new AbortController();
  const time = clock.sleep(ms, AbortSignal.any([signal, done.signal]));
  try {
    await Promise.race([watch.ready(), time]);
  } finally {
    done.abort();
    await time.catch(() => undefined);
  }
}

function takeAll(watch: Watch): WatchEvent[] {
  const events: WatchEvent[] = [];
  for (let event = watch.take(); event !== undefined; event = watch.take()) events.push(event);
  return events;
}

/** The cluster was deleted, and perhaps all of it is removed. */
const isOver = (error: unknown): boolean =>
  error instanceof SealedError ||
  error instanceof GoneError ||
  (error instanceof WatchEndedError && error.end.reason === "sealed");
