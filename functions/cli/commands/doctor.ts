/** `windlass doctor`: looks at a data folder that no server holds, says what is wrong, and mends it where asked to. */
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
    .description("look at a data folder while no server holds it: rows against log, markers, tokens")
    .option("--data <folder>", `the folder (default: $WINDLASS_DATA, else ${defaultFolder})`)
    .addOption(new Option("--fix", "mend what the log knows for certain").conflicts("restored"))
    .option("--restored", "the folder comes from a backup: begin new lives, above every revision that clients may hold")
    .option("--json", "print JSON")
    .action((options: Options) => doctor(context, options));

async function doctor({ terminal }: Context, options: Options): Promise<void> {
  const folder = resolve(options.data ?? (terminal.environment["WINDLASS_DATA"] || defaultFolder));
  const look = await withDoctor(folder, async (opened) => {
    if (options.restored) {
      const count = await opened.renew();
      terminal.say(`new lives begun for the root and ${count} ${count === 1 ? "cluster" : "clusters"}: clients list afresh\n`);
    }
    return options.fix ? await mend(opened, terminal.say) : await opened.look();
  });
  if (options.json) terminal.out(jsonLine(look.map(shown)));
  else if (look.length === 0) terminal.out("nothing is wrong\n");
  else
    terminal.out(
      tableText(
        ["WHERE", "PROBLEM", "MENDED BY"],
        look.map(shown).map(({ where, problem, mendedBy }) => [where, problem, mendedBy]),
      ),
    );
  if (look.length > 0) throw new CommandError(`${look.length} ${look.length === 1 ? "problem" : "problems"} found`);
}

/** Mending one thing may bring another to light. What is left. */
async function mend(opened: Doctor, say: (text: string) => void): Promise<readonly Finding[]> {
  const mended = await opened.fix(await opened.look());
  say(`${mended} ${mended === 1 ? "problem" : "problems"} mended\n`);
  return opened.look();
}

const shown = ({ where, problem, mending }: Finding) => ({
  where,
  problem,
  mendedBy: mending === undefined ? "--restored, with the rows that are there" : "--fix",
});

async function withDoctor<T>(folder: string, run: (doctor: Doctor) => Promise<T>): Promise<T> {
  // Only here: the other commands start faster without the store.
  const { Doctor } = await import("../doctor.ts");
  try {
    const opened = new Doctor(folder, silentLogger);
    try {
      return await run(opened);
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (error instanceof DataFolderError || error instanceof UnavailableError)
      throw new CommandError(error.message, { cause: error });
    throw error;
  }
}
