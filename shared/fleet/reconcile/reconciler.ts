/**
 * Keeps one cluster's services as they should be: reads the world, decides, and carries the decision out in as few entries as it fits.
 * Any number of them may work on one cluster; none holds state that matters.
 */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import { TooLargeError } from "../../log/errors.ts";
import type { EventRecorder } from "../../state/core-events/event-recorder.ts";
import { BatchError, BusyError, InvalidObjectError, UnavailableError } from "../../state/errors.ts";
import type { WatchEvent } from "../../state/event.ts";
import { follow } from "../../state/follow.ts";
import type { Store } from "../../state/store.ts";
import type { Transaction } from "../../state/transaction.ts";
import type { Action } from "./actions.ts";
import { Alarm } from "./alarm.ts";
import { carryOut, replaceAll } from "./commit.ts";
import { decide } from "./decide.ts";
import { eventsOf, eventsPerRound } from "./events.ts";
import { grouped } from "./groups.ts";
import { worldIn } from "./look.ts";
import { followed, isNews, type Known } from "./news.ts";
import { defaultPolicy, type Policy, reconcilerName } from "./world.ts";

export type ReconcilerOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy?: Policy;
  /** Tells people what was done. Absent: nobody is told. */
  readonly recorder?: EventRecorder;
};

export type Round = {
  /** Actions that were decided on, and those of them that were carried out. */
  readonly decided: number;
  readonly done: number;
  /** When time alone will change what is decided, milliseconds since 1970. */
  readonly wakeAt: number | undefined;
  /** A task fits nowhere, or something that was decided on did not fit any more. */
  readonly isWaiting: boolean;
  /** Of the state that was looked at. */
  readonly revision: number;
};

