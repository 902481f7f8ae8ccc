/** Makes a failing plan smaller while it still fails: fewer threads, acts, crashes, strips, then fewer faults. */
import type { Plan } from "./plan.ts";
import type { Outcome } from "./simulation.ts";

export type Shrunk = { readonly plan: Plan; readonly outcome: Outcome; readonly tries: number };
type Run = (plan: Plan) => Promise<Outcome>;

const triesMax = 600;

export async function shrink(plan: Plan, outcome: Outcome, run: Run): Promise<Shrunk> {
  let best = { plan, outcome };
  let tries = 0;
  const attempt = async (smaller: Plan): Promise<boolean> => {
    if (tries >= triesMax) return false;
    tries += 1;
    const again = await run(smaller);
    if (again.failure === undefined) return false;
    best = { plan: smaller, outcome: again };
    return true;
  };
  for (let before = -1; before !== sizeOf(best.plan) && tries < triesMax; ) {
    before = sizeOf(best.plan);
    await thin(
      () => best.plan.crashes,
      (crashes) => attempt({ ...best.plan, crashes }),
    );
    await thin(
      () => best.plan.strips,
      (strips) => attempt({ ...best.plan, strips }),
    );
    for (const [index] of best.plan.threads.entries()) {
      await thin(
        () => best.plan.threads[index]?.acts ?? [],
        (acts) =>
          attempt({
            ...best.plan,
            threads: best.plan.threads.map((thread, place) => (place === index ? { ...thread, acts } : thread)),
          }),
      );
    }
    await thin(
      () => best.outcome.faults,
      (kept) =>
        attempt({ ...best.plan, masked: [...best.plan.masked, ...best.outcome.faults.filter((fault) => !kept.includes(fault))] }),
    );
  }
  return { ...best, tries };
}

/** Leaves out parts of a list, halves first, while `keep` says that the rest still fails. */
export async function thin<T>(list: () => readonly T[], keep: (rest: readonly T[]) => Promise<boolean>): Promise<void> {
  for (let size = Math.max(1, list().length >>> 1); ; size >>>= 1) {
    for (let start = 0; start < list().length; ) {
      const rest = [...list().slice(0, start), ...list().slice(start + size)];
      if (!(await keep(rest))) start += size;
    }
    if (size <= 1) return;
  }
}

const sizeOf = ({ threads, crashes, strips, masked }: Plan): number =>
  threads.reduce((sum, { acts }) => sum + acts.length, 0) * 1_000 + crashes.length + strips.length - masked.length / 100_000;
