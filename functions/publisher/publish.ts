/** The publisher without its surroundings: each cluster that a batch of records wakes is brought forward; none holds up another. */
import { bringForward } from "../../shared/state/derive/bring-forward.ts";
import { type LambdaContext, timeOf } from "../aws/invocation.ts";
import { handsOf, type Workshop } from "../aws/workshop.ts";
import { answerOf, type BatchAnswer, wakeUps } from "./records.ts";

/** A run that began in time ends in it: one round of a cluster, and its note. */
const reserveMs = 15_000;

export type PublishHandler = (event: unknown, context: LambdaContext) => Promise<BatchAnswer>;

export const publishHandler =
  (open: () => Promise<Workshop>): PublishHandler =>
  async (event, context) => {
    const woken = wakeUps(event);
    const workshop = await open();
    const { endsMs, signal } = timeOf(context, workshop.clock, reserveMs);
    const { publisher } = handsOf(workshop, signal);
    const uids = new Set(woken.map(({ uid }) => uid));
    return answerOf(woken, await bringForward(uids, { ...workshop, publisher, endsMs }));
  };
