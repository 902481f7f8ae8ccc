/**
 * Names of containers by their engine's id, kept beyond their objects: an event that is told late, or again, still has the name that the
 * container had. Of this process only; the names of tasks stand in a label, too.
 */

/** About 150 bytes each. */
const namesMax = 10_000;

export class NameMemory {
  /** The one used longest ago first. */
  readonly #names = new Map<string, string>();

  get(id: string): string | undefined {
    return this.#names.get(id);
  }

  set(id: string, name: string): void {
    this.#names.delete(id);
    this.#names.set(id, name);
    if (this.#names.size <= namesMax) return;
    const first = this.#names.keys().next();
    if (first.done === false) this.#names.delete(first.value);
  }
}
