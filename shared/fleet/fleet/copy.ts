/**
 * Bytes between a container's stream and whoever listens: output is taken apart into stdout and stderr (a terminal's is all stdout), input
 * is passed on and closed. Each side goes at the other's pace, and whoever leaves ends the whole.
 */
import { once } from "node:events";
import type { Duplex, Readable, Writable } from "node:stream";
import { aborted } from "../../base/aborted.ts";
import { pieces, type StreamName } from "../engine/frames.ts";

/** Where output goes; absent: that part is dropped. They are not ended. */
export type Sink = { readonly stdout?: Writable | undefined; readonly stderr?: Writable | undefined };

/** A listener that left before the container's output ended. */
export class ListenerLeftError extends Error {
  override readonly name = "ListenerLeftError";
  constructor(cause: unknown) {
    super("who the output was for has left", { cause });
  }
}

/** Until the output ends. @throws ListenerLeftError; what the stream failed with. */
export async function copyOut(
  source: Readable,
  { isTty, sink }: { readonly isTty: boolean; readonly sink: Sink },
): Promise<void> {
  using stdout = new Outlet(sink.stdout);
  using stderr = new Outlet(sink.stderr);
  const outlets: Readonly<Record<StreamName, Outlet>> = { stdout, stderr };
  // Who leaves is noticed at once: a container may say nothing for days.
  for (const { over } of [stdout, stderr]) void aborted(over).then(() => source.destroy(new ListenerLeftError(over.reason)));
  // Leaving the loop, by an error too, destroys the source, and with it the engine's side.
  if (isTty) for await (const bytes of source) await stdout.put(bytes as Uint8Array);
  else for await (const { stream, bytes } of pieces(source)) await outlets[stream].put(bytes);
}

/** Until there is no more input, which is told to the container; or until its stream is over, when the input is left. */
export async function copyIn(stdin: AsyncIterable<Uint8Array>, stream: Duplex): Promise<void> {
  using outlet = new Outlet(stream);
  const input = stdin[Symbol.asyncIterator]();
  for (;;) {
    const next = await outlet.orOver(input.next());
    if (next === undefined) return void input.return?.().catch(() => undefined);
    if (next.done === true) return void stream.end();
    await outlet.put(next.value);
  }
}

/** A Writable that says when it is over, so that nobody waits for it to drain then. */
class Outlet implements Disposable {
  readonly #writable: Writable | undefined;
  readonly #over = new AbortController();
  readonly #end = (error?: unknown): void => this.#over.abort(error instanceof Error ? error : new Error("it was closed"));

  constructor(writable: Writable | undefined) {
    this.#writable = writable;
    writable?.once("close", this.#end).once("error", this.#end);
    if (writable?.destroyed === true) this.#end();
  }

  /** Aborts when it is over, with the reason. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** undefined: it was over first. A promise of its own each time: one for all would keep every value that came before it. */
  async orOver<T>(value: Promise<T>): Promise<T | undefined> {
    const { promise: over, resolve } = Promise.withResolvers<undefined>();
    const leave = (): void => resolve(undefined);
    if (this.over.aborted) leave();
    this.over.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([value, over]);
    } finally {
      this.over.removeEventListener("abort", leave);
    }
  }

  async put(bytes: Uint8Array): Promise<void> {
    const writable = this.#writable;
    if (writable === undefined) return;
    if (this.#over.signal.aborted) throw new ListenerLeftError(this.#over.signal.reason);
    if (writable.write(bytes)) return;
    try {
      await once(writable, "drain", { signal: this.#over.signal });
    } catch (error) {
      throw new ListenerLeftError(this.#over.signal.reason ?? error);
    }
  }

  [Symbol.dispose](): void {
    this.#writable?.off("close", this.#end).off("error", this.#end);
  }
}
