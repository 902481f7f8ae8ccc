/** Some thousands of simulated clusters, each a pure function of its seed; `npm run simulate` runs as many as one likes. */
import { describe, expect, it } from "vitest";
import { runMain } from "./children.ts";
import { loadCode } from "./code.ts";
import { drawPlan } from "./plan.ts";
import { simulate } from "./simulation.ts";

const seeds = 1_500;

describe("simulation", () => {
  it.each([0, 1_000_000])(
    `answers, rows, watches and commits agree with the oracle on ${seeds} seeds from %i`,
    { concurrent: true, timeout: 300_000 },
    async (from) => {
      const { lines, code, errors } = await runMain(["--from", String(from), "--seeds", String(seeds)]);
      // A failure's line holds its seed and the smallest plan that still fails: npm run simulate -- --seed N.
      expect({ lines, code, errors }).toMatchObject({ lines: [{ seeds }], code: 0, errors: "" });
    },
  );

  it("a seed gives the same run each time", async () => {
    const { code, close } = await loadCode([]);
    const plan = { ...drawPlan(7), small: false };
    const [one, other] = [await simulate(plan, { code }), await simulate(plan, { code })];
    close();
    expect(other).toEqual(one);
    expect(one.entries).toBeGreaterThan(0);
  });
});
