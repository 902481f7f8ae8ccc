/**
 * `windlass doctor`: says what is wrong with the state, and mends it where asked to. A data folder that no server holds is opened; a
 * server that holds it looks itself.
 */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { silentLogger } from "../../../shared/base/logger.ts";
import { DataFolderError } from "../../../shared/log/sqlite/errors.ts";
import type { Finding } from "../../../shared/state/doctor/finding.ts";
import { UnavailableError } from "../../../shared/state/errors.ts";
import type { Context } from "../context.ts";
import type { Doctor } from "../doctor.ts";
import { CommandError } from "../errors.ts";
import { jsonLine, tableText } from "../print.ts";

type Options = { readonly data?: string; readonly fix?: boolean; readonly restored?: boolean; readonly json?: boolean };

const defaultFolder = ".windlass";

export const doctorCommand = (context: Context): Command =>
  new Command("doctor")
    .description("look at the state: rows against log, markers, tokens; in its folder, or through the server that holds it")
    .option("--data <folder>", `the folder (default: $WINDLASS_DATA, else ${defaultFolder})`)
    .addOption(new Option("--fix", "mend what the log knows for certain").conflicts("restored"))
    .option("--restored", "the folder comes from a backup: begin new lives, above every revision that clients may hold")
    .option("--json", "print JSON")
    .action((options: Options) => doctor(context, options));

async function doctor(context: Context, options: Options): Promise<void> {
  const { terminal } = context;
  const look = await lookAt(context, options);
  if (options.json) terminal.out(jsonLine(look));
  else if (look.length === 0) terminal.out("nothing is wrong\n");
  else
    terminal.out(
      tableText(
        ["WHERE", "PROBLEM", "MENDED BY"],
        look.map(({ where, problem, mendedBy }) => [where, problem, mendedBy]),
      ),
    );
  if (look.length > 0) throw new CommandError(`${look.length} ${look.length === 1 ? "problem" : "problems"} found`);
}

/** Through the server where one holds the folder, or there is none here. What is to be changed needs the folder itself. */
async function lookAt(context: Context, options: Options): Promise<readonly Shown[]> {
  const { environment } = context.terminal;
  const named = options.data ?? (environment["WINDLASS_DATA"] || undefined);
  try {
    return await inFolder(context, resolve(named ?? defaultFolder), options);
  } catch (error) {
    if (error instanceof UnavailableError) throw new CommandError(error.message, { cause: error });
    if (!(error instanceof DataFolderError)) throw error;
    const isElsewhere = error.problem === "locked" || (named === undefined && error.problem === "absent");
    if (!isElsewhere || options.fix || options.restored) throw new CommandError(error.message, { cause: error });
    return await throughServer(context).catch((cause: unknown) => {
      if (cause instanceof CommandError)
        throw new CommandError(`${error.message}; and through the server: ${cause.message}`, { cause });
      throw cause;
    });
  }
}

async function inFolder({ terminal }: Context, folder: string, options: Options): Promise<readonly Shown[]> {
  const found = await withDoctor(folder, async (opened) => {
    if (options.restored) {
      const count = await opened.renew();
      terminal.say(`new lives begun for the root and ${count} ${count === 1 ? "cluster" : "clusters"}: clients list afresh\n`);
    }
    return options.fix ? await mend(opened, terminal.say) : await opened.look();
  });
  return found.map(({ where, problem, mending }) => shown({ where, problem, mendable: mending !== undefined }));
}

async function throughServer({ client }: Context): Promise<readonly Shown[]> {
  const { items } = await client().get<{ readonly items: readonly Told[] }>("/windlass/v1/doctor");
  return items.map(shown);
}

/** Mending one thing may bring another to light. What is left. */
async function mend(opened: Doctor, say: (text: string) => void): Promise<readonly Finding[]> {
  const mended = await opened.fix(await opened.look());
  say(`${mended} ${mended === 1 ? "problem" : "problems"} mended\n`);
  return opened.look();
}

type Told = { readonly where: string; readonly problem: string; readonly mendable: boolean };
type Shown = { readonly where: string; readonly problem: string; readonly mendedBy: string };

const shown = ({ where, problem, mendable }: Told): Shown => ({
  where,
  problem,
  mendedBy: mendable ? "--fix, while no server holds the state" : "--restored, with the rows that are there",
});

async function withDoctor<T>(folder: string, run: (doctor: Doctor) => Promise<T>): Promise<T> {
  // Only here: the other commands start faster without the store.
  const { Doctor } = await import("../doctor.ts");
  const opened = new Doctor(folder, silentLogger);
  try {
    return await run(opened);
  } finally {
    await opened.close();
  }
}
