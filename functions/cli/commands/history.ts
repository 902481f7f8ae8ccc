/** `windlass history`: who changed an object, newest first, as far as the log reaches. */
import { Command } from "commander";
import type { Json, JsonObject } from "../../../shared/base/json.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { jsonLine, tableText } from "../print.ts";

type Item = {
  readonly revision: number;
  readonly time: string;
  readonly actor: string;
  readonly action: string;
  readonly patch?: JsonObject;
};
type Page = {
  readonly metadata: { readonly continue?: string };
  readonly isWhole: boolean;
  readonly items: readonly Item[];
};
type Options = { readonly cluster?: string; readonly limit: string; readonly json?: boolean };

const limitDefault = "20";
const pageMax = 200;
/** Paths that one line names. */
const pathsMax = 4;

export const historyCommand = (context: Context): Command =>
  new Command("history")
    .description("show who changed an object and what, newest first, as far as the log reaches")
    .argument("<key>", "like nodes/node-a or services/default/web")
    .option("--cluster <name>", "in this cluster (default: the kubeconfig's)")
    .option("--limit <count>", "changes at most", limitDefault)
    .option("--json", "print JSON, with a merge patch for each change")
    .action((key: string, options: Options) => history(context, key, options));

async function history({ client: connect, terminal }: Context, key: string, options: Options): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new UsageError(`--limit is ${JSON.stringify(options.limit)}; it must be 1 or more`);
  const client = connect();
  const base = `${client.base(options.cluster ?? client.cluster)}/windlass/v1/history?key=${encodeURIComponent(key)}`;
  const items: Item[] = [];
  let next: string | undefined = "";
  let isWhole = true;
  while (next !== undefined && items.length < limit) {
    const size = Math.min(limit - items.length, pageMax);
    const page: Page = await client.get<Page>(
      `${base}&limit=${size}${next === "" ? "" : `&continue=${encodeURIComponent(next)}`}`,
    );
    items.push(...page.items);
    next = page.metadata.continue;
    isWhole = page.isWhole;
  }
  const shown = items.slice(0, limit);
  if (options.json) return terminal.out(jsonLine(shown));
  terminal.out(tableText(["TIME", "ACTOR", "ACTION", "REVISION", "CHANGED"], shown.map(rowOf)));
  if (next === undefined && !isWhole)
    terminal.say("The log does not reach back to the cluster's beginning: there may have been more.\n");
}

function rowOf({ time, actor, action, revision, patch = {} }: Item): readonly string[] {
  const paths = action === "update" ? pathsOf(patch) : [];
  const more = paths.length > pathsMax ? ` and ${paths.length - pathsMax} more` : "";
  return [time, actor, action, String(revision), paths.slice(0, pathsMax).join(", ") + more];
}

/** The leaves of a merge patch, as field paths. */
function pathsOf(patch: JsonObject, parent = ""): string[] {
  return Object.entries(patch).flatMap(([key, value]) => {
    const path = /^[\w-]+$/.test(key) ? `${parent === "" ? "" : `${parent}.`}${key}` : `${parent}[${key}]`;
    return isObject(value) && Object.keys(value).length > 0 ? pathsOf(value, path) : [path];
  });
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
