/**
 * One watcher: an async iterator over its events, in order. It begins in the log (catching up, at its reader's pace) or live
 * (fed by the hub through a bounded queue). A queue that overflows ends the watch with the version to resume from: never a gap.
 */
import { watchQueueMax } from "../base/limits.ts";
import type { WatchEvent } from "./event.ts";
import type { Filter } from "./filter.ts";
import { type Position, versionAt, versionOf } from "./version.ts";

/** Why a watch ended by itself. */
export type WatchEnd =
  /** The reader was too slow, or the process began anew: watch again from `resourceVersion`. */
  | { readonly reason: "overflow" | "restarted"; readonly resourceVersion: string }
  /** What comes after `resourceVersion` can't be had any more: list afresh. */
  | { readonly reason: "gone"; readonly resourceVersion: string; readonly message: string }
  /** The cluster was deleted. */
  | { readonly reason: "sealed"; readonly resourceVersion: string };

/** Thrown by the iterator when the watch did not end by its reader's will. */
export class WatchEndedError extends Error {
  override readonly name = "WatchEndedError";
  readonly end: WatchEnd;
  constructor(end: WatchEnd) {
    super(`watch ended: ${end.reason}; resume from ${end.resourceVersion}`);
    this.end = end;
  }
}

/** Reads on for a watcher that is not live. */
export interface CatchUp {
  /** The last revision that live watchers have seen. */
  readonly revision: number;
  /** Feeds `watch` what follows its position, or makes it live. Ends it when what follows is gone. */
  feed(watch: Watch): Promise<void>;
  /** The reader is done. */
  closed(watch: Watch): void;
}

export class Watch implements AsyncIterable<WatchEvent> {
  readonly filter: Filter;
  live = false;
  /** The last happening that was looked at for this watcher: the hub's mark against asking twice. */
  asked = 0;
  readonly #source: CatchUp;
  readonly #queueMax: number;
  #position: Position;
  #delivered: string;
  #queue: WatchEvent[] = [];
  #next = 0;
  #wake: (() => void) | undefined;
  #end: WatchEnd | undefined;
  #closed = false;

  constructor(filter: Filter, position: Position, source: CatchUp, queueMax: number = watchQueueMax) {
    this.filter = filter;
    this.#position = position;
    this.#delivered = versionOf(position.revision, position.place);
    this.#source = source;
    this.#queueMax = queueMax;
  }

  /** Of a watch that is not live: everything up to here was looked at; what matched is delivered or waits in the queue. */
  get position(): Position {
    return this.#position;
  }

  /** Events that wait for the reader. */
  get queued(): number {
    return this.#queue.length - this.#next;
  }

  /** Why it ended by itself; undefined while it goes on, or when its reader closed it. */
  get end(): WatchEnd | undefined {
    return this.#end;
  }

  get ended(): boolean {
    return this.#closed || this.#end !== undefined;
  }

  /** Where a watch that takes over from here resumes: after the last event that was taken, or later if nothing waits. */
  get progress(): string {
    if (this.queued > 0 || this.#end !== undefined) return this.#delivered;
    return this.live ? versionAt(this.#source.revision) : versionOf(this.#position.revision, this.#position.place);
  }

  /** Takes an event; with the queue full it ends the watch instead. */
  push(event: WatchEvent): void {
    if (this.ended) return;
    if (this.queued >= this.#queueMax) {
      this.endWith({ reason: "overflow", resourceVersion: this.#delivered });
      return;
    }
    this.#queue.push(event);
    this.#wake?.();
  }

  /** While it is not live: everything up to `position` was looked at. */
  advance(position: Position): void {
    this.#position = position;
  }

  /** Ends the watch after what is queued (an overflow drops the queue: its events come again after the resume). */
  endWith(end: WatchEnd): void {
    if (this.ended) return;
    this.#end = end;
    if (end.reason === "overflow") {
      this.#queue = [];
      this.#next = 0;
    }
    this.#source.closed(this);
    this.#wake?.();
  }

  /** Stops the watch; idempotent. A pending `next` ends. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#source.closed(this);
    this.#wake?.();
  }

  /**
   * The next event that is there without waiting; undefined when there is none, also at the end (see `ended`).
   * For readers that write what is there in one go.
   */
  take(): WatchEvent | undefined {
    if (this.#closed) return undefined;
    const event = this.#queue[this.#next];
    if (event === undefined) return undefined;
    this.#next += 1;
    if (this.#next === this.#queue.length) {
      this.#queue = [];
      this.#next = 0;
    }
    this.#delivered = event.resourceVersion;
    return event;
  }

  /** Resolves when `take` has something, or the watch ended. @throws WatchEndedError once everything before the end was taken. */
  async ready(): Promise<void> {
    while (this.queued === 0 && !this.#closed) {
      if (this.#end !== undefined) throw new WatchEndedError(this.#end);
      if (this.live) await this.#woken();
      else await this.#source.feed(this);
    }
  }

  /**
   * As `ready`, for a reader that is one of thousands: waiting for a live watch holds no promise. Calls `over` once and later, at an end
   * too (see `ended`); with an error when reading on fails.
   */
  whenReady(over: (failure?: unknown) => void): void {
    if (this.queued > 0 || this.ended) {
      queueMicrotask(over);
    } else if (this.live) {
      this.#wake = () => {
        this.#wake = undefined;
        // What one entry brings is taken in one go: it is all there when the caller has run.
        queueMicrotask(over);
      };
    } else {
      this.#source.feed(this).then(() => this.whenReady(over), over);
    }
  }

  async *[Symbol.asyncIterator](): AsyncIterator<WatchEvent> {
    try {
      for (;;) {
        await this.ready();
        if (this.#closed) return;
        for (let event = this.take(); event !== undefined; event = this.take()) yield event;
      }
    } finally {
      this.close();
    }
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
