/**
 * Connections that have said nothing yet: each is held until its first byte, which tells what is spoken on it, for a bounded
 * time and in a bounded number. Beyond the number the one that is silent for longest goes, so that silent ones can't keep out
 * those who speak.
 */
import type { Socket } from "node:net";

export type FirstByteOptions = { readonly timeoutMs: number; readonly waitingMax: number };

export class FirstByte {
  readonly #options: FirstByteOptions;
  /** In the order of their arrival, each with its timer. */
  readonly #waiting = new Map<Socket, NodeJS.Timeout>();

  constructor(options: FirstByteOptions) {
    this.#options = options;
  }

  /**
   * Calls `then` with the first byte, which is still to be read from the socket. Not called when the socket ends or stays
   * silent.
   */
  wait(socket: Socket, then: (byte: number) => void): void {
    const destroy = (): void => void socket.destroy();
    const onReadable = (): void => {
      // null also at the end of a connection that said nothing: `end` follows.
      const [byte] = (socket.read(1) as Buffer | null) ?? [];
      if (byte === undefined) return;
      forget();
      socket.unshift(Buffer.of(byte));
      then(byte);
    };
    const forget = (): void => {
      clearTimeout(this.#waiting.get(socket));
      this.#waiting.delete(socket);
      socket.off("readable", onReadable).off("end", destroy).off("close", forget);
    };
    this.#waiting.set(socket, setTimeout(destroy, this.#options.timeoutMs));
    socket.on("readable", onReadable).on("end", destroy).on("close", forget);
    const [longest] = this.#waiting.keys();
    if (this.#waiting.size > this.#options.waitingMax) longest?.destroy();
  }

  /** Ends all that wait. */
  close(): void {
    for (const socket of this.#waiting.keys()) socket.destroy();
  }
}
