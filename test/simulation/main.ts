/**
 * `npm run simulate -- [--fleet] [--seeds N] [--from N] [--seed N] [--bites] [--only text] [--json]`: runs the simulation on seeds one after the other
 * until one fails, which is then made smaller and told; `--seed` runs (replays) one; `--bites` breaks each rule in turn and
 * counts the seeds it takes to notice; `--fleet`: of fleets, not of the store alone. Ends with 1 when something was wrong, or a broken rule was not noticed.
 */
import { parseArgs } from "node:util";
import { type Code, loadCode, smallLimits } from "./code.ts";
import { type Bite, fleetBites, runFleetSeeds } from "./fleet/runs.ts";
import { type Mutation, mutations } from "./mutations.ts";
import { type Act, drawPlan, type Plan } from "./plan.ts";
import { shrink } from "./shrink.ts";
import { type Outcome, simulate } from "./simulation.ts";
import { keyAt } from "./subject.ts";

type Codes = { readonly real: Code; readonly small: Code; readonly close: () => void };

const progressEveryMs = process.stdout.isTTY ? 500 : 10_000;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "0" },
      seed: { type: "string" },
      bites: { type: "boolean", default: false },
      fleet: { type: "boolean", default: false },
      only: { type: "string", default: "" },
      part: { type: "string", default: "0/1" },
      json: { type: "boolean", default: false },
    },
  });
  // Each abort makes an error: with its stack it costs more than what it ends. One seed is replayed to be read.
  if (values.fleet && values.seed === undefined) Error.stackTraceLimit = 0;
  if (values.bites) return await (values.fleet ? runFleetBites : runBites)(Number(values.seeds), values);
  const from = Number(values.seed ?? values.from);
  if (values.fleet) return await runFleets({ from, count: values.seed === undefined ? Number(values.seeds) : 1 }, values.json);
  return await runSeeds(from, values.seed === undefined ? Number(values.seeds) : 1, values.json);
}

async function runSeeds(from: number, count: number, json: boolean): Promise<number> {
  const codes = await loadBoth([]);
  const startMs = performance.now();
  let [entries, steps, faults, toldMs] = [0, 0, 0, startMs];
  const told = (done: number) => ({
    seeds: done,
    from,
    entries,
    steps,
    faults,
    perSecond: Math.round((done * 1_000) / (performance.now() - startMs)),
  });
  try {
    for (let done = 0; done < count; done += 1) {
      const plan = drawPlan(from + done);
      const outcome = await run(codes, plan);
      entries += outcome.entries;
      steps += outcome.steps;
      faults += outcome.faults.length;
      if (outcome.failure !== undefined) {
        await tellFailure(codes, { plan, outcome, json });
        return 1;
      }
      if (performance.now() - toldMs < progressEveryMs) continue;
      toldMs = performance.now();
      tellProgress(told(done + 1), json);
    }
    write(json ? `${JSON.stringify(told(count))}\n` : `${lineEnd()}no failure: ${describe(told(count))}\n`);
    return 0;
  } finally {
    codes.close();
  }
}

function tellProgress(progress: Told, json: boolean): void {
  if (!json) write(process.stdout.isTTY ? `\r${describe(progress)}` : `${describe(progress)}\n`);
}

type Told = {
  readonly seeds: number;
  readonly entries: number;
  readonly steps: number;
  readonly faults: number;
  readonly perSecond: number;
};
const describe = ({ seeds, entries, steps, faults, perSecond }: Told): string =>
  `${seeds} seeds, ${entries} entries, ${steps} steps, ${faults} faults, ${perSecond} seeds a second`;
const lineEnd = (): string => (process.stdout.isTTY ? "\n" : "");

async function tellFailure(
  codes: Codes,
  { plan, outcome, json }: { readonly plan: Plan; readonly outcome: Outcome; readonly json: boolean },
): Promise<void> {
  const smaller = await shrink(plan, outcome, (each) => run(codes, each));
  const story = {
    seed: plan.seed,
    failure: outcome.failure,
    smallest: smaller.outcome.failure,
    limits: plan.small ? "small" : "real",
    appendMax: plan.appendMax,
    threads: smaller.plan.threads
      .filter(({ acts }) => acts.length > 0)
      .map(({ name, process, acts }) => ({ name, process, acts: acts.map(describeAct) })),
    crashes: smaller.plan.crashes,
    strips: smaller.plan.strips,
    faults: smaller.outcome.faults,
  };
  if (json) return write(`${JSON.stringify(story)}\n`);
  write(`${lineEnd()}seed ${plan.seed} fails: ${outcome.failure}\nreplay: npm run simulate -- --seed ${plan.seed}\n`);
  write(`smaller, after ${smaller.tries} tries: ${JSON.stringify(story, undefined, 2)}\n`);
}

