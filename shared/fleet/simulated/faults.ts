/** What goes wrong with a simulated engine, as its test sets it. All of it holds from the next call on; streams that are open are cut. */
import type { Clock } from "../../base/clock.ts";
import type { Call } from "../engine/call.ts";
import { Watchdog } from "../engine/watchdog.ts";
import { EngineError, EngineTimeoutError, EngineUnreachableError } from "../engine-errors.ts";

/** `container list`, `container create`, `ping`, …: as the adapter's messages name calls. */
export type CallName = string;

export type Fault =
  /** Nobody listens. */
  | { readonly kind: "unreachable" }
  /** Connections are taken and nothing is said. */
  | { readonly kind: "hang" }
  /** Every call is refused. `afterwards`: it is done all the same. */
  | { readonly kind: "failing"; readonly status: number; readonly message: string; readonly afterwards?: boolean }
  /** It is done, and the connection breaks before the answer. */
  | { readonly kind: "cut" };

export type FaultOptions = {
  readonly clock: Clock;
  readonly address: string;
  /** Milliseconds until a call without its own gives up. */
  readonly timeoutMs: number;
};

export class Faults {
  /** Milliseconds before each answer. */
  latencyMs = 0;
  /** Changes answers: an engine that lies. */
  lie: ((call: CallName, answer: unknown) => unknown) | undefined;
  readonly #options: FaultOptions;
  readonly #cuts = new Set<(error: Error) => void>();
  #fault: Fault | undefined;
  #onlyFor: ((call: CallName) => boolean) | undefined;

  constructor(options: FaultOptions) {
    this.#options = options;
  }

  /** undefined: well again. `onlyFor`: of which calls. */
  set(fault: Fault | undefined, onlyFor?: (call: CallName) => boolean): void {
    this.#fault = fault;
    this.#onlyFor = onlyFor;
    if (fault !== undefined && onlyFor === undefined) this.cutStreams();
  }

  /** Each open stream ends in the middle. */
  cutStreams(): void {
    const cause = new Error("connection reset");
    for (const cut of this.#cuts) cut(cause);
    this.#cuts.clear();
  }

  /** `cut` is called when streams are; what comes back takes it out. */
  hold(cut: (error: Error) => void): () => void {
    this.#cuts.add(cut);
    return () => this.#cuts.delete(cut);
  }

  /** Does a call as a well or a sick engine does. */
  async pass<T>(name: CallName, call: Call, act: () => T | Promise<T>): Promise<T> {
    call.signal?.throwIfAborted();
    const fault = this.#onlyFor?.(name) === false ? undefined : this.#fault;
    if (fault?.kind === "unreachable") throw this.#unreachable(false);
    if (fault?.kind === "hang") return await this.#within(name, call, () => new Promise<T>(() => undefined));
    if (fault?.kind === "failing" && fault.afterwards !== true) throw new EngineError(fault.status, fault.message);
    const answer = await this.#within(name, call, async () => {
      if (this.latencyMs > 0) await this.#options.clock.sleep(this.latencyMs, call.signal);
      return await act();
    });
    if (fault?.kind === "failing") throw new EngineError(fault.status, fault.message);
    if (fault?.kind === "cut") throw this.#unreachable(true);
    return this.lie === undefined ? answer : (this.lie(name, answer) as T);
  }

  #unreachable(mayHaveHappened: boolean): EngineUnreachableError {
    const cause = new Error(mayHaveHappened ? "socket hang up" : "connect ECONNREFUSED");
    return new EngineUnreachableError(this.#options.address, { cause, mayHaveHappened });
  }

  /** The act's outcome, or the time-out, or the signal's reason, whichever comes first. */
  async #within<T>(name: CallName, { signal, timeoutMs = this.#options.timeoutMs }: Call, act: () => Promise<T>): Promise<T> {
    const { promise: given, reject: giveUp } = Promise.withResolvers<never>();
    const leave = () => giveUp(signal?.reason);
    signal?.addEventListener("abort", leave, { once: true });
    using _late = new Watchdog(this.#options.clock, timeoutMs, () =>
      giveUp(new EngineTimeoutError(this.#options.address, name, timeoutMs)),
    );
    try {
      return await Promise.race([act(), given]);
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }
}
