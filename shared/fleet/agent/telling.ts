/** Tells people what the agents do, as core/v1 Events of tasks and nodes. What can't be told holds nobody up: it is dropped and logged. */
import type { Logger } from "../../base/logger.ts";
import type { WindlassObject } from "../../kinds/object.ts";
import { type EventRecorder, referenceTo } from "../../state/core-events/event-recorder.ts";

export type Note = { readonly type: "Normal" | "Warning"; readonly reason: string; readonly message: string };

export const agentComponent = "windlass-agent";
/** Events that wait for being written: of a node of a thousand tasks all that happens at its start. */
const waitingMax = 2_000;
/** Each is a write of its own beside the log. */
const writesMax = 4;

export class Telling {
  readonly #recorder: EventRecorder | undefined;
  readonly #logger: Logger;
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #writers = new Set<Promise<void>>();

  constructor({ recorder, logger }: { readonly recorder: EventRecorder | undefined; readonly logger: Logger }) {
    this.#recorder = recorder;
    this.#logger = logger;
  }

  tell(about: WindlassObject, host: string, { type, reason, message }: Note): void {
    const recorder = this.#recorder;
    if (recorder === undefined) return;
    if (this.#waiting.length >= waitingMax) {
      this.#logger.log("warn", "an event is dropped: too many wait", { reason, host });
      return;
    }
    const source = { component: agentComponent, host };
    this.#waiting.push(() => recorder.record({ involvedObject: referenceTo(about), type, reason, message, source }));
    if (this.#writers.size < writesMax) this.#begin();
  }

  /** Resolves when all that was told is written or dropped. */
  async flush(): Promise<void> {
    await Promise.all(this.#writers);
  }

  #begin(): void {
    const writer = this.#write().finally(() => this.#writers.delete(writer));
    this.#writers.add(writer);
  }

  async #write(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await next();
      } catch (error) {
        this.#logger.log("warn", "an event could not be written", { error });
      }
    }
  }
}
