/** A map that is also read in the order of its keys' bytes; it sorts when it is read so, and only if keys came or went since. */
import { compareKeys } from "../key-order.ts";

export class SortedMap<V> {
  readonly #values = new Map<string, V>();
  #sorted: readonly string[] | undefined;

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    const { size } = this.#values;
    this.#values.set(key, value);
    if (this.#values.size !== size) this.#sorted = undefined;
  }

  delete(key: string): boolean {
    const there = this.#values.delete(key);
    if (there) this.#sorted = undefined;
    return there;
  }

  /** Values whose key starts with `prefix` and lies above `after`, in the order of their keys. */
  *range(prefix: string, after: string | undefined): Generator<V> {
    this.#sorted ??= [...this.#values.keys()].sort(compareKeys);
    const sorted = this.#sorted;
    const inside = after !== undefined && compareKeys(after, prefix) >= 0;
    const from = inside ? placeOf(sorted, after, 1) : placeOf(sorted, prefix, 0);
    for (let place = from; place < sorted.length; place++) {
      const key = sorted[place];
      if (key === undefined || !key.startsWith(prefix)) return;
      const value = this.#values.get(key);
      if (value !== undefined) yield value;
    }
  }
}

/** The place of the first key at (`least` 0) or above (`least` 1) `bound`. */
function placeOf(sorted: readonly string[], bound: string, least: 0 | 1): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(sorted[middle] ?? "", bound) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