/** Rounds until nothing is left to do; an update of many steps goes on in the next call. */
const roundsMax = 20;
/** A round looks at the whole world, so the next one waits this many times as long as the last one took, to hear more at once. */
const restRatio = 4;
/** And no longer than that: what a user waits for a large fleet's next step. */
const restMaxMs = 1_000;
/** Everything is looked at again this often, whatever was heard. */
const sweepMs = 30_000;
/** Nothing more is begun of a round that has committed for so long: what happened meanwhile counts first. */
const commitMs = 5_000;
/** Actions between two looks at the time. */
const actionsAtOnce = 2_000;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #policy: Policy;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#policy = options.policy ?? defaultPolicy;
  }

  /**
   * Looks once and does what is to be done, as much as the store takes now. @throws what the store throws otherwise; what was carried
   * out until then stays. Safe to repeat.
   */
  async round(): Promise<Round> {
    const { store, clock } = this.#options;
    const { value: world, revision } = await store.view((transaction) => worldIn(transaction, clock.now()));
    const { actions, wakeAt, isWaiting } = decide(world, this.#policy);
    if (actions.length === 0) return { decided: 0, done: 0, wakeAt, isWaiting, revision };
    const groups = grouped(actions, world.nodes);
    const carried = new Set<Action>();
    const tried = await this.#carryOut(groups, carried);
    const done = groups
      .slice(0, tried.groups)
      .flat()
      .filter((action) => carried.has(action));
    await this.#tell(done);
    const counts = { decided: actions.length, done: done.length };
    return { ...counts, wakeAt: tried.againAt ?? wakeAt, isWaiting: isWaiting || counts.done < counts.decided, revision };
  }

  /** Rounds until there is nothing to do now, or others do it. Resolves with the last one. */
  async settle(signal?: AbortSignal): Promise<Round> {
    let round = await this.round();
    for (let count = 1; count < roundsMax && round.done > 0 && signal?.aborted !== true; count += 1) round = await this.round();
    return round;
  }

  /** Until `signal` aborts or the cluster is deleted: whenever something changed, and when time asks for it. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, logger } = this.#options;
    const alarm = new Alarm(clock, signal);
    let known: Known = { seen: 0, isWaiting: true };
    /** On the monotonic clock: until then neither an event nor a round's own work brings the next. */
    let restUntil = 0;
    /** Of the round that is underway; never rejects. */
    let turn: Promise<unknown> | undefined;
    const once = async (): Promise<void> => {
      const beganAt = clock.monotonic();
      const { wakeAt, done, revision, isWaiting } = await this.round();
      const restMs = Math.min(restMaxMs, restRatio * (clock.monotonic() - beganAt));
      restUntil = clock.monotonic() + restMs;
      known = { seen: revision, isWaiting };
      // What was done may ask for more at once, whether or not it comes back as an event.
      alarm.set(done > 0 ? clock.now() + restMs : wakeAt, ring);
    };
    /** One after the other: two at once do no harm, but no good either. */
    const next = async (): Promise<void> => {
      while (turn !== undefined) await turn;
      const mine = once();
      turn = mine.then(
        () => (turn = undefined),
        () => (turn = undefined),
      );
      await mine;
    };
    /** The round that is underway sets the alarm anew. */
    const ring = (): void => {
      if (turn !== undefined) return;
      next().catch((error: unknown) => logger.log("warn", "reconciler: a round failed", { cluster: store.uid, error }));
    };
    const look = async (events: readonly WatchEvent[] | undefined): Promise<void> => {
      if (events === undefined) return await next();
      // Meanwhile the alarm may bring a round that sees what they tell.
      while (isNews(events, known)) {
        const restMs = restUntil - clock.monotonic();
        if (restMs > 0) await clock.sleep(restMs, signal);
        else if (turn !== undefined) await turn;
        else await next();
      }
    };
    await follow({ store, clock, logger, name: "reconciler", specifiers: followed, everyMs: sweepMs, look }, signal);
    alarm.set(undefined, ring);
    await turn;
  }

  /** An event that can't be recorded is no reason to stop: the objects say the same. */
  async #tell(done: readonly Action[]): Promise<void> {
    const { recorder, logger, store } = this.#options;
    if (recorder === undefined) return;
    const told = eventsOf(done)
      .slice(0, eventsPerRound)
      .map(async (event) => {
        try {
          await recorder.record(event);
        } catch (error) {
          const { reason } = event;
          logger.log("warn", "reconciler: an event can't be recorded", { cluster: store.uid, reason, error });
        }
      });
    await Promise.all(told);
  }

  /** How many groups were tried; `againAt`: when the others may be, for the store takes no more until then, or it has taken long enough. */
  async #carryOut(
    groups: readonly (readonly Action[])[],
    carried: Set<Action>,
  ): Promise<{ readonly groups: number; readonly againAt?: number }> {
    const { store, clock } = this.#options;
    const steps = groups.map((group) => (transaction: Transaction) => {
      // A batch may run a step again: only the last run counts.
      for (const action of group) carried.delete(action);
      for (const action of this.#tryOut(transaction, group)) carried.add(action);
    });
    const endMs = clock.monotonic() + commitMs;
    let tried = 0;
    try {
      do {
        const end = endOfSome(groups, tried);
        await store.batch(steps.slice(tried, end), { actor: reconcilerName });
        tried = end;
      } while (tried < groups.length && clock.monotonic() < endMs);
      return tried < groups.length ? { groups: tried, againAt: clock.now() } : { groups: tried };
    } catch (error) {
      const cause = error instanceof BatchError ? error.cause : undefined;
      if (!(error instanceof BatchError) || !(cause instanceof UnavailableError || cause instanceof BusyError)) throw error;
      return { groups: tried + error.committed, againAt: clock.now() + cause.retryAfterSeconds * 1_000 };
    }
  }

  /** Those that were carried out. One object that can't be written must not hold up all others. */
  #tryOut(transaction: Transaction, group: readonly Action[]): readonly Action[] {
    const mark = transaction.mark();
    try {
      const replaces = group.filter((action) => action.do === "replace");
      if (replaces.length === group.length) return replaceAll(transaction, replaces);
      return group.filter((action) => carryOut(transaction, action));
    } catch (error) {
      const isItsOwn = error instanceof InvalidObjectError || (error instanceof TooLargeError && error.what === "object");
      if (!isItsOwn) throw error;
      transaction.rollback(mark);
      if (group.length > 1) return group.flatMap((action) => this.#tryOut(transaction, [action]));
      this.#options.logger.log("warn", "reconciler: an action can't be carried out", { action: group[0]?.do, error });
      return [];
    }
  }
}

/** From `start` on, groups of about `actionsAtOnce`: the place after the last of them. */
function endOfSome(groups: readonly (readonly Action[])[], start: number): number {
  let [end, actions] = [start, 0];
  for (; end < groups.length && actions < actionsAtOnce; end += 1) actions += groups[end]?.length ?? 0;
  return end;
}
