/**
 * How much may be under way in one process at once, in requests and in bytes of their bodies: what comes beyond is told to come again
 * (429), so that a flood costs its senders time and this process no memory. A watch counts until it has begun, as in Kubernetes.
 */
import { RefusedError } from "./errors.ts";

export type AdmissionLimits = { readonly requestsMax: number; readonly bodyBytesMax: number };

/** A request holds some 10 KB while it waits; bodies are read whole, and parsed they take a few times their size. */
export const admissionLimits: AdmissionLimits = { requestsMax: 2_000, bodyBytesMax: 64 * 1024 * 1024 };

export class Admission {
  readonly #limits: AdmissionLimits;
  #requests = 0;
  #bodyBytes = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** `bodyBytes`: at most, of the request's body. Gives what is to be called when it is answered. @throws RefusedError: too many. */
  enter(bodyBytes: number): () => void {
    const { requestsMax, bodyBytesMax } = this.#limits;
    if (this.#requests >= requestsMax) throw tooMany(`${this.#requests} requests are under way; at most ${requestsMax}`);
    // One body alone always passes: its own limit is lower.
    if (this.#bodyBytes > 0 && this.#bodyBytes + bodyBytes > bodyBytesMax)
      throw tooMany(`bodies of ${this.#bodyBytes} bytes are under way; at most ${bodyBytesMax}`);
    this.#requests += 1;
    this.#bodyBytes += bodyBytes;
    return () => {
      this.#requests -= 1;
      this.#bodyBytes -= bodyBytes;
    };
  }
}

const tooMany = (why: string): RefusedError =>
  new RefusedError({ kind: "tooManyRequests", message: `too many requests, please try again later: ${why}` });
