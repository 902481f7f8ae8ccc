/** How long a request's work may go on: until its client leaves or its token is no longer good. */
import { finished } from "node:stream";
import type { Principal } from "../access/access.ts";
import type { Clock } from "../base/clock.ts";
import { DockerError } from "./errors.ts";
import type { DockerAnswer } from "./exchange.ts";

/** Timers can't wait for longer than 24 days: asked to, they end at once. */
export const waitMsMax = 20 * 24 * 3_600_000;

export class Lifetime {
  readonly signal: AbortSignal;
  readonly #over = new AbortController();

  constructor(clock: Clock, { expires }: Principal, request: AbortSignal) {
    if (expires === undefined) {
      this.signal = request;
      return;
    }
    const expired = new AbortController();
    this.signal = AbortSignal.any([request, expired.signal]);
    waitUntil(clock, expires, this.#over.signal).then(
      () => expired.abort(new DockerError(401, "Unauthorized: the token is no longer good")),
      () => undefined, // the work was over first
    );
  }

  /** The work is over when the answer's stream is, if it has one. */
  endWith({ body }: DockerAnswer): void {
    if (body !== null && typeof body === "object" && "pipe" in body) finished(body, () => this.end());
    else this.end();
  }

  end(): void {
    this.#over.abort();
  }
}

/** Resolves at `timeMs`, milliseconds since 1970, however far that is. Rejects with the signal's reason. */
export async function waitUntil(clock: Clock, timeMs: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = timeMs - clock.now(); leftMs > 0; leftMs = timeMs - clock.now()) {
    await clock.sleep(Math.min(leftMs, waitMsMax), signal);
  }
}
