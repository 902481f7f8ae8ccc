/** Cuts off connections whose peer takes nothing of what waits for it: what waits would stay in memory as long as the peer likes. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

type Progress = { readonly sent: number; readonly sinceMs: number };

export class Stalls {
  readonly #stallMs: number;
  readonly #timer: NodeJS.Timeout;
  /** undefined: nothing waited when it was last looked at. */
  readonly #sockets = new Map<Duplex, Progress | undefined>();

  /** Looks every `checkMs`; a peer may be idle for `stallMs` and that. */
  constructor({ stallMs, checkMs }: { readonly stallMs: number; readonly checkMs: number }) {
    this.#stallMs = stallMs;
    this.#timer = setInterval(() => this.#look(performance.now()), checkMs).unref();
  }

  watch(socket: Socket): void {
    this.#sockets.set(socket, undefined);
    socket.on("close", () => this.#sockets.delete(socket));
  }

  /** Its reader may pause as long as it likes: whoever writes to it waits for it. */
  forget(socket: Duplex): void {
    this.#sockets.delete(socket);
  }

  /** After `forget`, for a connection that goes on. */
  resume(socket: Duplex): void {
    if (!socket.destroyed) this.#sockets.set(socket, undefined);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(nowMs: number): void {
    for (const [socket, before] of this.#sockets) {
      const progress = progressOf(socket as Socket, before, nowMs);
      if (progress !== undefined && nowMs - progress.sinceMs >= this.#stallMs) socket.destroy();
      else this.#sockets.set(socket, progress);
    }
  }
}

function progressOf(socket: Socket, before: Progress | undefined, nowMs: number): Progress | undefined {
  if (socket.writableLength === 0) return undefined;
  const sent = socket.bytesWritten - socket.writableLength;
  return before?.sent === sent ? before : { sent, sinceMs: nowMs };
}
