/**
 * Looks at single nodes that are wanted soon: those that are asked for together are looked at together, a node is in one look at a time,
 * and one that is asked for meanwhile is looked at again afterwards.
 */

/** Looks at once: a node that hangs holds up only those that came with it. */
const looksMax = 16;

export class Looks {
  readonly #look: (names: readonly string[]) => Promise<void>;
  readonly #wanted = new Set<string>();
  readonly #looked = new Set<string>();
  readonly #going = new Set<Promise<void>>();

  /** `look` never rejects. */
  constructor(look: (names: readonly string[]) => Promise<void>) {
    this.#look = look;
  }

  want(names: Iterable<string>): void {
    for (const name of names) this.#wanted.add(name);
    this.#begin();
  }

  /** Resolves when all that were wanted until then are over. */
  async idle(): Promise<void> {
    while (this.#going.size > 0) await Promise.all(this.#going);
  }

  #begin(): void {
    const names = [...this.#wanted].filter((name) => !this.#looked.has(name));
    if (names.length === 0 || this.#going.size >= looksMax) return;
    for (const name of names) {
      this.#wanted.delete(name);
      this.#looked.add(name);
    }
    const going = this.#look(names).finally(() => {
      for (const name of names) this.#looked.delete(name);
      this.#going.delete(going);
      this.#begin();
    });
    this.#going.add(going);
  }
}
