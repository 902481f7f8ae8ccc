/** Rows of a simulated engine: as many as their reader takes, ended by it, by the signal, by silence or by a cut. */
import type { Clock } from "../../base/clock.ts";
import type { Rows, StreamCall } from "../engine/call.ts";
import { Watchdog } from "../engine/watchdog.ts";
import { EngineCutError, EngineTimeoutError } from "../engine-errors.ts";
import type { Faults } from "./faults.ts";

/** Rows that wait for their reader; one more cuts it off, as an engine's full buffers do in the end. */
const rowsMax = 10_000;

export type FeedOptions = {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly address: string;
  readonly what: string;
  readonly call: StreamCall;
  readonly onClose?: () => void;
};

export class Feed<Row> implements Rows<Row> {
  readonly #options: FeedOptions;
  readonly #rows: Row[] = [];
  readonly #watchdog: Watchdog | undefined;
  readonly #release: () => void;
  readonly #leave: () => void;
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(options: FeedOptions) {
    const { clock, faults, address, what, call } = options;
    const { signal, idleMs } = call;
    this.#options = options;
    this.#leave = () => this.#finish({ error: signal?.reason });
    this.#release = faults.hold((cause) => this.#finish({ error: new EngineCutError(address, what, cause) }));
    const silent = () => this.#finish({ error: new EngineTimeoutError(address, `silence of ${what}`, idleMs ?? 0) });
    this.#watchdog = idleMs === undefined ? undefined : new Watchdog(clock, idleMs, silent);
    signal?.addEventListener("abort", this.#leave, { once: true });
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  push(row: Row): void {
    this.#watchdog?.touch();
    this.#rows.push(row);
    if (this.#rows.length > rowsMax) this.#finish({ error: new EngineCutError(this.#options.address, this.#options.what) });
    this.#wake?.();
  }

  /** After its last row; with an error, it throws that then. */
  end(error?: unknown): void {
    this.#finish(error === undefined ? {} : { error });
  }

  close(): void {
    this.#finish({ error: new EngineCutError(this.#options.address, this.#options.what, new Error("its reader has left")) });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    try {
      for (;;) {
        const row = this.#rows.shift();
        if (row !== undefined) yield row;
        else if (this.#end === undefined)
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        else if ("error" in this.#end) throw this.#end.error;
        else return;
      }
    } finally {
      this.#finish({});
    }
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#watchdog?.stop();
    this.#release();
    this.#options.call.signal?.removeEventListener("abort", this.#leave);
    this.#options.onClose?.();
    this.#wake?.();
  }
}
