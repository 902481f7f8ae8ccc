/**
 * The oracle: the first entry ever put at each revision of one life, and the state after each. Everything that the code under test
 * answers is compared with it; it knows nothing of how the code works.
 */
import type { Change, Entry } from "../../shared/log/ports.ts";
import { isSame } from "./query.ts";
import type { Thing, WatchFilter } from "./subject.ts";

export type State = ReadonlyMap<string, Thing>;
export type ExpectedEvent = { readonly version: number; readonly type: string; readonly key: string; readonly object?: Thing };

const placesPerRevision = 1_000;
const commitPlace = 999;

export class History {
  readonly uid: string;
  readonly first: number;
  readonly entries: Entry[] = [];
  readonly #states: State[] = [new Map()];
  /** The highest revision that was stripped. */
  stripped = 0;
  /** Revisions that the sink has. */
  readonly published = new Set<number>();

  constructor(uid: string, first: number) {
    this.uid = uid;
    this.first = first;
  }

  get head(): number {
    return this.first - 1 + this.entries.length;
  }

  get isSealed(): boolean {
    return this.entries.at(-1)?.seal === true;
  }

  /** The state after `revision`; undefined where there is none. */
  at(revision: number): State | undefined {
    return this.#states[revision - this.first + 1];
  }

  entry(revision: number): Entry | undefined {
    return this.entries[revision - this.first];
  }

  /** Takes an entry that was put; what is wrong with it. */
  add(entry: Entry): string | undefined {
    if (this.entry(entry.revision) !== undefined) return `revision ${entry.revision} was put twice`;
    if (entry.revision !== this.head + 1) return `revision ${entry.revision} leaves a hole after ${this.head}`;
    if (this.isSealed) return `revision ${entry.revision} was put after the seal`;
    const state = new Map(this.at(this.head));
    for (const [place, change] of entry.changes.entries()) {
      const wrong = applyChange(state, change, String(entry.revision * placesPerRevision + place));
      if (wrong !== undefined) return `revision ${entry.revision} does not follow from the state before it: ${wrong}`;
    }
    this.entries.push(entry);
    this.#states.push(state);
    return undefined;
  }

  /** The last change of each key up to and with `revision`: the revision and whether it is there. */
  lastChanges(revision: number): Map<string, { readonly revision: number; readonly isThere: boolean }> {
    const last = new Map<string, { readonly revision: number; readonly isThere: boolean }>();
    for (const entry of this.entries) {
      if (entry.revision > revision) break;
      for (const { key, action } of entry.changes) last.set(key, { revision: entry.revision, isThere: action !== "delete" });
    }
    return last;
  }

  isDeletedAfter(key: string, revision: number): boolean {
    const later = this.entries.slice(Math.max(0, revision + 1 - this.first));
    return later.some(({ changes }) => changes.some((change) => change.key === key && change.action === "delete"));
  }

  /** The first event after `version` that the filter sees; undefined: none yet. */
  nextEvent(version: number, filter: WatchFilter): ExpectedEvent | undefined {
    const from = Math.max(0, Math.floor(version / placesPerRevision) - this.first);
    for (const entry of this.entries.slice(from)) {
      for (const event of eventsOf(entry, filter)) if (event.version > version) return event;
    }
    return undefined;
  }
}

function applyChange(state: Map<string, Thing>, change: Change, version: string): string | undefined {
  const there = state.get(change.key);
  if (change.action === "create" && there !== undefined) return `${change.key} exists`;
  if (change.action !== "create") {
    if (there === undefined) return `${change.key} does not exist`;
    if (!isSame(change.previous, there)) return `the object before at ${change.key} is another one`;
  }
  if (change.action === "delete") {
    state.delete(change.key);
    return undefined;
  }
  const value = change.value as unknown as Thing;
  if (value.metadata.resourceVersion !== version)
    return `${change.key} has version ${value.metadata.resourceVersion}, not ${version}`;
  state.set(change.key, value);
  return undefined;
}

function* eventsOf(entry: Entry, filter: WatchFilter): Generator<ExpectedEvent> {
  for (const [place, change] of entry.changes.entries()) {
    const version = entry.revision * placesPerRevision + place;
    const type = typeFor(change, filter);
    if (type === undefined) continue;
    const object = type === "delete" ? stamped(before(change), version) : now(change);
    yield { version, type, key: change.key, ...(object !== undefined && { object }) };
  }
  if (filter.commits) yield { version: entry.revision * placesPerRevision + commitPlace, type: "commit", key: "" };
}

/** As what the change appears; undefined: it does not. */
function typeFor(change: Change, { rules }: WatchFilter): string | undefined {
  if (rules === "everything") return change.action;
  for (const { actions, kind, selection } of rules) {
    if (!change.key.startsWith(`${kind.plural}/`)) continue;
    const [old, current] = [before(change), now(change)];
    const was = old !== undefined && selection.test(old);
    const is = current !== undefined && selection.test(current);
    if (!was && !is) continue;
    const seen = was && is ? "update" : is ? "create" : "delete";
    if (actions.some((action) => action === seen || action === change.action)) return seen;
  }
  return undefined;
}

const before = (change: Change): Thing | undefined =>
  change.action === "create" ? undefined : (change.previous as unknown as Thing);
const now = (change: Change): Thing | undefined => (change.action === "delete" ? undefined : (change.value as unknown as Thing));

const stamped = (thing: Thing | undefined, version: number): Thing | undefined =>
  thing && { ...thing, metadata: { ...thing.metadata, resourceVersion: String(version) } };
