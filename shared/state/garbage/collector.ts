/**
 * Collects, in one cluster, what its owners left behind (rules.ts). It works from what is there: a sweep over all rows finds what may
 * need something, events only say where to look sooner. Each object is judged again in the transaction that changes it, so two
 * collectors at once, or one that was stopped anywhere, do no harm.
 */
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { KindDefinition } from "../../kinds/definition.ts";
import { prefixOf } from "../../kinds/definition.ts";
import type { WindlassObject } from "../../kinds/object.ts";
import { TooLargeError } from "../../log/errors.ts";
import type { Entry, Objects } from "../../log/ports.ts";
import { happenings, type ObjectEvent, onCreate, onDelete, onUpdate, type Specifier, shape, type WatchEvent } from "../event.ts";
import { follow } from "../follow.ts";
import { MissSignal } from "../reader.ts";
import { where } from "../selector.ts";
import type { Store } from "../store.ts";
import { objectOf } from "../table.ts";
import type { Transaction } from "../transaction.ts";
import { actionsAt, keyAt, ownerPlace, type Place, perform, placeOf, worldOf } from "./actions.ts";
import { isConcerned, judge, type World } from "./rules.ts";

export type CollectorOptions = {
  readonly store: Store;
  readonly scope: KindDefinition["scope"];
  readonly objects: Objects;
  readonly clock: Clock;
  readonly logger: Logger;
};

type Places = Map<string, Place>;

const actor = "system:garbage-collector";
/** So often everything is looked at, unless nothing was committed since. */
const sweepMs = 10 * 60_000;
/** Rows of one page of a sweep: bounds how long it holds the process. */
const pageRows = 500;
/** Objects judged in one view. */
const judgedAtOnce = 500;

