/** The watches that are open in this process, so that it can end them, and what wakes them. */
import type { Clock } from "../base/clock.ts";
import { Alarms } from "./alarms.ts";

type OpenWatch = { end(): void };

export class OpenWatches {
  /** For what they do by the clock. */
  readonly alarms: Alarms;
  readonly #open = new Set<OpenWatch>();
  #ended = false;

  constructor(clock: Clock) {
    this.alarms = new Alarms(clock);
  }

  get size(): number {
    return this.#open.size;
  }

  add(stream: OpenWatch): void {
    if (this.#ended) stream.end();
    else this.#open.add(stream);
  }

  delete(stream: OpenWatch): void {
    this.#open.delete(stream);
  }

  /** Ends all that are open, and from now on each new one at once. */
  endAll(): void {
    this.#ended = true;
    for (const stream of [...this.#open]) stream.end();
  }
}
