/**
 * A watch as the body of an answer: one JSON line an event, pulled by the transport, so that a slow reader holds back its own watch
 * and nothing else waits in memory but that watch's bounded queue. It ends cleanly when its time or its token is over, when the
 * process stops, and when its reader leaves; then the watch is closed.
 */
import type { Clock } from "../base/clock.ts";
import type { WindlassObject } from "../kinds/object.ts";
import type { ObjectEvent, WatchEvent } from "../state/event.ts";
import { type Watch, WatchEndedError } from "../state/watch.ts";

/** How events look. Each gives one line, with its line break. */
export type EventLines = {
  added(object: WindlassObject): Uint8Array;
  changed(event: ObjectEvent): Uint8Array;
  bookmark(resourceVersion: string): Uint8Array;
  failed(error: unknown): Uint8Array;
};

export type WatchStreamOptions = {
  readonly watch: Watch;
  /** Told as added before anything else. */
  readonly initial: readonly WindlassObject[];
  /** Told after those; absent: nothing marks their end. */
  readonly endOfInitial?: Uint8Array;
  readonly lines: EventLines;
  readonly clock: Clock;
  /** When the watch ends, by the monotonic clock. */
  readonly endsMs: number;
  /** When its token does, in milliseconds since 1970. */
  readonly expires: number | undefined;
  /** undefined: none were asked for. */
  readonly bookmarkMs: number | undefined;
  /** Turns the end of a watch into what its reader is to be told; undefined: nothing, it resumes by itself. */
  readonly errorOf: (ended: WatchEndedError) => unknown;
};

/** Lines that are there are sent together up to so many bytes. */
const chunkBytesMax = 64 * 1024;
/** A timer lasts 24 days at most; and wall clocks jump, so the token is looked at again after this. */
const alarmMaxMs = 10 * 60_000;

/** The streams that are open in this process, so that it can end them. */
export class OpenWatches {
  readonly #open = new Set<WatchStream>();
  #ended = false;

  get size(): number {
    return this.#open.size;
  }

