/**
 * Changes on top of a replica that are not committed yet (or, for a view of the past, not undone): the value of each touched key,
 * null where it is absent. A mark and `rollback` make the steps of a run atomic one by one.
 */
import type { JsonObject } from "../base/json.ts";

type Value = JsonObject | null;

export class Overlay {
  readonly #values = new Map<string, Value>();
  readonly #journal: { readonly key: string; readonly before: Value | undefined }[] = [];

  get empty(): boolean {
    return this.#values.size === 0;
  }

  /** undefined where the key was not touched. */
  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  entries(): IterableIterator<[string, Value]> {
    return this.#values.entries();
  }

  set(key: string, value: Value): void {
    this.#journal.push({ key, before: this.#values.get(key) });
    this.#values.set(key, value);
  }

  mark(): number {
    return this.#journal.length;
  }

  /** Undoes everything since `mark`, the newest first. */
  rollback(mark: number): void {
    while (this.#journal.length > mark) {
      const undone = this.#journal.pop();
      if (undone?.before === undefined) this.#values.delete(undone?.key ?? "");
      else this.#values.set(undone.key, undone.before);
    }
  }
}
