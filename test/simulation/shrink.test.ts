/** The search for the smallest failing plan, on plans whose runs are told beforehand to fail by one act and one fault alone. */
import { describe, expect, it } from "vitest";
import { drawPlan as drawFleetPlan } from "./fleet/plan.ts";
import { shrinkFleet } from "./fleet/shrink.ts";
import type { Outcome as FleetOutcome } from "./fleet/simulation.ts";
import { drawPlan } from "./plan.ts";
import { shrink } from "./shrink.ts";
import type { Outcome } from "./simulation.ts";

const allFaults = Array.from({ length: 9 }, (_, index) => `fault ${index}`);
const culprit = "fault 4";

/** Fails while `hasAct` and the culprit is not masked. */
function outcomeOf(hasAct: boolean, masked: readonly string[]) {
  const faults = allFaults.filter((fault) => !masked.includes(fault));
  return { failure: hasAct && faults.includes(culprit) ? "it fails" : undefined, steps: 0, entries: 0, faults };
}

describe("a failing plan is made smaller", () => {
  it("of a fleet: to the one act and the one fault that it needs", async () => {
    const plan = drawFleetPlan(3);
    const wanted = plan.acts[Math.floor(plan.acts.length / 2)];
    const run = async ({ acts, masked }: typeof plan) =>
      ({ ...outcomeOf(wanted !== undefined && acts.includes(wanted), masked), restSeconds: 0 }) as FleetOutcome;
    const { plan: smallest, outcome } = await shrinkFleet(plan, await run(plan), run);
    expect(plan.acts.length).toBeGreaterThan(1);
    expect([smallest.acts, outcome.faults, outcome.failure]).toEqual([[wanted], [culprit], "it fails"]);
  });

  it("of the store: to the one act of one thread and the one fault that it needs", async () => {
    const plan = drawPlan(3);
    const wanted = plan.threads.at(-1)?.acts.at(-1);
    const run = async ({ threads, masked }: typeof plan) =>
      outcomeOf(
        threads.some(({ acts }) => wanted !== undefined && acts.includes(wanted)),
        masked,
      ) as Outcome;
    const { plan: smallest, outcome } = await shrink(plan, await run(plan), run);
    expect(plan.threads.flatMap(({ acts }) => acts).length).toBeGreaterThan(1);
    expect(smallest.threads.flatMap(({ acts }) => acts)).toEqual([wanted]);
    expect([smallest.crashes, smallest.strips, outcome.faults]).toEqual([[], [], [culprit]]);
  });
});
