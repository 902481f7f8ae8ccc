/** The source's active monitoring: rounds of a healer, every so often, between a start and a stop. */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { NodeHealer } from "./healer.ts";

export type MonitoringOptions = {
  readonly healer: Pick<NodeHealer, "round">;
  readonly clock: Clock;
  readonly logger: Logger;
};

export class Monitoring {
  readonly #options: MonitoringOptions;
  #going: { readonly stop: AbortController; readonly end: Promise<void> } | undefined;

  constructor(options: MonitoringOptions) {
    this.#options = options;
  }

  get isActive(): boolean {
    return this.#going !== undefined;
  }

  /** Looks at all nodes now, and then every `intervalMs`. One that goes on already goes on with this interval. @throws RangeError */
  startActiveMonitoring(intervalMs: number): void {
    if (!(intervalMs > 0)) throw new RangeError(`interval is ${intervalMs} ms; at least 1`);
    this.#going?.stop.abort();
    const stop = new AbortController();
    const before = this.#going?.end;
    this.#going = { stop, end: this.#run(intervalMs, stop.signal, before) };
  }

  /** Resolves when the round that goes on is over; no other follows. Idempotent. */
  async stopActiveMonitoring(): Promise<void> {
    const going = this.#going;
    this.#going = undefined;
    going?.stop.abort();
    await going?.end;
  }

  /** A round is not cut short: what it saw is committed. */
  async #run(intervalMs: number, signal: AbortSignal, before: Promise<void> | undefined): Promise<void> {
    const { healer, clock, logger } = this.#options;
    await before;
    while (!signal.aborted) {
      try {
        await healer.round();
      } catch (error) {
        logger.log("warn", "monitoring: a round failed", { error });
      }
      await clock.sleep(intervalMs, signal).catch(() => undefined);
    }
  }
}
