/** Stream records as the publisher reads them: whom they wake, and where to begin again. Nothing of what they say is believed otherwise. */
import * as z from "zod";
import { logAttributes } from "../../shared/log/dynamodb/tables.ts";

const record = z.object({
  dynamodb: z.object({
    SequenceNumber: z.string(),
    Keys: z.object({ [logAttributes.cluster]: z.object({ S: z.string() }) }),
  }),
});
const streamEvent = z.object({ Records: z.array(z.unknown()) });

export type WakeUp = { readonly uid: string; readonly sequenceNumber: string };

/** In their order; what is no record of ours is left out. @throws z.ZodError when it is no stream's event. */
export function wakeUps(event: unknown): readonly WakeUp[] {
  return streamEvent.parse(event).Records.flatMap((each) => {
    const parsed = record.safeParse(each);
    if (!parsed.success) return [];
    const { Keys, SequenceNumber } = parsed.data.dynamodb;
    const uid = Keys[logAttributes.cluster]?.S;
    return uid === undefined ? [] : [{ uid, sequenceNumber: SequenceNumber }];
  });
}

export type BatchAnswer = { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] };

/** Lambda begins again at the first of them: those after it need not be named. */
export function answerOf(woken: readonly WakeUp[], failed: ReadonlySet<string>): BatchAnswer {
  const first = woken.find(({ uid }) => failed.has(uid));
  return { batchItemFailures: first === undefined ? [] : [{ itemIdentifier: first.sequenceNumber }] };
}
