/**
 * One stream of bytes for several readers, at the pace of the slowest, one chunk at a time. A reader who leaves is no longer waited for,
 * nor is one who takes no chunk for too long: it fails, and the others go on.
 */
import type { Clock } from "../../base/clock.ts";

export type TeeOptions = {
  readonly source: AsyncIterable<Uint8Array>;
  readonly readers: number;
  readonly clock: Clock;
  /** Milliseconds that a reader may take for a chunk. */
  readonly stallMs: number;
};

/** `signal` aborts when its reader was given up: what it waits for elsewhere is to end, too. */
export type TeeReader = AsyncIterable<Uint8Array> & { readonly signal: AbortSignal };

/** A stream for each reader; the source is read once all have asked, and left when all have gone. */
export function tee({ source, readers, clock, stallMs }: TeeOptions): readonly TeeReader[] {
  const branches = Array.from({ length: readers }, () => new Branch());
  void feed(branches, source, { clock, stallMs });
  return branches;
}

async function feed(
  branches: readonly Branch[],
  source: AsyncIterable<Uint8Array>,
  { clock, stallMs }: Pick<TeeOptions, "clock" | "stallMs">,
): Promise<void> {
  try {
    for await (const chunk of source) {
      await takenBy(branches, clock, stallMs);
      const listening = branches.filter((branch) => !branch.isOver);
      if (listening.length === 0) return;
      for (const branch of listening) branch.give(chunk);
    }
    for (const branch of branches) branch.end();
  } catch (error) {
    for (const branch of branches) branch.end(error);
  }
}

/** Until each wants the next chunk; those that do not in time are over. */
async function takenBy(branches: readonly Branch[], clock: Clock, stallMs: number): Promise<void> {
  const stop = new AbortController();
  const late = clock.sleep(stallMs, stop.signal).then(
    () => true,
    () => false,
  );
  const all = Promise.all(branches.map((branch) => branch.wanting())).then(() => false);
  if (await Promise.race([all, late])) {
    const error = new Error(`it took no bytes for ${stallMs} ms`);
    for (const branch of branches) if (!branch.isWanting) branch.end(error);
  }
  stop.abort();
}

type Result = IteratorResult<Uint8Array, undefined>;

class Branch implements AsyncIterableIterator<Uint8Array> {
  #asked: PromiseWithResolvers<Result> | undefined;
  #wanting = Promise.withResolvers<void>();
  #end: { readonly error: unknown } | undefined;
  readonly #givenUp = new AbortController();

  get signal(): AbortSignal {
    return this.#givenUp.signal;
  }
  get isOver(): boolean {
    return this.#end !== undefined;
  }
  get isWanting(): boolean {
    return this.#asked !== undefined || this.isOver;
  }

  /** Resolves when it waits for a chunk, or is over. */
  wanting(): Promise<void> {
    return this.#wanting.promise;
  }

  give(value: Uint8Array): void {
    const asked = this.#asked;
    this.#asked = undefined;
    this.#wanting = Promise.withResolvers();
    asked?.resolve({ done: false, value });
  }

  /** undefined: in order. */
  end(error?: unknown): void {
    this.#end ??= { error };
    if (error !== undefined) this.#givenUp.abort(error);
    this.#wanting.resolve();
    if (this.#asked !== undefined) settle(this.#asked, this.#end);
    this.#asked = undefined;
  }

  next(): Promise<Result> {
    const asked = Promise.withResolvers<Result>();
    if (this.#end !== undefined) settle(asked, this.#end);
    else {
      this.#asked = asked;
      this.#wanting.resolve();
    }
    return asked.promise;
  }

  async return(): Promise<Result> {
    this.end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function settle(asked: PromiseWithResolvers<Result>, { error }: { readonly error: unknown }): void {
  if (error === undefined) asked.resolve({ done: true, value: undefined });
  else asked.reject(error);
}
