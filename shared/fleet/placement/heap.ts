/** A binary heap: the least item first, by an order that may only change for the item that is taken out. */
export class Heap<T> {
  readonly #items: T[];
  readonly #isLess: (one: T, other: T) => boolean;

  constructor(items: readonly T[], isLess: (one: T, other: T) => boolean) {
    this.#items = [...items];
    this.#isLess = isLess;
    for (let index = (this.#items.length >> 1) - 1; index >= 0; index -= 1) this.#sink(index);
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  /** Puts the first item, whose order has changed, where it belongs. */
  settle(): void {
    this.#sink(0);
  }

  /** Takes the first item out. */
  drop(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    this.#sink(0);
  }

  #sink(start: number): void {
    const items = this.#items;
    const item = items[start];
    if (item === undefined) return;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      let least = items[child];
      if (least === undefined) break;
      const right = items[child + 1];
      if (right !== undefined && this.#isLess(right, least)) {
        child += 1;
        least = right;
      }
      if (!this.#isLess(least, item)) break;
      items[index] = least;
      index = child;
    }
    items[index] = item;
  }
}
