/**
 * The embedded host as a program: flags and environment in; address, files and the way to stop it out; signals and exit codes.
 * main.ts gives it the app. What the person at the shell can mend is one line and exit code 1; a stack is a bug's.
 */
import { systemClock } from "../../shared/base/clock.ts";
import { jsonLogger } from "../../shared/base/logger.ts";
import { DataFolderError } from "../../shared/log/sqlite/errors.ts";
import { defaultCluster } from "../../shared/state/clusters.ts";
import { type Command, type Config, parseCommand } from "./config.ts";
import { StartError } from "./errors.ts";
import { type BuildApp, type Host, startHost } from "./host.ts";
import { isLoopback } from "./listener.ts";

/** A shell's code for a program that a signal ended is this and the signal's number. */
const signalExit = 128;
const signals = { SIGINT: 2, SIGTERM: 15 } as const;

/** Runs until a signal comes, or until it has said why it can't. `args` are flags. Rejects for a bug. */
export async function run(buildApp: BuildApp, args: readonly string[] = process.argv.slice(2)): Promise<void> {
  try {
    const command = parseCommand(args, process.env);
    await runCommand(command, buildApp);
  } catch (error) {
    if (!(error instanceof StartError || error instanceof DataFolderError)) throw error;
    process.stderr.write(`windlass: ${error.message}\n`);
    process.exitCode = 1;
  }
}

async function runCommand(command: Command, buildApp: BuildApp): Promise<void> {
  switch (command.kind) {
    case "help":
      process.stdout.write(command.text);
      return;
    case "start": {
      const logger = jsonLogger((line) => process.stderr.write(line), systemClock.now);
      const host = await startHost(command.config, { buildApp, clock: systemClock, logger });
      closeOnSignals(host);
      process.stdout.write(greeting(host, command.config));
    }
  }
}

/** The first signal closes; a second one, of either kind, ends the process at once: what was acknowledged is durable anyway. */
function closeOnSignals(host: Host): void {
  let isClosing = false;
  const onSignal = (signal: keyof typeof signals): void => {
    if (isClosing) process.exit(signalExit + signals[signal]);
    isClosing = true;
    process.stdout.write("Stopping; once more to stop at once.\n");
    // A close that fails is a bug: the rejection ends the process with its stack.
    void host.close().then(() => process.exit(0));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}

function greeting({ url, files }: Host, { data }: Config): string {
  return `Windlass listens on ${url} (and, for this machine only, the same in plain http)

  export KUBECONFIG=${shellWord(files.kubeconfig)}
  export DOCKER_CONFIG=${shellWord(files.dockerFolder)}
  docker ${dockerFlags(url)} ps

Stop with Ctrl-C. The data stays in ${data}.
`;
}

/** The default cluster's nodes as one Docker host: from this machine in plain HTTP, for which docker needs no certificate. */
function dockerFlags(url: string): string {
  const { host, hostname } = new URL(url);
  const address = `-H tcp://${host}/clusters/${defaultCluster}/docker`;
  return isLoopback(hostname.replace(/^\[|\]$/g, "")) || hostname === "localhost" ? address : `--tlsverify ${address}`;
}

/** A path as a POSIX shell reads it back. */
const shellWord = (text: string): string => (/^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
