/**
 * The embedded host's configuration: flags before the environment before the file that --config names before the defaults. A value
 * that is not right is refused by its name.
 */
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import * as z from "zod";
import { roles } from "../../shared/access/access.ts";
import type { GroupRole, OidcConfig } from "../../shared/access/oidc.ts";
import { isTrusted } from "../../shared/access/oidc-keys.ts";
import { readConfigFile } from "./config-file.ts";
import { ConfigError } from "./errors.ts";
import { type Field, type Setting, settings } from "./settings.ts";

export type Config = {
  /** 0 takes a free port. */
  readonly port: number;
  /** A name or an address to listen on; the wildcards 0.0.0.0 and :: are every interface. */
  readonly host: string;
  /** Absolute path of the data folder. */
  readonly data: string;
  /** Absolute path of the folder of secrets. Absent: `secrets` in the data folder. Neither need be there. */
  readonly secrets?: string;
  /** Whether nodes and tasks are looked after. Absent: they are. */
  readonly fleet?: boolean;
  /** Absent: a certificate of its own making. */
  readonly tls?: TlsFiles;
  /** Absent: static tokens only. */
  readonly oidc?: OidcConfig;
};

export const secretsFolder = ({ data, secrets = join(data, "secrets") }: Pick<Config, "data" | "secrets">): string => secrets;

/** Absolute paths of PEM files; `ca` is what clients trust, where the certificate's own chain does not end in it. */
export type TlsFiles = { readonly cert: string; readonly key: string; readonly ca?: string };

export type Command = { readonly kind: "start"; readonly config: Config } | { readonly kind: "help"; readonly text: string };
export type Environment = Readonly<Record<string, string | undefined>>;

const portMax = 65_535;
/** RFC 1123 labels, 253 characters at most; digits and dots alone are an address, or a wrong one. */
const hostNameForm =
  /^(?=.{1,253}$)(?![\d.]+$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;
/** GROUP=ROLE or GROUP=ROLE@CLUSTER; a group may hold "=" and "@" itself. */
const groupRoleForm = new RegExp(`^(.{1,256})=(${roles.join("|")})(?:@([a-z0-9][-a-z0-9.]{0,252}))?$`);

const text = z.string().min(1).max(1_024);
const path = z
  .string()
  .refine((value) => value.length > 0 && !value.includes("\0"))
  .transform((value) => resolve(value));
const groupRole = z
  .string()
  .regex(groupRoleForm)
  .transform((value): GroupRole => {
    const [, group = "", role = "", cluster] = groupRoleForm.exec(value) ?? [];
    return { group, role: roles.find((known) => known === role) ?? "viewer", ...(cluster !== undefined && { cluster }) };
  });

const schema = z.object({
  port: z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .refine((port) => port <= portMax),
  host: z.string().refine((host) => (isIP(host) !== 0 && !host.includes("%")) || hostNameForm.test(host)),
  data: path,
  secrets: path.optional(),
  fleet: z.enum(["on", "off"]).transform((value) => value === "on"),
  "tls-cert": path.optional(),
  "tls-key": path.optional(),
  "tls-ca": path.optional(),
  "oidc-issuer": z.string().refine(isTrusted).optional(),
  "oidc-audience": z.array(text).max(20).optional(),
  "oidc-username-claim": text,
  "oidc-username-prefix": z.string().max(100),
  "oidc-groups-claim": text,
  "oidc-role": z.array(groupRole).max(1_000).optional(),
});

/**
 * What `args` (without node and the script) and `environment` ask for. A variable that is empty counts as not set.
 * @throws ConfigError when a flag is unknown or a value is not allowed; the message names it and what is allowed.
 */
export function parseCommand(args: readonly string[], environment: Environment): Command {
  const flags = parseFlags(args);
  if (flags["help"] === true) return { kind: "help", text: helpText() };
  const file = flags["config"] ?? (environment["WINDLASS_CONFIG"] || undefined);
  const fromFile = typeof file === "string" ? readConfigFile(file) : {};
  const given = settings.map((setting) => givenFor(setting, { flags, environment, file: fromFile }));
  const parsed = schema.safeParse(Object.fromEntries(given.map(({ field, value }) => [field, value])));
  if (parsed.success) return { kind: "start", config: configOf(parsed.data) };
  const wrong = given.filter(({ field }) => parsed.error.issues.some(({ path: [name] }) => name === field));
  throw new ConfigError(
    wrong.map(({ source, value, wanted }) => `${source} is ${JSON.stringify(value)}; it must be ${wanted}`).join(". "),
  );
}

type Value = string | readonly string[] | undefined;
type Flags = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
type Sources = { readonly flags: Flags; readonly environment: Environment; readonly file: Readonly<Record<string, Value>> };
type Given = { readonly field: Field; readonly wanted: string; readonly source: string; readonly value: Value };

function givenFor({ field, variable, preset, wanted, many }: Setting, { flags, environment, file }: Sources): Given {
  const flag = flags[field] as Value;
  if (flag !== undefined) return { field, wanted, source: `--${field}`, value: flag };
  const set = environment[variable];
  if (set !== undefined && set !== "") return { field, wanted, source: variable, value: many ? set.split(",") : set };
  if (file[field] !== undefined) return { field, wanted, source: `${field} in the configuration file`, value: file[field] };
  return { field, wanted, source: variable, value: preset };
}

function configOf(parsed: z.infer<typeof schema>): Config {
  const { port, host, data, fleet, secrets } = parsed;
  const tls = tlsOf(parsed);
  const oidc = oidcOf(parsed);
  return {
    port,
    host,
    data,
    ...(!fleet && { fleet }),
    ...(secrets !== undefined && { secrets }),
    ...(tls !== undefined && { tls }),
    ...(oidc !== undefined && { oidc }),
  };
}

function tlsOf({ "tls-cert": cert, "tls-key": key, "tls-ca": ca }: z.infer<typeof schema>): TlsFiles | undefined {
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined) throw new ConfigError("--tls-cert and --tls-key must be given together");
  return { cert, key, ...(ca !== undefined && { ca }) };
}

