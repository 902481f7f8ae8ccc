/** The command tree: names, flags and help of every command; each command's work is a file in commands/. */
import { Command, CommanderError, Option } from "commander";
import { release } from "../local/release.ts";
import { Client } from "./client.ts";
import { clusterCommand } from "./commands/cluster.ts";
import { completionCommand } from "./commands/completion.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { exportCommand } from "./commands/export.ts";
import { historyCommand } from "./commands/history.ts";
import { importCommand } from "./commands/import.ts";
import { kubeconfigCommand } from "./commands/kubeconfig.ts";
import { startCommand } from "./commands/start.ts";
import { tokenCommand } from "./commands/token.ts";
import { versionCommand } from "./commands/version.ts";
import type { Context } from "./context.ts";
import { CommandError, UsageError } from "./errors.ts";
import { type Chosen, readConnection } from "./kubeconfig.ts";
import type { Terminal } from "./terminal.ts";

const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** Runs what `args` (without node and the script) ask for; the exit code. Rejects for a bug. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await buildProgram(terminal).parseAsync([...args], { from: "user" });
    return exitCodes.done;
  } catch (error) {
    // commander has said it already, to the right place.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (!(error instanceof CommandError || error instanceof UsageError)) throw error;
    terminal.say(`windlass: ${error.message}\n`);
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
}

function buildProgram(terminal: Terminal): Command {
  const program = new Command("windlass");
  const chosen = (): Chosen => program.opts<Chosen>();
  const context: Context = { terminal, client: () => new Client(readConnection(terminal, chosen())) };
  program
    .description(
      "A control plane for fleets of Docker hosts. Every command but start and doctor goes over HTTP, by the kubeconfig.",
    )
    .version(release, "-V, --version", "print this program's version")
    .addOption(new Option("--kubeconfig <file>", "the kubeconfig (default: $KUBECONFIG, else ~/.kube/config)"))
    .addOption(new Option("--context <name>", "its context (default: the current one)"))
    .showHelpAfterError("Try 'windlass --help', or '--help' after a command.")
    .helpCommand(false)
    .configureHelp({ sortSubcommands: false })
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.say });
  const start = startCommand();
  const commands = [
    start,
    tokenCommand(context),
    clusterCommand(context),
    kubeconfigCommand(context),
    historyCommand(context),
    exportCommand(context),
    importCommand(context),
    doctorCommand(context),
    versionCommand(context),
    completionCommand(context, program),
  ];
  for (const command of commands) adopt(program, command);
  // Its flags, --help too, are its own parser's.
  start.helpOption(false);
  return program;
}

/** A command made apart does not know its parent's ways. */
function adopt(parent: Command, command: Command): void {
  parent.addCommand(command.copyInheritedSettings(parent).helpCommand(false));
  for (const child of command.commands) child.copyInheritedSettings(command);
}