function describeAct(act: Act): string {
  switch (act.do) {
    case "rest":
      return `rest ${Math.round(act.ms)} ms`;
    case "write":
      return `write: ${act.how} ${keyAt(act.place)} (${keyAt(act.other)}) ${act.color}, reads ${act.before.length}+${act.after.length}`;
    case "view":
      return `view ${act.at} ${act.at === "now" ? "" : act.back}, ${act.queries.length} queries`;
    case "watch":
      return `watch from ${act.from}, filter ${act.filter}, ${act.events} events`;
    case "batch":
      return `batch: ${act.places.map(keyAt).join(" ")}`;
    case "pages":
    case "seal":
      return act.do;
    default:
      return act satisfies never;
  }
}

type BiteOptions = { readonly only: string; readonly part: string; readonly json: boolean };

async function runBites(seedsMax: number, options: BiteOptions): Promise<number> {
  const isWanted = wantedBy(options);
  let missed = 0;
  for (const [index, mutation] of mutations.entries()) {
    if (!isWanted(mutation.name, index)) continue;
    const bite = { ...(await seedsUntilNoticed(mutation, seedsMax)), rule: mutation.rule, name: mutation.name };
    if (bite.failure === undefined) missed += 1;
    tellBite(bite, options);
  }
  return missed === 0 ? 0 : 1;
}

async function runFleetBites(seedsMax: number, options: BiteOptions): Promise<number> {
  let missed = 0;
  for await (const bite of fleetBites({ seedsMax, only: wantedBy(options) })) {
    if (bite.failure === undefined) missed += 1;
    tellBite(bite, options);
  }
  return missed === 0 ? 0 : 1;
}

function wantedBy({ only, part }: BiteOptions): (name: string, index: number) => boolean {
  const [place = 0, parts = 1] = part.split("/").map(Number);
  return (name, index) => index % parts === place && name.includes(only);
}

function tellBite({ rule, name, seeds, failure }: Bite, { json }: BiteOptions): void {
  const text = `${rule}: ${name}: ${failure === undefined ? `not noticed in ${seeds} seeds` : `${seeds} seeds: ${failure}`}`;
  const told = failure === undefined ? { rule, name, seeds } : { rule, name, seeds, failure };
  write(json ? `${JSON.stringify(told)}\n` : `${text.slice(0, 220)}\n`);
}

async function runFleets(seeds: { readonly from: number; readonly count: number }, json: boolean): Promise<number> {
  const startMs = performance.now();
  let toldMs = startMs;
  const { told, story } = await runFleetSeeds(seeds, (now) => {
    if (json || performance.now() - toldMs < progressEveryMs) return;
    toldMs = performance.now();
    write(`${JSON.stringify(now)}${lineEnd() === "" ? "\n" : "\r"}`);
  });
  const perSecond = Math.round((told.seeds * 10_000) / (performance.now() - startMs)) / 10;
  write(
    story === undefined || json
      ? `${JSON.stringify(story ?? { ...told, perSecond })}\n`
      : `${JSON.stringify(story, undefined, 2)}\n`,
  );
  if (story !== undefined && !json) write(`replay: npm run simulate -- --fleet --seed ${story.seed}\n`);
  return story === undefined ? 0 : 1;
}

async function seedsUntilNoticed(
  mutation: Mutation,
  seedsMax: number,
): Promise<{ readonly seeds: number; readonly failure?: string }> {
  const codes = await loadBoth(mutation.edits ?? []);
  try {
    for (let seed = 0; seed < seedsMax; seed += 1) {
      const { failure } = await run(codes, drawPlan(seed, mutation.focus), mutation.broken);
      if (failure !== undefined) return { seeds: seed + 1, failure };
    }
    return { seeds: seedsMax };
  } finally {
    codes.close();
  }
}

async function loadBoth(edits: Mutation["edits"]): Promise<Codes> {
  const real = await loadCode(edits ?? []);
  const small = await loadCode([...smallLimits, ...(edits ?? [])]);
  const close = () => {
    real.close();
    small.close();
  };
  return { real: real.code, small: small.code, close };
}

const run = ({ real, small }: Codes, plan: Plan, broken?: string): Promise<Outcome> =>
  simulate(plan, { code: plan.small ? small : real, ...(broken !== undefined && { broken }) });

function write(text: string): void {
  process.stdout.write(text);
}

process.exitCode = await main();
