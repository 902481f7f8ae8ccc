/** The search for the smallest plan that still fails, whatever is simulated: tries a smaller one, keeps it if it fails, and counts. */

type MaskedPlan = { readonly masked: readonly string[] };
type FailedRun = { readonly failure: unknown; readonly faults: readonly string[] };

export class Smaller<Plan extends MaskedPlan, Outcome extends FailedRun> {
  best: { readonly plan: Plan; readonly outcome: Outcome };
  tries = 0;
  readonly #run: (plan: Plan) => Promise<Outcome>;
  readonly #triesMax: number;

  constructor(best: { readonly plan: Plan; readonly outcome: Outcome }, run: (plan: Plan) => Promise<Outcome>, triesMax: number) {
    this.best = best;
    this.#run = run;
    this.#triesMax = triesMax;
  }

  /** Whether the best plan with `change` still fails; then it is the best. */
  async attempt(change: Partial<Plan>): Promise<boolean> {
    if (this.tries >= this.#triesMax) return false;
    this.tries += 1;
    const plan = { ...this.best.plan, ...change };
    const outcome = await this.#run(plan);
    if (outcome.failure === undefined) return false;
    this.best = { plan, outcome };
    return true;
  }

  /** Leaves out parts of a list of the plan, halves first. */
  async thin<T>(list: () => readonly T[], changed: (rest: readonly T[]) => Partial<Plan>): Promise<void> {
    for (let size = Math.max(1, list().length >>> 1); ; size >>>= 1) {
      for (let start = 0; start < list().length; ) {
        const rest = [...list().slice(0, start), ...list().slice(start + size)];
        if (!(await this.attempt(changed(rest)))) start += size;
      }
      if (size <= 1) return;
    }
  }

  /** Leaves out faults that the best run met. */
  async thinFaults(changed: (masked: readonly string[]) => Partial<Plan>): Promise<void> {
    await this.thin(
      () => this.best.outcome.faults,
      (kept) => {
        const { plan, outcome } = this.best;
        return changed([...plan.masked, ...outcome.faults.filter((fault) => !kept.includes(fault))]);
      },
    );
  }

  /** Repeats `step` until it makes the plan no smaller. */
  async untilStill(sizeOf: (plan: Plan) => number, step: () => Promise<void>): Promise<void> {
    for (let before = -1; before !== sizeOf(this.best.plan) && this.tries < this.#triesMax; ) {
      before = sizeOf(this.best.plan);
      await step();
    }
  }
}
