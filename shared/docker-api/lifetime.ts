/** How long a request's work may go on: until its client leaves or its token is no longer good. */
import { finished } from "node:stream";
import type { Principal } from "../access/access.ts";
import { type Clock, waitUntil } from "../base/clock.ts";
import { DockerError } from "./errors.ts";
import type { DockerAnswer } from "./exchange.ts";

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
