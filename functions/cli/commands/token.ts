/** `windlass token`: static tokens are made, listed and ended. */
import { Command, Option } from "commander";
import { roles } from "../../../shared/access/access.ts";
import { ageText } from "../../../shared/api/age.ts";
import { defaultCluster } from "../../../shared/state/clusters.ts";
import type { Context } from "../context.ts";
import { CommandError, UsageError } from "../errors.ts";
import { jsonLine, parseExpiry, tableText } from "../print.ts";

type Token = {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly clusterUid: string;
  readonly created: string;
  readonly expires?: string;
};
type ScopeOptions = { readonly cluster?: string; readonly root?: boolean; readonly json?: boolean };
type CreateOptions = ScopeOptions & { readonly role: string; readonly expires?: string };

const clusterOption = () => new Option("--cluster <name>", "of this cluster (default: the kubeconfig's)").conflicts("root");
const rootOption = (about: string) => new Option("--root", about);
const jsonOption = () => new Option("--json", "print JSON");

export function tokenCommand(context: Context): Command {
  return new Command("token")
    .description("make, list and revoke the tokens that clients come in with")
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(revokeCommand(context));
}

const createCommand = (context: Context): Command =>
  new Command("create")
    .description("make a token and print it; it can't be shown again")
    .argument("[name]", "whose it is: the actor of what is done with it (default: <role>@<cluster>)")
    .addOption(new Option("--role <role>", "what its holder may").choices(roles).makeOptionMandatory())
    .addOption(clusterOption())
    .addOption(rootOption("of the root: its clusters and metrics; with the role admin everything everywhere"))
    .addOption(new Option("--expires <when>", "after a time like 30d or 12h, or at an RFC 3339 time (default: never)"))
    .addOption(jsonOption())
    .action((name: string | undefined, options: CreateOptions) => create(context, name, options));

const listCommand = (context: Context): Command =>
  new Command("list")
    .description("list tokens, without their secrets")
    .addOption(clusterOption())
    .addOption(rootOption("all of the installation"))
    .addOption(jsonOption())
    .action((options: ScopeOptions) => list(context, options));

const revokeCommand = (context: Context): Command =>
  new Command("revoke")
    .description("end tokens: they are refused at once, by other processes within a minute")
    .argument("<id...>", "ids, as `token list` shows them")
    .addOption(clusterOption())
    .addOption(rootOption("wherever they are"))
    .action((ids: readonly string[], options: ScopeOptions) => revoke(context, ids, options));

/** The scope's place in the tree, and its name. */
function scopeOf(context: Context, { cluster, root }: ScopeOptions) {
  const client = context.client();
  const name = root ? undefined : (cluster ?? client.cluster ?? defaultCluster);
  return { client, name: name ?? "root", path: `${client.base(name)}/windlass/v1/tokens` };
}

async function create(context: Context, given: string | undefined, options: CreateOptions): Promise<void> {
  const { terminal } = context;
  const expires = options.expires === undefined ? undefined : expiryOf(options.expires);
  const { client, name: scope, path } = scopeOf(context, options);
  const name = given ?? `${options.role}@${scope}`;
  const body = { name, role: options.role, ...(expires !== undefined && { expires }) };
  const made = await client.send<Token & { readonly token: string }>("POST", path, { body });
  terminal.out(options.json ? jsonLine(made) : `${made.token}\n`);
}

function expiryOf(text: string): string {
  const now = Date.now();
  const time = parseExpiry(text, now);
  if (time === undefined)
    throw new UsageError(`--expires is ${JSON.stringify(text)}; it must be like 30d, 12h, or 2030-01-02T03:04:05Z`);
  if (time <= now || Number.isNaN(new Date(time).getTime()))
    throw new UsageError(`--expires ${text} is not a time in the future`);
  return new Date(time).toISOString();
}

async function list(context: Context, options: ScopeOptions): Promise<void> {
  const { client, path } = scopeOf(context, options);
  const { items } = await client.get<{ readonly items: readonly Token[] }>(path);
  if (options.json) return context.terminal.out(jsonLine(items));
  const now = Date.now();
  const rows = items.map(({ id, name, role, clusterUid, created, expires = "never" }) => [
    id,
    name,
    role,
    clusterUid,
    ageText(created, now),
    expires !== "never" && Date.parse(expires) <= now ? `${expires} (over)` : expires,
  ]);
  context.terminal.out(tableText(["ID", "NAME", "ROLE", "CLUSTER UID", "AGE", "EXPIRES"], rows));
}

/** Each one; the first that can't be ended ends the command. */
async function revoke(context: Context, ids: readonly string[], options: ScopeOptions): Promise<void> {
  const { client, path } = scopeOf(context, options);
  for (const id of ids) {
    const { name } = await client.send<Token>("DELETE", `${path}/${encodeURIComponent(id)}`).catch((error: unknown) => {
      throw error instanceof CommandError ? new CommandError(`token ${id}: ${error.message}`, { cause: error }) : error;
    });
    context.terminal.out(`token ${id} of ${name} revoked\n`);
  }
}
