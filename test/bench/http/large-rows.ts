/** What is told of a large cluster beside a small one, and what "still good" means. */
import { type Bar, duration, factBar, type Row, timeBar, whole } from "../report.ts";
import { megabytes } from "./lists.ts";
import type { Memory } from "./probe.ts";

export const pageLimit = 500;

/** Of the small cluster's: puts must not be slower for what lies beside them. */
const putsShareMin = 0.8;
const delayP99UsMax = 3_000;
/** From the process's start to an answered get; most of it is Node's own and does not grow. */
const startUsMax = 3e6;
/** A list, also the first one, also in pages: half a second for 10,000. */
const listUsEachMax = 50;
/** 1 KB of object, 0.6 of its text, and its places in the table and the indexes. */
const heapBytesEachMax = 3 * 1024;

export type Reading = {
  readonly getUs: number;
  readonly afterGet: Memory;
  readonly listUs: number;
  readonly afterList: Memory;
  readonly warmUs: number;
  readonly pagesUs: number;
  readonly bytes: number;
};
export type Facts = Reading & {
  readonly objects: number;
  readonly putsPerSecond: number;
  readonly delayP50Us: number;
  readonly delayP99Us: number;
};

type Told = {
  readonly name: string;
  readonly text: (facts: Facts) => string;
  readonly figure: (facts: Facts) => number;
  readonly bars?: (large: Facts, small: Facts) => Bar[];
};

const time = (name: string, figure: (facts: Facts) => number, bars: Told["bars"]): Told => ({
  name,
  text: (facts) => duration(figure(facts)),
  figure,
  ...(bars && { bars }),
});

const list = (name: string, figure: (facts: Facts) => number): Told =>
  time(name, figure, (large) => [timeBar(`${listUsEachMax} us an object`, figure(large) <= listUsEachMax * large.objects)]);

const memory = (name: string, of: (facts: Facts) => Memory): Omit<Told, "bars"> => ({
  name,
  text: (facts) => `${megabytes(of(facts).heapBytes)}, ${megabytes(of(facts).residentBytes)}`,
  figure: (facts) => of(facts).residentBytes,
});

const told: readonly Told[] = [
  time(
    "start to the first answered get",
    ({ getUs }) => getUs,
    ({ getUs }) => [timeBar(`within ${duration(startUsMax)}`, getUs <= startUsMax)],
  ),
  memory("heap, resident after the get", ({ afterGet }) => afterGet),
  list("first list of all", ({ listUs }) => listUs),
  {
    ...memory("heap, resident after the list", ({ afterList }) => afterList),
    bars: (large, small) => {
      const bytes = large.afterList.heapBytes - small.afterList.heapBytes;
      return [factBar("at most 3 KB of heap an object", bytes <= heapBytesEachMax * (large.objects - small.objects))];
    },
  },
  list("list of all, again", ({ warmUs }) => warmUs),
  { name: "its answer", text: ({ bytes }) => megabytes(bytes), figure: ({ bytes }) => bytes },
  list(`list of all in pages of ${pageLimit}`, ({ pagesUs }) => pagesUs),
  {
    name: "puts a second, 64 clients",
    text: ({ putsPerSecond }) => whole(putsPerSecond),
    figure: ({ putsPerSecond }) => putsPerSecond,
    bars: (large, small) => [timeBar("80 % of those among 1,000", large.putsPerSecond >= putsShareMin * small.putsPerSecond)],
  },
  {
    name: "watch delay (p50, p99)",
    text: ({ delayP50Us, delayP99Us }) => `${duration(delayP50Us)}, ${duration(delayP99Us)}`,
    figure: ({ delayP99Us }) => delayP99Us,
    bars: ({ delayP99Us }) => [timeBar(`p99 within ${duration(delayP99UsMax)}`, delayP99Us <= delayP99UsMax)],
  },
];

export const largeRows: readonly string[] = told.map(({ name }) => name);

export const rowsOf = (small: Facts, large: Facts): Row[] =>
  told.map(({ name, text, figure, bars }) => ({
    workload: name,
    cells: [text(small), text(large)],
    figures: { small: figure(small), large: figure(large) },
    bars: bars?.(large, small) ?? [],
  }));
