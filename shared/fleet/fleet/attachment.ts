/** Being attached to a container, or to an exec: its streams, copied until it ends or somebody closes. The source's CloseWaiter. */
import type { Duplex } from "node:stream";
import { copyIn, copyOut, type Sink } from "./copy.ts";

export type AttachStreams = Sink & {
  /** Its end closes the container's stdin. Absent: stdin is left alone. */
  readonly stdin?: AsyncIterable<Uint8Array>;
};

export class Attachment implements AsyncDisposable {
  readonly #stream: Duplex;
  readonly #output: Promise<void>;
  #isClosed = false;

  /** `wrap`: says of a failure whose it is. */
  constructor(stream: Duplex, options: AttachStreams & { readonly isTty: boolean; readonly wrap: (error: unknown) => unknown }) {
    const { isTty, stdin, wrap } = options;
    this.#stream = stream;
    this.#output = copyOut(stream, { isTty, sink: options }).catch((error: unknown) => {
      if (!this.#isClosed) throw wrap(error);
    });
    this.#output.catch(() => undefined); // whoever waits is told
    // Input that fails ends the attachment; input that goes on after the output's end is left.
    if (stdin !== undefined) copyIn(stdin, stream).catch((error: unknown) => void stream.destroy(error as Error));
  }

  /** Until its output ends, or it is closed. @throws NodeError, ListenerLeftError */
  wait(): Promise<void> {
    return this.#output;
  }

  /** Detaches; the container goes on. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#output.catch(() => undefined);
  }
}