  add(stream: WatchStream): void {
    if (this.#ended) stream.end();
    else this.#open.add(stream);
  }

  delete(stream: WatchStream): void {
    this.#open.delete(stream);
  }

  /** Ends all that are open, and from now on each new one at once. */
  endAll(): void {
    this.#ended = true;
    for (const stream of [...this.#open]) stream.end();
  }
}

export class WatchStream {
  readonly #options: WatchStreamOptions;
  readonly #open: OpenWatches;
  readonly #stop = new AbortController();
  /** Of the objects that were there, and the mark of their end. */
  #told = 0;
  readonly #toTell: number;
  #bookmarkAt: number;
  #ready: Promise<void> | undefined;
  #alarm: Promise<void> | undefined;
  #failure: unknown;
  /** The reader has left: the stream is closed already. */
  #cancelled = false;

  constructor(options: WatchStreamOptions, open: OpenWatches) {
    this.#options = options;
    this.#open = open;
    this.#toTell = options.initial.length + (options.endOfInitial === undefined ? 0 : 1);
    this.#bookmarkAt =
      options.bookmarkMs === undefined ? Number.POSITIVE_INFINITY : options.clock.monotonic() + options.bookmarkMs;
    open.add(this);
  }

  /** The body. Nothing is read from the watch before the transport asks. */
  readable(): ReadableStream<Uint8Array> {
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => this.#pull(controller);
    const cancel = () => {
      this.#cancelled = true;
      this.end();
    };
    return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
  }

  /** Ends it after what was handed over. Idempotent. */
  end(): void {
    this.#open.delete(this);
    this.#stop.abort();
    this.#options.watch.close();
  }

  /** A line that can't be made is a bug: the reader is told so, and the watch is closed. */
  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      await this.#handOver(controller);
    } catch (error) {
      this.#close(controller, this.#options.lines.failed(error));
    }
  }

  /** Hands over what there is, or waits for it. */
  async #handOver(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (;;) {
      if (this.#cancelled) return;
      if (this.#stop.signal.aborted) return controller.close();
      if (this.#isOver()) return this.#close(controller, this.#bookmark());
      const bytes = this.#next();
      if (bytes !== undefined) return controller.enqueue(bytes);
      if (this.#failure !== undefined) return this.#close(controller, this.#lastWords());
      await Promise.race([this.#news(), this.#due()]);
    }
  }

  #close(controller: ReadableStreamDefaultController<Uint8Array>, last: Uint8Array | undefined): void {
    if (last !== undefined) controller.enqueue(last);
    controller.close();
    this.end();
  }

  #isOver(): boolean {
    const { clock, endsMs, expires } = this.#options;
    return clock.monotonic() >= endsMs || (expires !== undefined && clock.now() >= expires);
  }

  /** A bookmark that is due, else the lines that are there; undefined when there is nothing. */
  #next(): Uint8Array | undefined {
    const { clock, bookmarkMs, watch } = this.#options;
    if (bookmarkMs !== undefined && clock.monotonic() >= this.#bookmarkAt) {
      this.#bookmarkAt = clock.monotonic() + bookmarkMs;
      const bookmark = this.#bookmark();
      if (bookmark !== undefined) return bookmark;
    }
    if (this.#told === this.#toTell && watch.queued === 1) return this.#line(watch.take());
    const lines: Uint8Array[] = [];
    for (let bytes = 0; bytes < chunkBytesMax; ) {
      const line = this.#take();
      if (line === undefined) break;
      lines.push(line);
      bytes += line.length;
    }
    return lines.length === 0 ? undefined : Buffer.concat(lines);
  }

  #take(): Uint8Array | undefined {
    const { initial, endOfInitial, lines, watch } = this.#options;
    if (this.#told === this.#toTell) return this.#line(watch.take());
    const object = initial[this.#told];
    this.#told += 1;
    return object === undefined ? endOfInitial : lines.added(object);
  }

  #line(event: WatchEvent | undefined): Uint8Array | undefined {
    return event === undefined || event.type === "commit" ? undefined : this.#options.lines.changed(event);
  }

  /** How far the watch has come; undefined when none were asked for, or the beginning is not told yet. */
  #bookmark(): Uint8Array | undefined {
    const { bookmarkMs, lines, watch } = this.#options;
    return bookmarkMs === undefined || this.#told < this.#toTell ? undefined : lines.bookmark(watch.progress);
  }

  /** An end that the reader can't resume from is an error to it; any other is no more than an end. */
  #lastWords(): Uint8Array | undefined {
    const { errorOf, lines } = this.#options;
    const error = this.#failure instanceof WatchEndedError ? errorOf(this.#failure) : this.#failure;
    return error === undefined ? this.#bookmark() : lines.failed(error);
  }

  /** Resolves when the watch has something or has ended. One wait at a time: a watch wakes one. */
  #news(): Promise<void> {
    this.#ready ??= this.#options.watch.ready().then(
      () => {
        this.#ready = undefined;
      },
      (error: unknown) => {
        this.#ready = undefined;
        this.#failure = error;
      },
    );
    return this.#ready;
  }

  /** Resolves when something is due by the clock. */
  #due(): Promise<void> {
    const { clock, endsMs, expires } = this.#options;
    const now = clock.monotonic();
    const tokenMs = expires === undefined ? Number.POSITIVE_INFINITY : expires - clock.now();
    const ms = Math.max(0, Math.min(this.#bookmarkAt - now, endsMs - now, tokenMs, alarmMaxMs));
    const over = () => {
      this.#alarm = undefined;
    };
    // Aborted when the stream ends; the loop sees that.
    this.#alarm ??= clock.sleep(ms, this.#stop.signal).then(over, over);
    return this.#alarm;
  }
}
