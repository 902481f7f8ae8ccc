/** What benches tell: tables of workloads with their bars, as markdown that can be pasted into the README, or as JSON. */
import { availableParallelism, cpus } from "node:os";

/** A promise that a figure must keep. fact: no timing (requests, units, ratios of counts), so it holds on every machine. */
export type Bar = { readonly kind: "time" | "fact"; readonly wanted: string; readonly met: boolean };

export type Row = {
  readonly workload: string;
  /** One a column. */
  readonly cells: readonly string[];
  /** The measured numbers, by name with unit; for JSON. */
  readonly figures: Readonly<Record<string, number>>;
  readonly bars: readonly Bar[];
};

export type Table = {
  readonly title: string;
  /** Between the workload and its bar. */
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  /** What a reader must know to read the figures rightly. */
  readonly notes: readonly string[];
};

type Skipped = { readonly title: string; readonly skipped: string };
export type Result = Table | Skipped;

/** Tells what is measured now, and how far it is. */
export type Progress = (what: string, detail: string) => void;

/** What a bench may use. */
export type Context = {
  /** A moment of everything, for tests: shows that it runs, not how fast. */
  readonly quick: boolean;
  readonly rounds: number;
  /** An empty folder on the disk that is measured, removed when the bench ends. */
  readonly folder: string;
  readonly progress: Progress;
  /** LocalStack's endpoint, started at the first call; or why there is none. */
  readonly localStack: () => Promise<{ readonly endpoint: string } | { readonly missing: string }>;
};

/** A table's worth of workloads that are measured together. */
export type Group = {
  readonly title: string;
  /** What its rows are called, so that some can be left out. */
  readonly workloads: readonly string[];
  /** Measures `wanted`, some of `workloads`. */
  run(wanted: ReadonlySet<string>, context: Context): Promise<Result>;
};

export const isTable = (result: Result): result is Table => "rows" in result;

export const missedBars = (results: readonly Result[]): { readonly workload: string; readonly bar: Bar }[] =>
  results
    .filter(isTable)
    .flatMap(({ rows }) => rows.flatMap(({ workload, bars }) => bars.map((bar) => ({ workload, bar }))))
    .filter(({ bar }) => !bar.met);

/** A bar that a time or a rate must keep. */
export const timeBar = (wanted: string, met: boolean): Bar => ({ kind: "time", wanted, met });
/** A bar that holds without regard to the machine. */
export const factBar = (wanted: string, met: boolean): Bar => ({ kind: "fact", wanted, met });

/** Where the figures come from: what another machine must be compared by. */
export const machine = (): string =>
  `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"}), Node ${process.version}, ${process.platform}`;

export function markdown(result: Result): string {
  if (!isTable(result)) return `### ${result.title}\n\nskipped: ${result.skipped}\n`;
  const { title, columns, rows, notes } = result;
  const barred = rows.some(({ bars }) => bars.length > 0);
  const head = ["workload", ...columns, ...(barred ? ["bar", "met"] : [])];
  const body = rows.map((row) => [row.workload, ...row.cells, ...(barred ? verdict(row.bars) : [])]);
  const lines = [head, head.map((_, index) => (index === 0 ? "---" : "--:")), ...body].map((cells) => `| ${cells.join(" | ")} |`);
  return [`### ${title}`, "", ...lines, "", ...notes.map((note) => `${note}\n`)].join("\n");
}

/** `12.3 us`, `4.56 ms`, `1.2 s`: three digits. */
export function duration(us: number): string {
  if (us < 1_000) return `${digits(us)} us`;
  return us < 1_000_000 ? `${digits(us / 1_000)} ms` : `${digits(us / 1_000_000)} s`;
}

export const range = (values: readonly number[], text: (value: number) => string): string =>
  `${text(Math.min(...values))} – ${text(Math.max(...values))}`;

/** `20,100`: a rate or a size. */
export const whole = (value: number): string => Math.round(value).toLocaleString("en-US");

export const times = (ratio: number): string => `${ratio.toFixed(2)} x`;

const digits = (value: number): string => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

function verdict(bars: readonly Bar[]): string[] {
  if (bars.length === 0) return ["", ""];
  return [bars.map(({ wanted }) => wanted).join("; "), bars.every(({ met }) => met) ? "yes" : "**no**"];
}
