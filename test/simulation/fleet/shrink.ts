/** Makes a failing plan of a fleet smaller while it still fails: fewer acts, then fewer faults on the ways. */
import { thin } from "../shrink.ts";
import type { FleetPlan } from "./plan.ts";
import type { Outcome } from "./simulation.ts";

export type Shrunk = { readonly plan: FleetPlan; readonly outcome: Outcome; readonly tries: number };

const triesMax = 300;

export async function shrinkFleet(
  plan: FleetPlan,
  outcome: Outcome,
  run: (plan: FleetPlan) => Promise<Outcome>,
): Promise<Shrunk> {
  let best = { plan, outcome };
  let tries = 0;
  const attempt = async (smaller: FleetPlan): Promise<boolean> => {
    if (tries >= triesMax) return false;
    tries += 1;
    const again = await run(smaller);
    if (again.failure === undefined) return false;
    best = { plan: smaller, outcome: again };
    return true;
  };
  const quiet = { storeFaults: { ...plan.storeFaults, pause: 0, refuse: 0, lose: 0, late: 0 }, lostEvents: 0, skewMs: 0 };
  await attempt({ ...best.plan, ...quiet });
  await attempt({ ...best.plan, engineFaults: { ...plan.engineFaults, pause: 0, refuse: 0, lose: 0, late: 0 } });
  for (let before = -1; before !== sizeOf(best.plan) && tries < triesMax; ) {
    before = sizeOf(best.plan);
    await thin(
      () => best.plan.acts,
      (acts) => attempt({ ...best.plan, acts }),
    );
    await thin(
      () => best.outcome.faults,
      (kept) =>
        attempt({ ...best.plan, masked: [...best.plan.masked, ...best.outcome.faults.filter((fault) => !kept.includes(fault))] }),
    );
  }
  return { ...best, tries };
}

const sizeOf = ({ acts, masked }: FleetPlan): number => acts.length * 1_000 - masked.length / 100_000;
