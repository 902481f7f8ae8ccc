/**
 * `npm run bench <name> -- [--json] [--quick] [--only <pattern>] [--bars]`: measures, and prints one table a group of workloads.
 * Progress goes to standard error, so that what is printed can be kept.
 */
import { parseArgs } from "node:util";
import { type Group, isTable, machine, markdown, missedBars, type Progress, type Result } from "./report.ts";
import { runBench } from "./run.ts";

/** A bench is a list of groups, and one line here. */
const benches: Readonly<Record<string, () => Promise<readonly Group[]>>> = {
  store: async () => (await import("./store/groups.ts")).storeGroups,
  http: async () => (await import("./http/groups.ts")).httpGroups,
  fleet: async () => (await import("./fleet/groups.ts")).fleetGroups,
  aws: async () => (await import("./aws/groups.ts")).awsGroups,
};

const usage = `usage: npm run bench <name> -- [options]
  <name>            ${Object.keys(benches).join(", ")}
  --only <pattern>  only workloads whose "table: workload" the regular expression matches, without regard to case
  --quick           a moment of each: shows that it runs, not how fast
  --json            one JSON document instead of tables
  --bars            exit with 1 when a bar is missed
`;
const usageStatus = 2;

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
});

async function main(args: readonly string[]): Promise<number> {
  const command = parse(args);
  if (command.kind === "wrong") {
    process.stderr.write(`${command.why}\n${usage}`);
    return usageStatus;
  }
  const { name, groups, options } = command;
  const { AWS_ENDPOINT_URL: endpoint } = process.env;
  const progress = progressTo(process.stderr);
  const results = await runBench(await groups(), {
    quick: options.quick,
    progress: progress.tell,
    ...(options.only !== undefined && { only: new RegExp(options.only, "i") }),
    ...(endpoint && { endpoint }),
  });
  progress.end();
  process.stdout.write(
    options.json ? `${JSON.stringify({ machine: machine(), results }, undefined, 2)}\n` : report(name, results, args),
  );
  return options.bars && missedBars(results).length > 0 ? 1 : 0;
}

type Options = { readonly json: boolean; readonly quick: boolean; readonly bars: boolean; readonly only?: string };
type Command =
  | { readonly kind: "run"; readonly name: string; readonly groups: () => Promise<readonly Group[]>; readonly options: Options }
  | { readonly kind: "wrong"; readonly why: string };

function parse(args: readonly string[]): Command {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        bars: { type: "boolean", default: false },
        only: { type: "string" },
      },
    });
    const [name = ""] = positionals;
    const groups = Object.hasOwn(benches, name) ? benches[name] : undefined;
    if (groups === undefined || positionals.length !== 1) return { kind: "wrong", why: `no bench ${positionals.join(" ")}` };
    if (values.only !== undefined) new RegExp(values.only);
    return { kind: "run", name, groups, options: values };
  } catch (error) {
    return { kind: "wrong", why: error instanceof Error ? error.message : String(error) };
  }
}

function report(name: string, results: readonly Result[], args: readonly string[]): string {
  const options = args.filter((arg) => arg !== name).map((arg) => (/^[\w-]+$/.test(arg) ? arg : `'${arg}'`));
  const again = ["npm run bench", name, ...(options.length > 0 ? ["--", ...options] : [])].join(" ");
  const rounds = results.some(isTable) ? "Medians of several rounds, what is compared run in turns. " : "";
  const missed = missedBars(results).map(({ workload, bar }) => `missed: ${workload}: ${bar.wanted}\n`);
  return [`${rounds}${machine()}. Again: \`${again}\`\n`, ...results.map(markdown), ...missed].join("\n");
}

/** On a terminal one line that is written over; elsewhere a line for each thing, when it is first measured. */
function progressTo(stream: NodeJS.WriteStream): { readonly tell: Progress; readonly end: () => void } {
  const clear = "\r\u001b[K";
  if (stream.isTTY) {
    return { tell: (what, detail) => void stream.write(`${clear}${what}: ${detail}`), end: () => void stream.write(clear) };
  }
  const told = new Set<string>();
  const tell = (what: string, detail: string): void => {
    if (!told.has(what)) stream.write(`${what}: ${detail}\n`);
    told.add(what);
  };
  return { tell, end: () => undefined };
}
