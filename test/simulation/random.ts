/** Pseudo-random numbers that are a pure function of a seed, a stream for each actor: what one draws does not shift the others. */

export class Random {
  #state: number;

  constructor(seed: string) {
    // FNV-1a: streams of similar names begin far apart once mixed.
    let hash = 0x811c9dc5;
    for (let place = 0; place < seed.length; place += 1) hash = Math.imul(hash ^ seed.charCodeAt(place), 0x01000193);
    this.#state = hash >>> 0;
  }

  /** In [0, 1). mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** In [0, end). */
  int(end: number): number {
    return Math.floor(this.next() * end);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)] as T;
  }

  /** Between `least` and `most`, small ones as likely as large ones. */
  scaled(least: number, most: number): number {
    return least * (most / least) ** this.next();
  }
}
