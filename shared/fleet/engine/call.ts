/** What every call of the Engine port takes, and what streams of rows look like. */

export type Call = {
  /** Ends the call; for streams also the stream. The promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the whole answer is there; for streams, until it begins. Absent: the engine's own. */
  readonly timeoutMs?: number;
};

export type StreamCall = Call & {
  /** Milliseconds that the stream may be silent before it fails with EngineTimeoutError. Absent: for ever. */
  readonly idleMs?: number;
};

/** Docker's filters: all names must match, each by any of its values. `{ label: ["a=b"], status: ["running", "paused"] }` */
export type Filters = Readonly<Record<string, readonly string[]>>;

/** A stream of JSON rows, for one reader. Ending the loop ends the stream. */
export interface Rows<Row> extends AsyncIterable<Row> {
  /** Ends the stream, also one that nobody has begun to read or that is waited for. Idempotent. */
  close(): void;
}

/** Bytes that a caller sends: read at the engine's pace, left when the call ends. */
export type ByteSource = AsyncIterable<Uint8Array>;
