/**
 * What a process has written, as the engine's log keeps it, and streams of it that take no more than their readers do. The log is
 * bounded: its oldest pieces go, as with a log driver that rotates.
 */
import { Readable } from "node:stream";
import { frame, type StreamName } from "../engine/frames.ts";

export type Piece = { readonly stream: StreamName; readonly text: string; readonly atMs: number };

const piecesMax = 20_000;

export class Output {
  readonly #pieces: Piece[] = [];
  readonly #waiting = new Set<() => void>();
  #dropped = 0;
  #hasEnded = false;

  /** Places of pieces grow for ever; those below are gone. */
  get first(): number {
    return this.#dropped;
  }
  get next(): number {
    return this.#dropped + this.#pieces.length;
  }
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  at(place: number): Piece | undefined {
    return this.#pieces[place - this.#dropped];
  }

  write(piece: Piece): void {
    this.#pieces.push(piece);
    if (this.#pieces.length > piecesMax) this.#dropped += this.#pieces.splice(0, piecesMax / 2).length;
    this.#wake();
  }

  /** No more is written until `begin`. */
  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  begin(): void {
    this.#hasEnded = false;
  }

  /** Called once, at the next piece or end. What comes back takes it out. */
  once(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

export type ReadOptions = {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly isTty: boolean;
  readonly timestamps?: boolean;
  /** The first piece's place. */
  readonly from: number;
  /** Whether the stream waits for what is still to be written. */
  readonly follow: boolean;
};

export class OutputReader extends Readable {
  readonly #output: Output;
  readonly #options: ReadOptions;
  #place: number;
  #stopWaiting: (() => void) | undefined;

  constructor(output: Output, options: ReadOptions) {
    super();
    this.#output = output;
    this.#options = options;
    this.#place = options.from;
    this.on("error", () => undefined); // a reader who has left already must not fail the process
  }

  override _read(): void {
    this.#stopWaiting?.();
    this.#place = Math.max(this.#place, this.#output.first);
    for (let piece = this.#output.at(this.#place); piece !== undefined; piece = this.#output.at(this.#place)) {
      this.#place += 1;
      if (this.#options[piece.stream] && !this.push(bytesOf(piece, this.#options))) return;
    }
    if (!this.#options.follow || this.#output.hasEnded) this.push(null);
    else this.#stopWaiting = this.#output.once(() => this._read());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stopWaiting?.();
    done(error);
  }
}

function bytesOf({ stream, text, atMs }: Piece, { isTty, timestamps }: ReadOptions): Uint8Array {
  const bytes = Buffer.from((timestamps ? `${new Date(atMs).toISOString()} ` : "") + text);
  return isTty ? bytes : frame({ stream, bytes });
}
