/**
 * What simulated containers run: as much of busybox's shell as tests of an engine need (echo, cat, read, sleep, exit, trap, true, false,
 * endless loops of them, redirection to stdout's sister and to files). A program ends by itself, by a signal, or never.
 */
import type { Clock } from "../../base/clock.ts";
import type { StreamName } from "../engine/frames.ts";
import { EngineError } from "../engine-errors.ts";
import type { FileSystem } from "./file-system.ts";

export type Machine = {
  readonly clock: Clock;
  readonly files: FileSystem;
  /** Resolves when there is room for more. */
  write(stream: StreamName, text: string): Promise<void>;
  /** The next line without its end; undefined: stdin has ended. */
  readLine(): Promise<string | undefined>;
  /** Fires at the end of the container. */
  readonly ended: AbortSignal;
};

const known = new Set(["sh", "echo", "cat", "sleep", "true", "false", "exit", "read", "trap"]);

/** The exit code. @throws EngineError 400 when there is no such command, as the engine's start does. */
export function checkCommand(command: readonly string[]): void {
  const [name = ""] = command;
  if (known.has(name.replace(/^\/bin\//, ""))) return;
  throw new EngineError(400, `OCI runtime create failed: exec: "${name}": stat ${name}: no such file or directory: unknown`);
}

/** Signals that a command ends by; as PID 1 it takes only those that it traps. */
export const trapsTerm = (command: readonly string[]): boolean => command.some((part) => part.includes("trap 'exit 0' TERM"));

export async function runProgram(command: readonly string[], machine: Machine): Promise<number> {
  const [name = "", ...rest] = command;
  if (name.endsWith("sh")) return rest[0] === "-c" ? await runScript(rest[1] ?? "", machine) : await shell(machine);
  return await runSimple(
    [name, ...rest].map((word) => ({ text: word })),
    machine,
    {},
  );
}

async function shell(machine: Machine): Promise<number> {
  for (;;) {
    const line = await machine.readLine();
    if (line === undefined) return 0;
    await runScript(line, machine);
  }
}

type Variables = Record<string, string>;
class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super("exit");
    this.code = code;
  }
}

async function runScript(script: string, machine: Machine, variables: Variables = {}): Promise<number> {
  try {
    return await runList(script, machine, variables);
  } catch (error) {
    if (error instanceof Exit) return error.code;
    throw error;
  }
}

async function runList(script: string, machine: Machine, variables: Variables): Promise<number> {
  const loop = /^(.*?)while true; do (.*); done$/.exec(script);
  if (loop) {
    await runList(loop[1] ?? "", machine, variables);
    while (!machine.ended.aborted) await runList(loop[2] ?? "", machine, variables);
    return 0;
  }
  let code = 0;
  for (const part of script.split(";").map((one) => one.trim())) {
    if (part === "") continue;
    const words = [...part.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => ({ text: quoted ?? plain ?? "" }));
    code = await runSimple(words, machine, variables);
  }
  return code;
}

async function runSimple(given: readonly { readonly text: string }[], machine: Machine, variables: Variables): Promise<number> {
  const words = given.map(({ text }) => text.replace(/^\$(\w+)$/, (_, name: string) => variables[name] ?? ""));
  const redirect = words.indexOf(">");
  const file = redirect < 0 ? undefined : words[redirect + 1];
  const toErr = words.includes(">&2");
  const [name = "", ...rest] = (redirect < 0 ? words : words.slice(0, redirect)).filter((word) => word !== ">&2");
  const say = async (text: string) => {
    if (file === undefined) await machine.write(toErr ? "stderr" : "stdout", text);
    else machine.files.write(file, Buffer.from(text));
  };
  switch (name.replace(/^\/bin\//, "")) {
    case "echo":
      await say(`${rest.join(" ")}\n`);
      return 0;
    case "cat":
      return rest.length > 0 ? await catFiles(rest, machine, say) : await catInput(machine, say);
    case "read": {
      const line = await machine.readLine();
      variables[rest[0] ?? "REPLY"] = line ?? "";
      return line === undefined ? 1 : 0;
    }
    case "sleep":
      await machine.clock.sleep(Number(rest[0] ?? 0) * 1_000, machine.ended);
      return 0;
    case "exit":
      throw new Exit(Number(rest[0] ?? 0));
    case "trap":
    case "true":
      return 0;
    case "false":
      return 1;
    default:
      await machine.write("stderr", `sh: ${name}: not found\n`);
      return 127;
  }
}

async function catInput(machine: Machine, say: (text: string) => Promise<void>): Promise<number> {
  for (;;) {
    const line = await machine.readLine();
    if (line === undefined) return 0;
    await say(`${line}\n`);
  }
}

async function catFiles(paths: readonly string[], machine: Machine, say: (text: string) => Promise<void>): Promise<number> {
  for (const path of paths) {
    const file = machine.files.read(path);
    if (file === undefined) return 1;
    await say(Buffer.from(file.bytes).toString());
  }
  return 0;
}
