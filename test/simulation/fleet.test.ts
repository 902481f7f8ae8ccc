/** Some hundreds of simulated fleets, each a pure function of its seed, and each rule of theirs broken once; `npm run simulate -- --fleet` runs as many as one likes. */
import { describe, expect, it } from "vitest";
import { runMain } from "./children.ts";
import { loadFleetCode } from "./fleet/code.ts";
import { mutations } from "./fleet/mutations.ts";
import { drawPlan } from "./fleet/plan.ts";
import type { Bite } from "./fleet/runs.ts";
import { simulateFleet } from "./fleet/simulation.ts";

const seeds = 100;
/** The rarest takes some dozens. */
const bitesMax = 400;

describe("a simulated fleet", () => {
  it.each([0, 1_000_000])(
    `does no harm, comes to rest as it should be and is quiet then, on ${seeds} seeds from %i`,
    { concurrent: true, timeout: 300_000 },
    async (from) => {
      const { lines, code, errors } = await runMain(["--fleet", "--from", String(from), "--seeds", String(seeds)]);
      // A failure's line holds its seed and the smallest plan that still fails: npm run simulate -- --fleet --seed N.
      expect({ lines, code, errors }).toMatchObject({ lines: [{ seeds }], code: 0, errors: "" });
    },
  );

  it("a seed gives the same run each time", async () => {
    const { code } = await loadFleetCode([]);
    const plan = drawPlan(9);
    const [one, other] = [await simulateFleet(plan, { code }), await simulateFleet(plan, { code })];
    expect(other).toEqual(one);
    expect(one.entries).toBeGreaterThan(0);
  });

  it("every broken rule is noticed", { timeout: 600_000 }, async () => {
    const children = await Promise.all(
      [0, 1].map((part) => runMain(["--fleet", "--bites", "--part", `${part}/2`, "--seeds", String(bitesMax)])),
    );
    expect(children.map(({ errors }) => errors)).toEqual(["", ""]);
    const bites = children.flatMap(({ lines }) => lines as Bite[]);
    process.stdout.write(`${bites.map(({ name, seeds: count }) => `${String(count).padStart(6)} seeds  ${name}`).join("\n")}\n`);
    expect(bites.filter(({ failure }) => failure === undefined)).toEqual([]);
    expect(bites).toHaveLength(mutations.length);
  });
});
