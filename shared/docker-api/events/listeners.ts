/** How many listen to events at once: each has a stream to every node. */

/** A dozen people and their tools; with 1,000 nodes that is 64,000 connections, about as many as a process can have. */
export const listenersMax = 64;

export class Listeners {
  #count = 0;

  /** What comes back is called once, when the listener has left; undefined: there are too many. */
  enter(): (() => void) | undefined {
    if (this.#count >= listenersMax) return undefined;
    this.#count += 1;
    return () => {
      this.#count -= 1;
    };
  }
}
