/**
 * The embedded host's configuration: flags before the environment before the defaults. A value that is not right is refused by
 * its name.
 */
import { isIP } from "node:net";
import { resolve } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { z } from "zod";
import { ConfigError } from "./errors.ts";

export type Config = {
  /** 0 takes a free port. */
  readonly port: number;
  /** A name or an address to listen on; the wildcards 0.0.0.0 and :: are every interface. */
  readonly host: string;
  /** Absolute path of the data folder. */
  readonly data: string;
};

export type Command = { readonly kind: "start"; readonly config: Config } | { readonly kind: "help"; readonly text: string };

const portMax = 65_535;
/** RFC 1123 labels, 253 characters at most; digits and dots alone are an address, or a wrong one. */
const hostNameForm =
  /^(?=.{1,253}$)(?![\d.]+$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

const schema = z.object({
  port: z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .refine((port) => port <= portMax),
  host: z.string().refine((host) => (isIP(host) !== 0 && !host.includes("%")) || hostNameForm.test(host)),
  data: z
    .string()
    .refine((path) => path.length > 0 && !path.includes("\0"))
    .transform((path) => resolve(path)),
});

const settings = [
  {
    field: "port",
    variable: "WINDLASS_PORT",
    preset: "8350",
    about: "port to listen on; 0 takes a free one",
    wanted: `a whole number from 0 to ${portMax}`,
  },
  {
    field: "host",
    variable: "WINDLASS_HOST",
    preset: "127.0.0.1",
    about: "name or address to listen on",
    wanted: "a host name, or an IPv4 or IPv6 address without brackets and zone",
  },
  {
    field: "data",
    variable: "WINDLASS_DATA",
    preset: ".windlass",
    about: "folder of the state, keys and certificates",
    wanted: "the path of a folder",
  },
] as const;

const options = {
  port: { type: "string" },
  host: { type: "string" },
  data: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const satisfies ParseArgsConfig["options"];

/**
 * What `args` (without node and the script) and `environment` ask for. A variable that is empty counts as not set.
 * @throws ConfigError when a flag is unknown or a value is not allowed; the message names it and what is allowed.
 */
export function parseCommand(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Command {
  const flags = parseFlags(args);
  if (flags.help === true) return { kind: "help", text: helpText() };
  const given = settings.map(({ field, variable, preset, wanted }) => {
    const flag = flags[field];
    return flag === undefined
      ? { field, wanted, source: variable, text: environment[variable] || preset }
      : { field, wanted, source: `--${field}`, text: flag };
  });
  const parsed = schema.safeParse(Object.fromEntries(given.map(({ field, text }) => [field, text])));
  if (parsed.success) return { kind: "start", config: parsed.data };
  const wrong = given.filter(({ field }) => parsed.error.issues.some(({ path }) => path[0] === field));
  throw new ConfigError(
    wrong.map(({ source, text, wanted }) => `${source} is ${JSON.stringify(text)}; it must be ${wanted}`).join(". "),
  );
}

type Flags = { readonly port?: string; readonly host?: string; readonly data?: string; readonly help?: boolean };

function parseFlags(args: readonly string[]): Flags {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    // The first line and sentence of Node's message name the argument; what follows is advice on positional arguments.
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split(/\n|\. /);
    throw new ConfigError(`${reason}; allowed are --port, --host, --data and --help`, { cause });
  }
}

function helpText(): string {
  const lines = settings.map(
    ({ field, variable, preset, about }) => `  --${field} <${field}>  ${about} (${variable}, ${preset})`,
  );
  return ["Usage: npm start -- [flags]", "", ...lines, "  --help         this text", ""].join("\n");
}
