/**
 * What a watcher hears: create, update and delete of one object, and the commit that ends each entry. Specifiers choose events as
 * in swarmkit's Watch, with one correction: a filter is judged on the object before and after, so that one which enters it
 * arrives as created and one which leaves it as deleted.
 */
import { deepFreeze } from "../base/json.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import type { WindlassObject } from "../kinds/object.ts";
import type { Entry } from "../log/ports.ts";
import { all, and, type Selector, where } from "./selector.ts";
import { versionOf } from "./version.ts";

export type Action = "create" | "update" | "delete";

export type ObjectEvent<O extends WindlassObject = WindlassObject> = {
  /** As the watcher's filter sees it. */
  readonly type: Action;
  readonly kind: string;
  readonly key: string;
  /** The object now; of a delete the last one before it, with the event's own resourceVersion. */
  readonly object: O;
  /** The object before, where there was one. */
  readonly previous?: O;
  readonly revision: number;
  /** Where a watch can be resumed after this event. */
  readonly resourceVersion: string;
};

export type CommitEvent = {
  readonly type: "commit";
  readonly revision: number;
  /** Of the whole entry. */
  readonly resourceVersion: string;
  readonly actor: string;
  /** Milliseconds since 1970, by the writer's clock. */
  readonly time: number;
};

export type WatchEvent<O extends WindlassObject = WindlassObject> = ObjectEvent<O> | CommitEvent;

/** Compares what a specifier names with what an event carries, as swarmkit's <Kind>CheckFunc. */
export type Check<O> = (specified: O, actual: O) => boolean;

/** One way an event may interest a watcher; several are judged with or. */
export type Specifier =
  | { readonly event: "commit" }
  | { readonly event: Action; readonly definition: KindDefinition; readonly selector: Selector };

/** Ends each committed entry, batches included. */
export const commits: Specifier = { event: "commit" };

export const onCreate = <O extends WindlassObject>(definition: KindDefinition<O>, filter?: Filter<O>): Specifier =>
  specifier("create", definition, filter);
/** Hears also what enters or leaves the filter by an update: as created, or as deleted. */
export const onUpdate = <O extends WindlassObject>(definition: KindDefinition<O>, filter?: Filter<O>): Specifier =>
  specifier("update", definition, filter);
export const onDelete = <O extends WindlassObject>(definition: KindDefinition<O>, filter?: Filter<O>): Specifier =>
  specifier("delete", definition, filter);
/** All that changes a kind's objects. */
export const onAny = <O extends WindlassObject>(definition: KindDefinition<O>, filter?: Filter<O>): Specifier[] => [
  onCreate(definition, filter),
  onUpdate(definition, filter),
  onDelete(definition, filter),
];

/** A selector, a predicate, or swarmkit's form: an object with check functions, all of which must hold. Absent: every object. */
export type Filter<O> =
  | Selector
  | ((object: O) => boolean)
  | { readonly object: Specified<O>; readonly checks: readonly Check<Specified<O>>[] };

/** Only the fields that the checks compare need be given. */
export type Specified<O> = O extends readonly unknown[]
  ? O
  : O extends object
    ? { readonly [K in keyof O]?: Specified<O[K]> }
    : O;

function specifier<O extends WindlassObject>(
  event: Action,
  definition: KindDefinition<O>,
  filter: Filter<O> | undefined,
): Specifier {
  return { event, definition: definition as unknown as KindDefinition, selector: toSelector(filter) };
}

function toSelector<O extends WindlassObject>(filter: Filter<O> | undefined): Selector {
  if (filter === undefined) return all;
  if (typeof filter === "function") return where((object) => filter(object as O));
  if ("by" in filter) return filter;
  const { object: specified, checks } = filter;
  const indexed = checks.flatMap((check) => (check as IndexedCheck).selector?.(specified as never) ?? []);
  return and(
    ...indexed,
    where((object) => checks.every((check) => check(specified, object as Specified<O>))),
  );
}

/** A check that also knows the index it amounts to, so that events find its watchers. */
export type IndexedCheck = Check<never> & { readonly selector?: (specified: never) => Selector };

/** An entry's event for one of its changes, before any filter. */
export type Happening = {
  readonly action: Action;
  readonly kind: string;
  readonly plural: string;
  readonly key: string;
  readonly object: WindlassObject | undefined;
  readonly previous: WindlassObject | undefined;
  readonly revision: number;
  readonly resourceVersion: string;
  /** As each type it was asked for, made once and shared by all watchers. */
  readonly shapes: Map<Action, ObjectEvent>;
};

export function happenings(entry: Entry): Happening[] {
  return entry.changes.map((change, place) => {
    const object = change.action === "delete" ? undefined : (change.value as unknown as WindlassObject);
    const previous = change.action === "create" ? undefined : (change.previous as unknown as WindlassObject);
    const plural = change.key.slice(0, change.key.indexOf("/"));
    const { action, key } = change;
    const { revision } = entry;
    const kind = (object ?? previous)?.kind ?? "";
    return {
      action,
      kind,
      plural,
      key,
      object,
      previous,
      revision,
      resourceVersion: versionOf(revision, place),
      shapes: new Map(),
    };
  });
}

export function commitOf(entry: Entry): CommitEvent {
  return {
    type: "commit",
    revision: entry.revision,
    resourceVersion: versionOf(entry.revision, 999),
    actor: entry.actor,
    time: entry.time,
  };
}

/** The happening as `type`; undefined when it has no object to show as that. */
export function shape(happening: Happening, type: Action): ObjectEvent | undefined {
  const known = happening.shapes.get(type);
  if (known !== undefined) return known;
  const { kind, key, revision, resourceVersion, previous } = happening;
  const object = type === "delete" ? previous && stamped(previous, resourceVersion) : happening.object;
  if (object === undefined) return undefined;
  const event: ObjectEvent = { type, kind, key, object, ...(previous !== undefined && { previous }), revision, resourceVersion };
  happening.shapes.set(type, Object.freeze(event));
  return event;
}

function stamped(object: WindlassObject, resourceVersion: string): WindlassObject {
  return deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion } });
}
