/**
 * One watch of a thread, from its begin or resume to where it is cut. Every event must be the next one that the oracle has for its
 * filter: nothing is left out, doubled or out of order, whoever resumes it.
 */
import type { Watch, WatchEnd } from "../../shared/state/watch.ts";
import { errorName, isHarmless } from "./errors.ts";
import type { History } from "./history.ts";
import type { Judge } from "./judge.ts";
import type { Act } from "./plan.ts";
import type { Process } from "./process.ts";
import { ask, isSame, type Reading } from "./query.ts";
import { type Thing, type WatchFilter, watchFilters } from "./subject.ts";

/** How a watch went: where it can be resumed. */
export type Cut = { readonly history: History; readonly filter: WatchFilter; readonly version: number };
export type WatchAct = Extract<Act, { readonly do: "watch" }>;
type Ended = "sealed" | undefined;

const placesPerRevision = 1_000;
const wholeEntry = 999;

type WatcherOptions = {
  readonly id: string;
  readonly process: Process;
  readonly history: History;
  readonly judge: Judge;
  /** Told where it stands after every event. */
  readonly keep: (cut: Cut | undefined) => void;
};

export class Watcher {
  readonly #options: WatcherOptions;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** A view, and what comes after it. */
  async begin(act: WatchAct): Promise<Ended> {
    const { id, process, history, judge, keep } = this.#options;
    const filter = watchFilters[act.filter] as WatchFilter;
    const headBefore = history.head;
    const look = (transaction: Parameters<typeof ask>[0]): Reading[] => act.queries.map((query) => ask(transaction, query));
    try {
      const { value, revision, watch } = await process.store(history.uid).viewAndWatch(look, ...filter.specifiers);
      judge.readingsAt(id, history, value, { revision, headBefore });
      const cut = { history, filter, version: revision * placesPerRevision + wholeEntry };
      keep(cut);
      return await this.#follow(watch, cut, act);
    } catch (error) {
      return sealedOrHarmless(error);
    }
  }

  async resume(cut: Cut, act: WatchAct): Promise<Ended> {
    const { id, process, history, judge, keep } = this.#options;
    const { filter, version } = cut;
    const headBefore = history.head;
    try {
      const watch = await process.store(history.uid).watchFrom(positionOf(version), ...filter.specifiers);
      return await this.#follow(watch, cut, act);
    } catch (error) {
      if (errorName(error) !== "GoneError") return sealedOrHarmless(error);
      judge.check(
        judge.goneIsRight(history, lastWhole(version), headBefore),
        () => `${id}: resuming at ${version} was refused: ${(error as Error).message}`,
      );
      keep(undefined);
      return undefined;
    }
  }

  /** A revision of another life, or one that does not exist yet, can't be resumed. */
  async expectGone(revision: number): Promise<Ended> {
    const { id, process, history, judge } = this.#options;
    try {
      const watch = await process.store(history.uid).watchFrom({ revision, place: wholeEntry });
      watch.close();
      const isThere = revision >= history.first - 1 && revision <= history.head;
      judge.check(
        isThere,
        () => `${id}: a watch was resumed at ${revision}; the life goes from ${history.first} to ${history.head}`,
      );
      return undefined;
    } catch (error) {
      return sealedOrHarmless(error);
    }
  }

  async #follow(watch: Watch, begun: Cut, act: WatchAct): Promise<Ended> {
    const { process, keep } = this.#options;
    let cut = begun;
    let readying: Promise<Readied> | undefined;
    for (let taken = 0; taken < act.events; ) {
      const event = watch.take();
      if (event !== undefined) {
        taken += 1;
        cut = { ...cut, version: this.#checkEvent(event, cut) };
        keep(cut);
        if (act.restMs > 0) await process.link.sleep(act.restMs);
        continue;
      }
      readying ??= watch.ready().then(
        () => "ready" as const,
        (error: unknown) => ({ error }),
      );
      const outcome = await Promise.race([readying, process.link.sleep(act.waitMs).then(() => "late" as const)]);
      if (outcome === "late") break;
      readying = undefined;
      if (outcome !== "ready") {
        watch.close();
        return this.#ended(outcome.error, cut);
      }
      if (watch.ended && watch.end === undefined) break;
    }
    if (act.useProgress) keep({ ...cut, version: this.#skipTo(Number(watch.progress), cut, "progress") });
    if (act.close) watch.close();
    return undefined;
  }

  #checkEvent(event: NonNullable<ReturnType<Watch["take"]>>, { filter, version }: Cut): number {
    const { id, history, judge } = this.#options;
    const expected = history.nextEvent(version, filter);
    const object = event.type === "commit" ? undefined : (event.object as Thing);
    const key = event.type === "commit" ? "" : event.key;
    const isExpected =
      expected !== undefined &&
      expected.version === Number(event.resourceVersion) &&
      expected.type === event.type &&
      expected.key === key &&
      (expected.object === undefined || (object !== undefined && isSame(expected.object, object)));
    const wanted = expected === undefined ? "nothing" : `${expected.type} ${expected.key} ${expected.version}`;
    judge.check(
      isExpected,
      () => `${id}: after ${version} "${filter.name}" got ${event.type} ${key} ${event.resourceVersion}, not ${wanted}`,
    );
    return Number(event.resourceVersion);
  }

  #ended(error: unknown, cut: Cut): Ended {
    const { id, history, judge, keep } = this.#options;
    if (errorName(error) !== "WatchEndedError") return sealedOrHarmless(error);
    const { end } = error as Error & { end: WatchEnd };
    const version = this.#skipTo(Number(end.resourceVersion), cut, end.reason);
    keep({ ...cut, version });
    switch (end.reason) {
      case "restarted":
      case "overflow":
        return undefined;
      case "gone":
        judge.check(
          judge.goneIsRight(history, lastWhole(version), history.head),
          () => `${id}: the watch at ${version} ended as gone; it is not`,
        );
        keep(undefined);
        return undefined;
      case "sealed":
        return "sealed";
      default:
        return end satisfies never;
    }
  }

  /** The watch says that it has told everything up to `version`. */
  #skipTo(version: number, cut: Cut, what: string): number {
    const { id, history, judge } = this.#options;
    judge.check(version >= cut.version, () => `${id}: ${what} says ${version}, though ${cut.version} was taken`);
    judge.check(version <= history.head * placesPerRevision + wholeEntry, () => `${id}: ${what} says ${version}, above the head`);
    const missed = history.nextEvent(cut.version, cut.filter);
    judge.check(
      missed === undefined || missed.version > version,
      () => `${id}: ${what} skips ${missed?.type} ${missed?.key} ${missed?.version}, to ${version}`,
    );
    return version;
  }
}

type Readied = "ready" | { readonly error: unknown };

function positionOf(version: number): { readonly revision: number; readonly place: number } {
  return { revision: Math.floor(version / placesPerRevision), place: version % placesPerRevision };
}

/** The last revision that lies wholly at or before `version`. */
const lastWhole = (version: number): number => Math.floor((version + 1) / placesPerRevision) - 1;

function sealedOrHarmless(error: unknown): Ended {
  if (errorName(error) === "SealedError") return "sealed";
  if (!isHarmless(error)) throw error;
  return undefined;
}
