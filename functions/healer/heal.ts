/** The healer without its surroundings: fleets are woken, then one round in the time there is, and what it found as metrics. */
import { Healer } from "../../shared/state/derive/healer.ts";
import { type LambdaContext, timeOf } from "../aws/invocation.ts";
import type { WakeQueue } from "../aws/wake-queue.ts";
import { handsOf, type Workshop } from "../aws/workshop.ts";
import { type MetricsPlace, metricLines } from "./metrics.ts";
import { wakeFleets } from "./wake-fleets.ts";

/** What began in time ends in it. */
const reserveMs = 15_000;

export type HealOptions = {
  readonly open: () => Promise<Workshop>;
  readonly queue: WakeQueue;
  readonly place: MetricsPlace;
  readonly write: (line: string) => void;
};

export type HealHandler = (event: unknown, context: LambdaContext) => Promise<void>;

export const healHandler =
  ({ open, queue, place, write }: HealOptions): HealHandler =>
  async (_event, context) => {
    const workshop = await open();
    const { endsMs, signal } = timeOf(context, workshop.clock, reserveMs);
    // However slow the queue is, the other half of the time is for the repair.
    const wakingEndsMs = (workshop.clock.monotonic() + endsMs) / 2;
    const unwoken = await wakeFleets({ ...workshop, queue, endsMs: wakingEndsMs });
    const healed = await new Healer({ ...workshop, ...handsOf(workshop, signal), endsMs }).round();
    const found = { ...healed, failures: healed.failures + unwoken };
    for (const line of metricLines(found, place, workshop.clock.now())) write(line);
  };
