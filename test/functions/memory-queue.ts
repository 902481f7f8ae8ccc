/** The queue of wake-ups in memory, as SQS has it: messages wait for their delay, and come in batches; what failed comes again. */
import type { Wake, WakeQueue } from "../../functions/aws/wake-queue.ts";
import type { Clock } from "../../shared/base/clock.ts";

type Message = { readonly dueMs: number; readonly messageId: string; readonly body: string };
type Answer = { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] };

export class MemoryQueue implements WakeQueue {
  readonly sent: { readonly wake: Wake; readonly delaySeconds: number }[] = [];
  readonly #clock: Clock;
  #messages: Message[] = [];
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async send(wakes: readonly Wake[], delaySeconds = 0): Promise<void> {
    for (const wake of wakes) {
      this.sent.push({ wake, delaySeconds });
      this.put(JSON.stringify(wake), delaySeconds);
    }
  }

  /** As EventBridge, or a stranger, puts it. */
  put(body: string, delaySeconds = 0): void {
    this.#count += 1;
    this.#messages.push({ dueMs: this.#clock.now() + delaySeconds * 1_000, messageId: String(this.#count), body });
  }

  get size(): number {
    return this.#messages.length;
  }

  /** When the first is due; undefined: there is none. */
  get dueMs(): number | undefined {
    return this.#messages.length === 0 ? undefined : Math.min(...this.#messages.map(({ dueMs }) => dueMs));
  }

  /** Loses what is there. */
  lose(): void {
    this.#messages = [];
  }

  /** Hands what is due to `handler`, each `times` over; false: nothing was. */
  async deliver(handler: (event: unknown) => Promise<Answer>, times = 1): Promise<boolean> {
    const now = this.#clock.now();
    const due = this.#messages.filter(({ dueMs }) => dueMs <= now);
    if (due.length === 0) return false;
    this.#messages = this.#messages.filter((message) => !due.includes(message));
    const Records = due.map(({ messageId, body }) => ({ messageId, body }));
    const answers = await Promise.all(Array.from({ length: times }, () => handler({ Records })));
    const failed = new Set(answers.flatMap(({ batchItemFailures }) => batchItemFailures.map((one) => one.itemIdentifier)));
    // After SQS's time-out, here at once a minute later.
    for (const message of due) if (failed.has(message.messageId)) this.#messages.push({ ...message, dueMs: now + 60_000 });
    return true;
  }
}