function oidcOf(parsed: z.infer<typeof schema>): OidcConfig | undefined {
  const { "oidc-issuer": issuer, "oidc-audience": audiences, "oidc-role": groupRoles } = parsed;
  if (issuer === undefined && audiences === undefined && groupRoles === undefined) return undefined;
  if (issuer === undefined || audiences === undefined || groupRoles === undefined) {
    throw new ConfigError("--oidc-issuer, --oidc-audience and --oidc-role must be given together");
  }
  return {
    issuer,
    audiences,
    usernameClaim: parsed["oidc-username-claim"],
    usernamePrefix: parsed["oidc-username-prefix"],
    groupsClaim: parsed["oidc-groups-claim"],
    roles: groupRoles,
  };
}

function parseFlags(args: readonly string[]): Flags {
  const flags = settings.map(({ field, many }) => [field, { type: "string", multiple: many }] as const);
  const options: ParseArgsConfig["options"] = {
    ...Object.fromEntries(flags),
    config: { type: "string" },
    help: { type: "boolean", short: "h" },
  };
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    // The first line and sentence of Node's message name the argument; what follows is advice on positional arguments.
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split(/\n|\. /);
    const known = Object.keys(options).map((name) => `--${name}`);
    throw new ConfigError(`${reason}; allowed are ${known.slice(0, -1).join(", ")} and ${known.at(-1)}`, { cause });
  }
}

function helpText(): string {
  const width = Math.max(...settings.map(({ field, shown }) => field.length + shown.length)) + 5;
  const line = (flag: string, about: string): string => `  ${flag.padEnd(width)}  ${about}`;
  const lines = settings.map(({ field, shown, about, variable, preset }) =>
    line(`--${field} <${shown}>`, `${about} (${variable}${preset === undefined || preset === "" ? "" : `, ${String(preset)}`})`),
  );
  return [
    "Usage: windlass start [flags], or from the sources: npm start -- [flags]",
    "",
    "Runs the control plane in this process, on SQLite. A flag wins over its variable, a variable over the file.",
    "",
    ...lines,
    line("--config <file>", "a JSON file with the same names as the flags, without -- (WINDLASS_CONFIG)"),
    line("--help", "this text"),
    "",
  ].join("\n");
}
