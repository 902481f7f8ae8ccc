/** Makes a failing plan of a fleet smaller while it still fails: fewer acts, then fewer faults on the ways. */
import { Smaller } from "../smaller.ts";
import type { FleetPlan } from "./plan.ts";
import type { Outcome } from "./simulation.ts";

export type Shrunk = { readonly plan: FleetPlan; readonly outcome: Outcome; readonly tries: number };

const triesMax = 300;
const none = { pause: 0, refuse: 0, lose: 0, late: 0 };

export async function shrinkFleet(
  plan: FleetPlan,
  outcome: Outcome,
  run: (plan: FleetPlan) => Promise<Outcome>,
): Promise<Shrunk> {
  const search = new Smaller<FleetPlan, Outcome>({ plan, outcome }, run, triesMax);
  await search.attempt({ storeFaults: { ...plan.storeFaults, ...none }, lostEvents: 0, skewMs: 0 });
  await search.attempt({ engineFaults: { ...plan.engineFaults, ...none } });
  await search.untilStill(sizeOf, async () => {
    await search.thin(
      () => search.best.plan.acts,
      (acts) => ({ acts }),
    );
    await search.thinFaults((masked) => ({ masked }));
  });
  return { ...search.best, tries: search.tries };
}

const sizeOf = ({ acts, masked }: FleetPlan): number => acts.length * 1_000 - masked.length / 100_000;
