/** A queue's messages as the reconciler reads them: whom they wake, and which of them come again. */
import * as z from "zod";
import { parseWake, type Wake } from "../aws/wake-queue.ts";

const record = z.object({ messageId: z.string(), body: z.string() });
const queueEvent = z.object({ Records: z.array(z.unknown()) });

/** One cluster's wake-ups of a batch. */
export type Woken = {
  readonly cluster: string;
  readonly health: boolean;
  /** The fewest of them: something new happened. */
  readonly waits: number;
  readonly messageIds: readonly string[];
};

/** Several of one cluster are one. What is no message of ours is left out, and not asked for again. @throws z.ZodError for no queue's event. */
export function wokenBy(event: unknown): readonly Woken[] {
  const found = new Map<string, Woken>();
  for (const each of queueEvent.parse(event).Records) {
    const parsed = record.safeParse(each);
    const wake = parsed.success ? parseWake(parsed.data.body) : undefined;
    if (!parsed.success || wake === undefined) continue;
    found.set(wake.cluster, joined(found.get(wake.cluster), wake, parsed.data.messageId));
  }
  return [...found.values()];
}

function joined(before: Woken | undefined, { cluster, health = false, waits = 0 }: Wake, messageId: string): Woken {
  if (before === undefined) return { cluster, health, waits, messageIds: [messageId] };
  return {
    cluster,
    health: before.health || health,
    waits: Math.min(before.waits, waits),
    messageIds: [...before.messageIds, messageId],
  };
}

export type BatchAnswer = { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] };

/** SQS gives those that are named again, after their time-out. */
export const answerOf = (failed: readonly Woken[]): BatchAnswer => ({
  batchItemFailures: failed.flatMap(({ messageIds }) => messageIds.map((itemIdentifier) => ({ itemIdentifier }))),
});
