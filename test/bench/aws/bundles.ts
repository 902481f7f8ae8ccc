/**
 * What a cold start loads: each function's bundle as cdk/bundle.ts makes it, its size, and how long Node takes to import it: the median of
 * several new processes, less that of a module with nothing in it. What a bundle may not hold is test/functions/bundles.test.ts' matter.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { bundleFunctions } from "../../../cdk/bundle.ts";
import { median } from "../measure.ts";
import { type Group, type Row, timeBar, whole } from "../report.ts";

const starts = 11;
const startsQuick = 1;
const functions = { api: 150, healer: 100, publisher: 100, reconciler: 150, installer: 100 } as const;
type Name = keyof typeof functions;

/** The API's runtime puts `awslambda` there. */
const measure = `
globalThis.awslambda = { streamifyResponse: (handler) => handler };
const begun = performance.now();
await import(process.argv[1]);
process.stdout.write(String(performance.now() - begun));
process.exit(0);
`;
const environment = {
  PATH: process.env["PATH"],
  AWS_REGION: "us-east-1",
  WINDLASS_LOG_TABLE: "Log",
  WINDLASS_OBJECTS_TABLE: "Objects",
  WINDLASS_BUS: "Bus",
  WINDLASS_TRANSPORT: "stream",
  WINDLASS_ADMIN_SECRET: "arn:aws:secretsmanager:us-east-1:1:secret:first",
  WINDLASS_METRICS_NAMESPACE: "Windlass",
  WINDLASS_STACK: "Windlass",
  WINDLASS_SECRETS: "windlass/",
  WINDLASS_FLEET_QUEUE: "https://sqs.us-east-1.amazonaws.com/1/WakeUps",
};

export const bundlesGroup: Group = {
  title: "what a cold start loads",
  workloads: Object.keys(functions),
  async run(wanted, { folder, quick, progress }) {
    const bundles = bundleFunctions(path.join(folder, "bundles"));
    const empty = path.join(folder, "empty.mjs");
    writeFileSync(empty, "export {};\n");
    const names = (Object.keys(functions) as Name[]).filter((name) => wanted.has(name));
    const times = new Map<string, number[]>(["empty", ...names].map((name) => [name, []]));
    // In turns: each meets the same load of the machine.
    for (let start = 0; start < (quick ? startsQuick : starts); start += 1) {
      for (const [name, list] of times) {
        progress(name, `start ${start + 1}`);
        list.push(await importMs(name === "empty" ? empty : path.join(bundles, name, "index.mjs")));
      }
    }
    const least = median(times.get("empty") ?? []);
    const rows = names.map((name) => rowOf(name, path.join(bundles, name), median(times.get(name) ?? []) - least));
    const notes = [
      `Import: the median of ${starts} new processes of Node on this machine, less an empty module's. "At once" is index.mjs with what it imports; the rest is loaded when a request needs it.`,
    ];
    return { title: this.title, columns: ["at once", "in all", "import"], rows, notes };
  },
};

const run = promisify(execFile);

async function importMs(file: string): Promise<number> {
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", measure, file], { env: environment });
  return Number(stdout);
}

function rowOf(workload: Name, folder: string, ms: number): Row {
  const files = readdirSync(folder).filter((file) => file.endsWith(".mjs"));
  const bytesOf = (list: Iterable<string>): number =>
    [...list].reduce((sum, file) => sum + statSync(path.join(folder, file)).size, 0);
  const [onceBytes, bytes] = [bytesOf(importedAtOnce(folder)), bytesOf(files)];
  const most = functions[workload];
  return {
    workload,
    cells: [`${whole(onceBytes / 1_024)} KB`, `${whole(bytes / 1_024)} KB`, `${ms.toFixed(0)} ms`],
    figures: { onceBytes, bytes, importMs: ms },
    bars: [timeBar(`under ${most} ms`, ms < most)],
  };
}

/** index.mjs and the chunks that it, and they, import; what is imported by a call is left out. */
function importedAtOnce(folder: string): ReadonlySet<string> {
  const found = new Set(["index.mjs"]);
  for (const file of found) {
    const text = readFileSync(path.join(folder, file), "utf8");
    for (const [, chunk = ""] of text.matchAll(/(?:from|import)"\.\/([\w.-]+\.mjs)"/g)) found.add(chunk);
  }
  return found;
}
