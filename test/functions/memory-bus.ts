/** The bus in memory: what tests read from. It passes the bus' conformance suite. */
import type { BusEvent, EventBus, PutOutcome } from "../../shared/routes/event-bus.ts";

export class MemoryBus implements EventBus {
  readonly putMax: number;
  readonly putBytesMax: number;
  /** All that were taken, in their order; some perhaps twice. */
  readonly taken: BusEvent[] = [];
  /** Asked before each put: what it answers, or what it throws, instead. */
  fault: ((events: readonly BusEvent[]) => readonly PutOutcome[] | undefined) | undefined;

  constructor({ putMax = 10, putBytesMax = 256 * 1024 } = {}) {
    this.putMax = putMax;
    this.putBytesMax = putBytesMax;
  }

  bytesOf({ type, detail }: BusEvent): number {
    return Buffer.byteLength(type) + Buffer.byteLength(detail);
  }

  async put(events: readonly BusEvent[]): Promise<readonly PutOutcome[]> {
    const bytes = events.reduce((sum, event) => sum + this.bytesOf(event), 0);
    if (events.length === 0 || events.length > this.putMax || bytes > this.putBytesMax) {
      throw new Error(`${events.length} events with ${bytes} bytes can't be put at once`);
    }
    const outcomes = this.fault?.(events) ?? events.map(() => taken);
    for (const [index, event] of events.entries()) if (outcomes[index]?.kind === "taken") this.taken.push(event);
    return outcomes;
  }
}

export const taken: PutOutcome = { kind: "taken" };
export const refused: PutOutcome = { kind: "refused", why: "ThrottlingException: later" };
