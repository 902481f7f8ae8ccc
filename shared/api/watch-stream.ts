/**
 * A watch as the body of an answer: one JSON line an event, written while the transport takes it, so that a slow reader holds back its
 * own watch and nothing else waits in memory but that watch's bounded queue. It ends cleanly when its time or its token is over, when the
 * process stops, and when its reader leaves; then the watch is closed. While nothing happens it is this object and little more: no
 * promise, timer or loop of its own waits.
 */
import type { Clock } from "../base/clock.ts";
import type { PushedBody, Sink } from "../http/exchange.ts";
import type { WindlassObject } from "../kinds/object.ts";
import type { ObjectEvent, WatchEvent } from "../state/event.ts";
import type { Watch, WatchEnd } from "../state/watch.ts";
import type { Sleeper } from "./alarms.ts";
import type { OpenWatches } from "./open-watches.ts";

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
  /** Whether it ends, by a bookmark where they were asked for, when it has told what there was. */
  readonly isPoll?: boolean;
  /** Turns the end of a watch into what its reader is to be told; undefined: nothing, it resumes by itself. */
  readonly errorOf: (end: WatchEnd) => unknown;
};

/** Lines that are there are sent together up to so many bytes. */
const chunkBytesMax = 64 * 1024;
/** A timer lasts 24 days at most; and wall clocks jump, so the token is looked at again after this. */
const alarmMaxMs = 10 * 60_000;

/** What there is to do when nothing can be told now; last: it is over, and this is left to say. */
type Outlook = { readonly is: "waiting" } | { readonly is: "over"; readonly last: Uint8Array | undefined };

const waiting: Outlook = { is: "waiting" };

export class WatchStream implements PushedBody, Sleeper {
  readonly #options: WatchStreamOptions;
  readonly #open: OpenWatches;
  #sink: Sink | undefined;
  /** Of the objects that were there, and the mark of their end. */
  #told = 0;
  readonly #toTell: number;
  #bookmarkAt: number;
  /** When the clock wakes it; undefined: not set. */
  #alarm: number | undefined;
  #isFull = false;
  #isTelling = false;
  #isOver = false;
  #hasLeft = false;
  /** Whether the watch was asked to say when it has something. */
  #awaitsNews = false;
  /** Why no more can be heard, where the watch itself does not say. */
  #failure: unknown;

  constructor(options: WatchStreamOptions, open: OpenWatches) {
    this.#options = options;
    this.#open = open;
    this.#toTell = options.initial.length + (options.endOfInitial === undefined ? 0 : 1);
    this.#bookmarkAt =
      options.bookmarkMs === undefined ? Number.POSITIVE_INFINITY : options.clock.monotonic() + options.bookmarkMs;
    open.add(this);
  }

  begin(sink: Sink): void {
    this.#sink = sink;
    if (this.#isOver) sink.end();
    else this.#goOn();
  }

  drained(): void {
    this.#isFull = false;
    this.#goOn();
  }

  left(): void {
    this.#hasLeft = true;
    this.#finish(undefined);
  }

  /** Its time has come for something. */
  due(): void {
    this.#alarm = undefined;
    this.#goOn();
  }

  /** Ends it after what was handed over. Idempotent. */
  end(): void {
    this.#finish(undefined);
  }

  #finish(last: Uint8Array | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#open.delete(this);
    this.#setAlarm(undefined);
    this.#options.watch.close();
    if (this.#hasLeft) return;
    if (last !== undefined) this.#sink?.write(last);
    this.#sink?.end();
  }

  /** Writes what there is, until it must wait or is over. A line that can't be made is a bug: the reader is told so, and the watch is closed. */
  #goOn(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#isOver || this.#isTelling) return;
    this.#isTelling = true;
    const outlook = this.#tell(sink);
    this.#isTelling = false;
    if (outlook.is === "over") this.#finish(outlook.last);
    else this.#await();
  }

  #tell(sink: Sink): Outlook {
    try {
      return this.#tellAll(sink);
    } catch (error) {
      return { is: "over", last: this.#options.lines.failed(error) };
    }
  }

  #tellAll(sink: Sink): Outlook {
    let hasTold = false;
    while (!this.#isOver) {
      if (this.#isPast()) return { is: "over", last: this.#bookmark() };
      if (this.#isFull) return waiting;
      const bytes = this.#next();
      if (bytes === undefined) return this.#outlook(hasTold);
      this.#isFull = !sink.write(bytes);
      hasTold = true;
    }
    return waiting;
  }

  #isPast(): boolean {
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

  /** When all that is there was told. An end that the reader can't resume from is an error to it; any other is no more than an end. */
  #outlook(hasTold: boolean): Outlook {
    const { errorOf, isPoll, lines, watch } = this.#options;
    if (hasTold && isPoll === true) return { is: "over", last: this.#bookmark() };
    const { end } = watch;
    if (end === undefined && this.#failure === undefined) return waiting;
    const error = this.#failure ?? (end && errorOf(end));
    return { is: "over", last: error === undefined ? this.#bookmark() : lines.failed(error) };
  }

  /** Waits for news, and for what is due by the clock. A reader that takes nothing can be told nothing new: then only its end is waited for. */
  #await(): void {
    if (this.#isOver) return;
    if (!this.#isFull) this.#hearNews();
    const { clock, endsMs, expires } = this.#options;
    const now = clock.monotonic();
    const tokenAt = expires === undefined ? Number.POSITIVE_INFINITY : now + expires - clock.now();
    const bookmarkAt = this.#isFull ? Number.POSITIVE_INFINITY : this.#bookmarkAt;
    const at = Math.min(bookmarkAt, endsMs, tokenAt, now + alarmMaxMs);
    // One that rings too early does no harm.
    if (this.#alarm === undefined || at < this.#alarm) this.#setAlarm(at);
  }

  #hearNews(): void {
    if (this.#awaitsNews) return;
    this.#awaitsNews = true;
    this.#options.watch.whenReady((failure) => {
      this.#awaitsNews = false;
      this.#failure = failure;
      this.#goOn();
    });
  }

  #setAlarm(at: number | undefined): void {
    const { alarms } = this.#open;
    if (this.#alarm !== undefined) alarms.clear(this, this.#alarm);
    this.#alarm = at === undefined ? undefined : alarms.set(this, at);
  }
}
