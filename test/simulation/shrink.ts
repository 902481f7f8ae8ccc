/** Makes a failing plan smaller while it still fails: fewer threads, acts, crashes, strips, then fewer faults. */
import type { Plan } from "./plan.ts";
import type { Outcome } from "./simulation.ts";
import { Smaller } from "./smaller.ts";

export type Shrunk = { readonly plan: Plan; readonly outcome: Outcome; readonly tries: number };

const triesMax = 600;

export async function shrink(plan: Plan, outcome: Outcome, run: (plan: Plan) => Promise<Outcome>): Promise<Shrunk> {
  const search = new Smaller<Plan, Outcome>({ plan, outcome }, run, triesMax);
  await search.untilStill(sizeOf, async () => {
    await search.thin(
      () => search.best.plan.crashes,
      (crashes) => ({ crashes }),
    );
    await search.thin(
      () => search.best.plan.strips,
      (strips) => ({ strips }),
    );
    for (const [index] of search.best.plan.threads.entries()) await thinActs(search, index);
    await search.thinFaults((masked) => ({ masked }));
  });
  return { ...search.best, tries: search.tries };
}

function thinActs(search: Smaller<Plan, Outcome>, index: number): Promise<void> {
  return search.thin(
    () => search.best.plan.threads[index]?.acts ?? [],
    (acts) => ({ threads: search.best.plan.threads.map((thread, place) => (place === index ? { ...thread, acts } : thread)) }),
  );
}

const sizeOf = ({ threads, crashes, strips, masked }: Plan): number =>
  threads.reduce((sum, { acts }) => sum + acts.length, 0) * 1_000 + crashes.length + strips.length - masked.length / 100_000;
