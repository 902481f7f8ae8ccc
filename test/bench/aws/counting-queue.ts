/**
 * The queue of wake-ups: every request is counted as SQS charges it, whoever makes it (the healer and the reconciler through the real
 * adapter, EventBridge, Lambda). Messages wait for their delays on a clock that is moved on, so nothing here takes time.
 */
import { SQSClient } from "@aws-sdk/client-sqs";
import { sqsWakeQueue } from "../../../functions/aws/sqs-wake-queue.ts";
import type { WakeQueue } from "../../../functions/aws/wake-queue.ts";
import type { BatchAnswer } from "../../../functions/reconciler/records.ts";
import type { LeapClock } from "../../fleet/leap-clock.ts";
import { MemoryQueue } from "../../functions/memory-queue.ts";
import { localConfig } from "../../localstack/tables.ts";
import type { Waits } from "./waits.ts";

/** SQS, SendMessageBatch: what is read of it here. */
type SendInput = { readonly Entries?: readonly { readonly MessageBody?: string; readonly DelaySeconds?: number }[] };

/** For each batch that Lambda hands over it asks for messages, and deletes those that are done. */
const requestsOfBatch = 2;

export class CountingQueue {
  /** What functions send with. */
  readonly sender: WakeQueue;
  readonly #clock: LeapClock;
  readonly #messages: MemoryQueue;
  #requests = 0;

  constructor(clock: LeapClock, waits: Waits) {
    this.#clock = clock;
    this.#messages = new MemoryQueue(clock);
    const client = new SQSClient(localConfig("http://127.0.0.1:9"));
    const answer = async (input: SendInput): Promise<void> => {
      this.#requests += 1;
      for (const { MessageBody = "", DelaySeconds } of input.Entries ?? []) this.#messages.put(MessageBody, DelaySeconds);
    };
    // Nothing goes further than this.
    client.middlewareStack.add(
      () => async (args) => {
        await waits.during(() => answer(args.input as SendInput));
        return { output: { $metadata: {}, Successful: [], Failed: [] }, response: {} };
      },
      { step: "initialize", name: "answerHere" },
    );
    this.sender = sqsWakeQueue("https://sqs.test/1/WakeUps", client);
  }

  /** As a rule of the bus puts it. */
  put(body: string): void {
    this.#requests += 1;
    this.#messages.put(body);
  }

  /** Hands over all that is due next, as one batch, after the time until then; false: nothing waits. */
  async deliver(handler: (event: unknown) => Promise<BatchAnswer>): Promise<boolean> {
    const { dueMs } = this.#messages;
    if (dueMs === undefined) return false;
    this.#clock.leap(Math.max(0, dueMs - this.#clock.now()));
    this.#requests += requestsOfBatch;
    return await this.#messages.deliver(handler);
  }

  /** Requests since the last call. */
  take(): number {
    const requests = this.#requests;
    this.#requests = 0;
    return requests;
  }
}
