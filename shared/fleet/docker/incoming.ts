/**
 * An answer's body as it comes: a Readable that takes from the engine no more than its reader does, fails with the port's errors
 * where the connection is cut or silent, and ends the engine's side when it is destroyed.
 */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { StreamCall } from "../engine/call.ts";
import { Watchdog } from "../engine/watchdog.ts";
import { EngineAnswerError, EngineCutError, EngineTimeoutError } from "../engine-errors.ts";
import { holdTo, type Wire, type WireAnswer } from "./wire.ts";

/** An answer that is read whole: `docker ps` has about a kilobyte a container. */
const answerBytesMax = 64 * 1024 * 1024;

export class Incoming extends Readable {
  readonly #response: IncomingMessage;
  readonly #watchdog: Watchdog | undefined;

  constructor(wire: Wire, what: string, { response }: WireAnswer, { signal, idleMs }: StreamCall) {
    super();
    this.#response = response;
    const silent = () => this.destroy(new EngineTimeoutError(wire.address, `silence of ${what}`, idleMs ?? 0));
    this.#watchdog = idleMs === undefined ? undefined : new Watchdog(wire.clock, idleMs, silent);
    response.pause();
    response.on("data", (chunk: Buffer) => {
      this.#watchdog?.touch();
      if (this.push(chunk)) return;
      response.pause();
      this.#watchdog?.pause(true);
    });
    response.once("end", () => this.push(null));
    response.once("error", (cause) => this.destroy(new EngineCutError(wire.address, what, cause)));
    response.once("close", () => {
      if (!response.complete) this.destroy(new EngineCutError(wire.address, what));
    });
    this.on("error", () => undefined); // a reader meets it when it reads; one who has left already must not fail the process
    holdTo(signal, this);
  }

  override _read(): void {
    this.#watchdog?.pause(false);
    this.#response.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#watchdog?.stop();
    this.#response.destroy();
    done(error);
  }
}

/** The whole of an answer as text, in the time that was given for it. @throws EngineAnswerError when it is larger than `bytesMax`. */
export async function readWhole(
  wire: Wire,
  what: string,
  answer: WireAnswer,
  { signal, bytesMax = answerBytesMax }: StreamCall & { readonly bytesMax?: number },
): Promise<string> {
  const body = new Incoming(wire, what, answer, signal === undefined ? {} : { signal });
  using _late = new Watchdog(wire.clock, answer.timeoutMs, () =>
    body.destroy(new EngineTimeoutError(wire.address, what, answer.timeoutMs)),
  );
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > bytesMax) throw new EngineAnswerError(wire.address, what, `it has over ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