export class Collector {
  readonly #options: CollectorOptions;
  readonly #kinds: readonly KindDefinition[];
  /** The store's revision before the last sweep that was done. */
  #sweptAt: number | undefined;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#kinds = options.store.registry.definitions.filter(({ scope }) => scope === options.scope);
  }

  /** Collects until `signal` aborts or the cluster is deleted. Never rejects. */
  run(signal: AbortSignal): Promise<void> {
    const { store, clock, logger } = this.#options;
    const look = async (events: readonly WatchEvent[] | undefined): Promise<void> => {
      if (events !== undefined) return void (await this.collect(await this.#heardOf(events), signal));
      if (store.revision !== this.#sweptAt || store.revision === 0) await this.sweep(signal);
    };
    const specifiers = this.#kinds.flatMap(interests);
    return follow({ store, clock, logger, name: "garbage collection", specifiers, everyMs: sweepMs, look }, signal);
  }

  /** Looks at everything, and collects until nothing is left to do; how many objects it changed. Safe to repeat, to race and to stop. */
  async sweep(signal?: AbortSignal): Promise<number> {
    const { store } = this.#options;
    const from = store.revision;
    let changed = 0;
    for (const definition of this.#kinds) {
      for await (const places of this.#pages(definition, signal)) changed += await this.collect(places, signal);
    }
    this.#sweptAt = from;
    return changed;
  }

  /** Collects what stands at `places`, and what follows from that; how many objects it changed. */
  async collect(places: Places, signal?: AbortSignal): Promise<number> {
    const { store } = this.#options;
    let changed = 0;
    for (let waiting = places; waiting.size > 0; ) {
      const some = [...waiting.values()].slice(0, judgedAtOnce);
      for (const place of some) waiting.delete(keyAt(place));
      signal?.throwIfAborted();
      const { value: due } = await store.view((transaction) => this.#due(transaction, some));
      if (due.length === 0) continue;
      const { steps } = await store.batch(
        due.map(
          ({ place }) =>
            (transaction) =>
              this.#step(transaction, place),
        ),
        { actor },
      );
      changed += steps;
      // What was done may concern the neighbours, and the object itself once more.
      waiting = new Map([...waiting, ...due.flatMap(({ next }) => next).map((place) => [keyAt(place), place] as const)]);
    }
    return changed;
  }

  /** Collects what follows from `entries`; how many objects it changed. For hosts that are woken by what was committed. */
  async follow(entries: readonly Entry[], signal?: AbortSignal): Promise<number> {
    const plurals = new Set(this.#kinds.map(({ plural }) => plural));
    const events = entries
      .flatMap(happenings)
      .filter(({ plural }) => plurals.has(plural))
      .map((happening) => shape(happening, happening.action))
      .filter((event) => event !== undefined && mayConcern(event)) as ObjectEvent[];
    // Most entries are about nothing that is owned or going: then not even the state is read.
    return events.length === 0 ? 0 : this.collect(await this.#heardOf(events), signal);
  }

  #step(transaction: Transaction, place: Place): void {
    const { store, logger } = this.#options;
    for (const action of actionsAt(transaction, place, this.#world(transaction))) {
      try {
        perform(transaction, action, store.registry);
      } catch (error) {
        // The mark of its deletion is what it can't take: it stays, and does not keep the others from going.
        if (!(error instanceof TooLargeError && error.what === "object")) throw error;
        logger.log("warn", "an object is too large to be marked as deleted", { cluster: store.uid, key: keyAt(place), error });
      }
    }
  }

  /** Which of `places` need something done, each with the places that this may concern. */
  #due(transaction: Transaction, places: readonly Place[]): { readonly place: Place; readonly next: readonly Place[] }[] {
    const world = this.#world(transaction);
    return places.flatMap((place) => {
      try {
        const item = transaction.of(place.definition).get(place.name, place.namespace);
        const [action] = item === undefined ? [] : judge(item, world);
        if (item === undefined || action === undefined) return [];
        // An owner that is released in parts has more to do.
        return [{ place, next: [...(action.item === item ? [] : [place]), ...this.#neighbours(item, world)] }];
      } catch (error) {
        // The view loads what is missing and asks again: so it learns at once what all of them miss.
        if (error instanceof MissSignal) return [];
        throw error;
      }
    });
  }

  /** What changed in a way that may concern the collector, and its neighbours. */
  async #heardOf(events: readonly WatchEvent[]): Promise<Places> {
    const { store } = this.#options;
    const { value } = await store.view((transaction) => {
      const world = this.#world(transaction);
      const objects = events.flatMap((event) =>
        event.type === "commit" || !isNews(event) ? [] : [event.object, event.previous],
      );
      return objects.flatMap((object) =>
        object === undefined ? [] : [placeOf(object, store.registry), ...this.#neighbours(object, world)],
      );
    });
    return byKey(value);
  }

  /** Owners and dependents. */
  #neighbours(item: WindlassObject, world: World): readonly Place[] {
    const { registry } = this.#options.store;
    const owners = (item.metadata.ownerReferences ?? []).map((owner) => ownerPlace(owner, item, registry));
    const dependents = world.dependents(item.metadata.uid).map((dependent) => placeOf(dependent, registry));
    return [...owners, ...dependents].filter((place) => place?.definition.scope === this.#options.scope) as Place[];
  }

  /** What a sweep has to judge, page by page. Rows may be older than the log: what they miss, the next sweep or an event finds. */
  async *#pages(definition: KindDefinition, signal: AbortSignal | undefined): AsyncIterable<Places> {
    const { store, objects, clock } = this.#options;
    const prefix = prefixOf(definition);
    for (let after: string | undefined, isLast = false; !isLast; ) {
      // Others come in between.
      await clock.sleep(0, signal);
      const { rows, next } = await objects.page(store.uid, { prefix, limit: pageRows, ...(after !== undefined && { after }) });
      yield byKey(
        rows
          .map(objectOf)
          .filter(isConcerned)
          .map((object) => placeOf(object, store.registry)),
      );
      after = next;
      isLast = next === undefined;
    }
  }

  #world(transaction: Transaction): World {
    return worldOf(transaction, this.#options.store.registry, this.#options.scope);
  }
}

const byKey = (places: readonly (Place | undefined)[]): Places =>
  new Map(places.flatMap((place) => (place === undefined ? [] : [[keyAt(place), place] as const])));

/** Deletions of whatever may be an owner, and changes of what names one or is going. */
const interests = (definition: KindDefinition): Specifier[] => [
  onDelete(definition),
  onCreate(definition, where(isConcerned)),
  onUpdate(definition, where(isConcerned)),
];

/** What a watch for `interests` would tell. */
function mayConcern(event: ObjectEvent): boolean {
  if (event.type === "delete" || isConcerned(event.object)) return isNews(event);
  return event.previous !== undefined && isConcerned(event.previous);
}

/** Most updates are of status and spec, which decide nothing here. */
function isNews({ type, object, previous }: ObjectEvent): boolean {
  if (type !== "update" || previous === undefined) return true;
  const [now, before] = [object.metadata, previous.metadata];
  return (
    now.deletionTimestamp !== before.deletionTimestamp ||
    !isDeepStrictEqual(now.ownerReferences, before.ownerReferences) ||
    !isDeepStrictEqual(now.finalizers, before.finalizers)
  );
}
