/**
 * Many writers of one log at once: how many of their round trips are commits, what is lost on the way, and who is sent away. In virtual
 * time, so the figures are facts.
 */
import { type Bar, factBar, type Group, type Row } from "../report.ts";
import { type Contended, type Contention, contend, roundTripMs } from "./contention.ts";

const callsEach = 40;
/** Between a call's answer and the next, as over a network. */
const awayMs = 300;
/** DynamoDB: write units that one partition takes a second. */
const partitionWriteUnits = 1_000;

type Scene = Pick<Contention, "writers" | "callsEach" | "pauseMs"> & { readonly bars?: (result: Contended) => readonly Bar[] };

const scenes: Readonly<Record<string, Scene>> = {
  "1 writer": { writers: 1, callsEach, pauseMs: 0 },
  "5 writers that never rest": { writers: 5, callsEach, pauseMs: 0, bars: (result) => [sentAwayBar(result)] },
  "50 writers that never rest": {
    writers: 50,
    callsEach,
    pauseMs: 0,
    bars: (result) => [
      factBar("at least 0.9 commits a round trip", rateOf(result) >= 0.9),
      sentAwayBar(result),
      factBar("at most 1,000 write units a second", writeUnitsOf(result) <= partitionWriteUnits),
    ],
  },
  "50 writers that rest up to 300 ms": {
    writers: 50,
    callsEach: callsEach / 2,
    pauseMs: awayMs,
    bars: (result) => [sentAwayBar(result)],
  },
  "50 writers that begin at once, one commit each": {
    writers: 50,
    callsEach: 1,
    pauseMs: 0,
    bars: (result) => [sentAwayBar(result)],
  },
};

export const writersGroup: Group = {
  title: "writers of one log, a put of 7.5 ms",
  workloads: Object.keys(scenes),
  async run(wanted, { progress }) {
    const rows: Row[] = [];
    for (const [name, scene] of Object.entries(scenes)) {
      if (!wanted.has(name)) continue;
      progress(name, "in virtual time");
      rows.push(rowOf(name, scene, await contend({ ...scene, seed: name })));
    }
    return { title: this.title, columns, rows, notes };
  },
};

const columns = ["commits a round trip", "answered 429", "puts a commit", "reads a commit", "median", "p99"];
const notes = [
  "Each writer is a process of its own with the real committer on a log in memory that is 3.75 ms away, in virtual time from a fixed seed. A lost put costs a write unit, a read one read unit. Rates while all writers were at work. A writer that comes from a rest is behind: it loses, reads on, and tries.",
];

const rateOf = ({ full }: Contended): number => (full.commits * roundTripMs) / full.ms;

const writeUnitsOf = (result: Contended): number => (rateOf(result) / roundTripMs) * 1_000 * (result.puts / result.commits);

const sentAwayBar = ({ commits, busy }: Contended): Bar => factBar("under 1 % answered 429", busy / (commits + busy) < 0.01);

function rowOf(workload: string, { bars }: Scene, result: Contended): Row {
  const { commits, busy, puts, reads } = result;
  const latencies = result.latencies.toSorted((one, other) => one - other);
  const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)] ?? 0;
  const [perRoundTrip, busyShare] = [rateOf(result), busy / (commits + busy)];
  const [putsEach, readsEach] = [puts / commits, reads / commits];
  return {
    workload,
    cells: [
      perRoundTrip.toFixed(2),
      `${(busyShare * 100).toFixed(1)} %`,
      putsEach.toFixed(2),
      readsEach.toFixed(2),
      `${at(0.5).toFixed(0)} ms`,
      `${at(0.99).toFixed(0)} ms`,
    ],
    figures: { perRoundTrip, busyShare, putsEach, readsEach, medianMs: at(0.5), p99Ms: at(0.99) },
    bars: bars?.(result) ?? [],
  };
}
