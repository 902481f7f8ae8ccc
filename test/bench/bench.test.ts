/**
 * Runs every workload of the benches for a moment, so that they do not rot. Times are not judged here; requests, units and rows are
 * facts, and hold.
 */
import { describe, expect, it } from "vitest";
import { hasGo } from "../clients/go-build.ts";
import { localStack } from "../component.ts";
import { awsGroups } from "./aws/groups.ts";
import { fleetGroups } from "./fleet/groups.ts";
import { memoryGroups } from "./http/groups.ts";
import { measure, median, medianRatio } from "./measure.ts";
import { duration, factBar, isTable, markdown, missedBars, type Table, timeBar } from "./report.ts";
import { runBench } from "./run.ts";
import { storeGroups } from "./store/groups.ts";

const endpoint = await localStack();
const quiet = { quick: true, progress: () => undefined } as const;

describe.each([
  ["store", storeGroups],
  ["aws", awsGroups],
  ["fleet", fleetGroups],
] as const)("bench %s", (_, groups) => {
  for (const group of groups) {
    const needsLocalStack = group.title.includes("DynamoDB");
    it.skipIf(needsLocalStack && endpoint === undefined)(`${group.title}: every workload is told, every fact holds`, async () => {
      const [result] = await runBench([group], { ...quiet, ...(endpoint !== undefined && { endpoint }) });
      if (result === undefined || !isTable(result)) throw new Error(`no table of ${group.title}`);
      expect(result.rows.map(({ workload }) => workload)).toEqual(expect.arrayContaining([...group.workloads]));
      expect(result.rows.every(({ cells }) => cells.length === result.columns.length)).toBe(true);
      expect(missedBars([result]).filter(({ bar }) => bar.kind === "fact")).toEqual([]);
    });
  }
});

describe("benches", () => {
  it("a pattern leaves out all other workloads, and groups without any", async () => {
    const only = /in memory: (get|find all)$/;
    const results = await runBench(storeGroups, { ...quiet, only });
    expect(results.filter(isTable).map(({ rows }) => rows.map(({ workload }) => workload))).toEqual([["get", "find all"]]);
  });
});

describe.skipIf(!hasGo())("bench http, without etcd", () => {
  for (const group of memoryGroups) {
    it(`${group.title}: every workload is told`, async () => {
      const [result] = await runBench([group], quiet);
      if (result === undefined || !isTable(result)) throw new Error(`no table of ${group.title}`);
      expect(result.rows.map(({ workload }) => workload)).toEqual([...group.workloads]);
      expect(result.rows.every(({ cells }) => cells.length === result.columns.length)).toBe(true);
    });
  }
});

describe("measuring", () => {
  it("runs all workloads in every round, back and forth, and does not count the first", async () => {
    const ran: string[] = [];
    const workload = (name: string) => ({
      name,
      operations: 2,
      prepare: () => void ran.push(`+${name}`),
      run: () => void ran.push(name),
    });
    const timings = await measure([workload("a"), workload("b")], { rounds: 2, progress: () => undefined });
    expect(ran.join(" ")).toBe("+a a +b b +b b +a a +a a +b b");
    expect(timings.map((rounds) => rounds.length)).toEqual([2, 2]);
  });

  it("a median is the middle, a ratio is taken round by round", () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
    expect(medianRatio([10, 40, 9], [10, 20, 3])).toBe(2);
    expect(() => median([])).toThrow("nothing was measured");
  });
});

describe("reports", () => {
  const table: Table = {
    title: "speed",
    columns: ["median"],
    rows: [
      {
        workload: "get",
        cells: ["1.00 us"],
        figures: { us: 1 },
        bars: [timeBar("at most 2 us", true), factBar("1 request", true)],
      },
      { workload: "put", cells: ["3.00 us"], figures: { us: 3 }, bars: [timeBar("at most 2 us", false)] },
      { workload: "list", cells: ["9.00 us"], figures: { us: 9 }, bars: [] },
    ],
    notes: ["Of one."],
  };

  it("a table is markdown, with its bars and whether they are met", () => {
    expect(markdown(table)).toBe(
      [
        "### speed\n",
        "| workload | median | bar | met |",
        "| --- | --: | --: | --: |",
        "| get | 1.00 us | at most 2 us; 1 request | yes |",
        "| put | 3.00 us | at most 2 us | **no** |",
        "| list | 9.00 us |  |  |\n",
        "Of one.\n",
      ].join("\n"),
    );
    expect(missedBars([table, { title: "other", skipped: "needs Java" }]).map(({ workload }) => workload)).toEqual(["put"]);
  });

  it("a group that could not be measured is one line", () => {
    expect(markdown({ title: "other", skipped: "needs Java" })).toBe("### other\n\nskipped: needs Java\n");
  });

  it("durations have three digits", () => {
    expect([0.4, 12.34, 999, 1_000, 5_100_000].map(duration)).toEqual(["0.40 us", "12.3 us", "999 us", "1.00 ms", "5.10 s"]);
  });
});
