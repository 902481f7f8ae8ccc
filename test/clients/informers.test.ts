/**
 * Informers of @kubernetes/client-node and client-go on one embedded server through whatever may happen to it: after each step they
 * hold what a fresh list shows. `npm run soak` does the same for as long as one likes.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Dance } from "./dance.ts";
import { buildGo, hasGo } from "./go-build.ts";
import { GoInformer } from "./go-informer.ts";
import { NodeInformer } from "./node-informer.ts";

const isGoThere = hasGo();

describe("informers", () => {
  let dance: Dance;
  let informers: NodeInformer[];
  let go: GoInformer | undefined;

  beforeAll(async () => {
    const program = isGoThere ? await buildGo("go") : undefined;
    dance = await Dance.start();
    await dance.churn(50);
    informers = ["", "tier=web"].map((selector) => new NodeInformer(dance.kubeconfig, selector));
    for (const informer of informers) await informer.start();
    if (program !== undefined) go = await GoInformer.start(program, dance.kubeconfig);
  });
  afterAll(async () => {
    for (const informer of informers ?? []) await informer.end();
    await go?.end();
    await dance?.end();
  });

  const steps: readonly (readonly [string, () => Promise<void>])[] = [
    ["churn", () => dance.churn(400)],
    [
      "watches that are cut",
      async () => {
        const churning = dance.churn(400);
        dance.cut();
        await dance.churn(50);
        dance.cut();
        await churning;
      },
    ],
    ["readers that are slow", () => dance.hold(1_500)],
    ["a restart", () => dance.restart("SIGTERM").then(() => dance.churn(100))],
    ["a kill", () => dance.restart("SIGKILL").then(() => dance.churn(100))],
    ["a compaction while they were away", () => dance.compact().then(() => dance.churn(100))],
  ];

  it.each(steps)("end equal to a fresh list after %s", async (name, step) => {
    const listsBefore = informers.map(({ figures }) => figures.lists);
    await step();
    for (const informer of informers) {
      const wanted = await dance.list(encodeURIComponent(informer.selector));
      expect(wanted.size).toBeGreaterThan(5);
      await expect.poll(() => Object.fromEntries(informer.picture()), { timeout: 50_000 }).toEqual(Object.fromEntries(wanted));
    }
    // What can't be resumed is listed afresh; nothing else is.
    const relists = informers.map(({ figures }, place) => figures.lists - (listsBefore[place] ?? 0));
    if (name.includes("compaction")) for (const count of relists) expect(count).toBeGreaterThan(0);
    else if (!name.includes("restart") && !name.includes("kill")) expect(relists).toEqual([0, 0]);
    if (go !== undefined) {
      const report = await go.fresh();
      expect([report.held, report.equal]).toEqual([report.list, true]);
    }
  });
});
