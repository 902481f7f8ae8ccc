/** What `main.ts --fleet` does: seeds one after the other until one fails, which is made smaller and told; or each broken rule in turn. */
import { loadFleetCode } from "./code.ts";
import { type Mutation, mutations } from "./mutations.ts";
import { drawPlan, type FleetPlan } from "./plan.ts";
import { shrinkFleet } from "./shrink.ts";
import { type Outcome, simulateFleet } from "./simulation.ts";

export type Told = {
  readonly seeds: number;
  readonly entries: number;
  readonly steps: number;
  readonly faults: number;
  readonly acts: number;
};
export type Story = { readonly seed: number; readonly failure: string | undefined; readonly smallest: string | undefined } & {
  readonly acts: readonly string[];
  readonly [more: string]: unknown;
};

/** `progress`: called after each seed. The story of the first seed that fails; undefined: none did. */
export async function runFleetSeeds(
  { from, count }: { readonly from: number; readonly count: number },
  progress: (told: Told) => void,
): Promise<{ readonly told: Told; readonly story: Story | undefined }> {
  const { code } = await loadFleetCode([]);
  let told: Told = { seeds: 0, entries: 0, steps: 0, faults: 0, acts: 0 };
  for (let seed = from; seed < from + count; seed += 1) {
    const plan = drawPlan(seed);
    const outcome = await simulateFleet(plan, { code });
    if (outcome.failure !== undefined)
      return { told, story: await storyOf(plan, outcome, (each) => simulateFleet(each, { code })) };
    told = {
      seeds: told.seeds + 1,
      entries: told.entries + outcome.entries,
      steps: told.steps + outcome.steps,
      faults: told.faults + outcome.faults.length,
      acts: told.acts + plan.acts.length,
    };
    progress(told);
  }
  return { told, story: undefined };
}

async function storyOf(plan: FleetPlan, outcome: Outcome, run: (plan: FleetPlan) => Promise<Outcome>): Promise<Story> {
  const smaller = await shrinkFleet(plan, outcome, run);
  const { machines, processes, spanMs, storeFaults, engineFaults, lostEvents, skewMs, acts } = smaller.plan;
  return {
    seed: plan.seed,
    failure: outcome.failure,
    smallest: smaller.outcome.failure,
    ...{ machines, processes, spanMs, storeFaults, engineFaults, lostEvents, skewMs, tries: smaller.tries },
    acts: acts.map(({ atMs, act }) => `${atMs} ${JSON.stringify(act)}`),
    faults: smaller.outcome.faults,
  };
}

export type Bite = { readonly rule: string; readonly name: string; readonly seeds: number; readonly failure?: string };

export async function* fleetBites({
  seedsMax,
  only,
}: {
  readonly seedsMax: number;
  readonly only: (name: string, index: number) => boolean;
}): AsyncGenerator<Bite> {
  for (const [index, mutation] of mutations.entries()) if (only(mutation.name, index)) yield await bite(mutation, seedsMax);
}

async function bite({ name, edits, focus }: Mutation, seedsMax: number): Promise<Bite> {
  const { code, close } = await loadFleetCode(edits);
  try {
    for (let seed = 0; seed < seedsMax; seed += 1) {
      const { failure } = await simulateFleet(drawPlan(seed, focus), { code });
      if (failure !== undefined) return { rule: "fleet", name, seeds: seed + 1, failure };
    }
    return { rule: "fleet", name, seeds: seedsMax };
  } finally {
    close();
  }
}
