/** How long a request's work may go on: until its client leaves or its token is no longer good. */
import { finished } from "node:stream";
import type { Principal } from "../access/access.ts";
import type { Clock } from "../base/clock.ts";
import { DockerError } from "./errors.ts";
import type { DockerAnswer } from "./exchange.ts";

/** Timers can't wait for longer than 24 days. */
const waitMsMax = 24 * 3_600_000;

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
    this.#untilExpired(clock, expires).then(
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

  async #untilExpired(clock: Clock, expires: number): Promise<void> {
    for (let leftMs = expires - clock.now(); leftMs > 0; leftMs = expires - clock.now()) {
      await clock.sleep(Math.min(leftMs, waitMsMax), this.#over.signal);
    }
  }
}
