/** `windlass version`: this program's, and the server's where a kubeconfig leads to one. */
import { Command } from "commander";
import { release } from "../../local/release.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../errors.ts";
import { jsonLine } from "../print.ts";

type Options = { readonly client?: boolean; readonly json?: boolean };

export const versionCommand = (context: Context): Command =>
  new Command("version")
    .description("print the version of this program and of the server")
    .option("--client", "of this program only")
    .option("--json", "print JSON")
    .action((options: Options) => version(context, options));

/** A server that can't be asked is no failure of this command: it says so. */
async function version({ terminal, client }: Context, options: Options): Promise<void> {
  let server: string | undefined;
  let problem: string | undefined;
  if (!options.client) {
    try {
      const { gitVersion } = await client().get<{ readonly gitVersion: string }>("/version");
      server = gitVersion;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      problem = error.message;
    }
  }
  if (options.json) return terminal.out(jsonLine({ client: release, ...(server !== undefined && { server }) }));
  terminal.out(`windlass ${release}\n`);
  if (server !== undefined) terminal.out(`server ${server}\n`);
  if (problem !== undefined) terminal.say(`server: ${problem}\n`);
}
