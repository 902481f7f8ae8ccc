/** Each rule of DESIGN section 1 is broken once, and the simulation notices: a suite that finds nothing proves nothing. */
import { expect, it } from "vitest";
import { runMain } from "./children.ts";
import { mutations } from "./mutations.ts";

/** The rarest takes some hundreds. */
const seedsMax = 20_000;
const parts = 2;

type Bite = { readonly rule: string; readonly name: string; readonly seeds: number; readonly failure?: string };

it("every broken rule is noticed", { timeout: 600_000 }, async () => {
  const children = await Promise.all(
    Array.from({ length: parts }, (_, part) => runMain(["--bites", "--part", `${part}/${parts}`, "--seeds", String(seedsMax)])),
  );
  expect(children.map(({ errors }) => errors)).toEqual(["", ""]);
  const bites = children.flatMap(({ lines }) => lines as Bite[]);
  const table = bites.map(({ rule, name, seeds }) => `${rule.padEnd(8)} ${String(seeds).padStart(6)} seeds  ${name}`).sort();
  process.stdout.write(`${table.join("\n")}\n`);
  expect(bites.filter(({ failure }) => failure === undefined)).toEqual([]);
  expect(bites).toHaveLength(mutations.length);
});

it("every rule of DESIGN section 1 is broken at least once", () => {
  const rules = new Set(mutations.map(({ rule }) => rule));
  expect([...rules].sort()).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9", "reading", "watching"]);
});
