/**
 * Changes on top of a replica that are not committed yet (or, for a view of the past, not undone): the value of each touched key,
 * null where it is absent. A mark and `rollback` make the steps of a run atomic one by one. What was touched of a kind is indexed from its
 * first search on, so that a search costs what it finds, however much was touched before.
 */
import type { JsonObject } from "../base/json.ts";
import type { WindlassObject } from "../kinds/object.ts";
import { BuiltIndexes } from "./built-indexes.ts";
import type { ObjectIndexes } from "./object-indexes.ts";

type Value = JsonObject | null;

/** What was touched of one kind: all keys, also of what is absent now, and by index those of what is there. */
export type Touched = { readonly keys: ReadonlySet<string>; readonly indexes: BuiltIndexes };
type Layer = Touched & { readonly keys: Set<string> };

export class Overlay {
  readonly #values = new Map<string, Value>();
  readonly #journal: { readonly key: string; readonly before: Value | undefined }[] = [];
  /** By the kind's name in keys. */
  readonly #layers = new Map<string, Layer>();

  /** undefined where the key was not touched. */
  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /** It goes on telling what is so later; undefined: nothing of any kind was touched. */
  touched(indexes: ObjectIndexes): Touched | undefined {
    if (this.#values.size === 0) return undefined;
    return this.#layers.get(indexes.plural) ?? this.#search(indexes);
  }

  set(key: string, value: Value): void {
    const before = this.#values.get(key);
    this.#journal.push({ key, before });
    this.#put(key, before, value);
  }

  mark(): number {
    return this.#journal.length;
  }

  /** Undoes everything since `mark`, the newest first. */
  rollback(mark: number): void {
    while (this.#journal.length > mark) {
      const undone = this.#journal.pop();
      if (undone !== undefined) this.#put(undone.key, this.#values.get(undone.key), undone.before);
    }
  }

  #put(key: string, before: Value | undefined, now: Value | undefined): void {
    if (now === undefined) this.#values.delete(key);
    else this.#values.set(key, now);
    if (this.#layers.size === 0) return;
    const layer = this.#layers.get(key.slice(0, key.indexOf("/")));
    if (layer === undefined) return;
    if (now === undefined) layer.keys.delete(key);
    else layer.keys.add(key);
    layer.indexes.move(key, objectOf(before), objectOf(now));
  }

  #search(indexes: ObjectIndexes): Layer {
    const start = `${indexes.plural}/`;
    const keys = new Set<string>();
    for (const key of this.#values.keys()) if (key.startsWith(start)) keys.add(key);
    const layer = { keys, indexes: new BuiltIndexes(indexes, () => this.#objects(keys)) };
    this.#layers.set(indexes.plural, layer);
    return layer;
  }

  *#objects(keys: ReadonlySet<string>): Iterable<readonly [string, WindlassObject]> {
    for (const key of keys) {
      const object = objectOf(this.#values.get(key));
      if (object !== undefined) yield [key, object];
    }
  }
}

/** As in table.ts: only the store writes rows of kinds, and only after its checks. */
const objectOf = (value: Value | undefined): WindlassObject | undefined =>
  value === undefined || value === null ? undefined : (value as unknown as WindlassObject);
