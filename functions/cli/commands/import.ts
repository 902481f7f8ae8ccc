/**
 * `windlass import`: an export into a new life of its cluster, exactly. The file is looked at as a whole before anything is touched;
 * then it goes in parts, each of which may be sent again.
 */
import { Command, Option } from "commander";
import type { Client } from "../client.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../errors.ts";
import { type ExportFile, readExport } from "../export-file.ts";
import { clusterNamed, makeCluster, removeCluster, setCluster } from "./cluster.ts";

type Options = {
  readonly cluster?: string;
  readonly replace?: boolean;
  readonly resume?: boolean;
  readonly adopt?: readonly string[];
};
type Imported = { readonly created: number };

/** Objects and bytes of one request: well below the 3 MiB that a body may have. */
const partObjects = 1_000;
const partBytes = 2 * 1024 * 1024;

export const importCommand = (context: Context): Command =>
  new Command("import")
    .description("make a cluster from an export: the same objects with their uids, generations and times, in a new life")
    .argument("<file>", "what `export` wrote")
    .option("--cluster <name>", "under this name (default: the export's)")
    .addOption(new Option("--replace", "end the cluster that has the name now, with all that is in it").conflicts("resume"))
    .option("--resume", "go on with an import that broke off")
    .addOption(
      new Option(
        "--adopt <uid>",
        "take the containers of this former cluster for the new one's own, so that they run on; may be given several times (default: they are not touched, and others are made)",
      ).argParser((uid: string, before: readonly string[] = []) => [...before, uid]),
    )
    .action((file: string, options: Options) => importCluster(context, file, options));

async function importCluster({ client: connect, terminal }: Context, path: string, options: Options): Promise<void> {
  const file = await readExport(path);
  const client = connect();
  const name = options.cluster ?? file.name;
  const { adopts: _, ...spec } = file.spec;
  const adopts = options.adopt && { adopts: adopted(file, options.adopt) };
  const isThere = await makeRoom(client, name, options);
  // Nobody works on half of a fleet: what is not imported yet would be made again, or its containers be taken for stale.
  if (isThere) await setCluster(client, name, { paused: true, ...adopts });
  else await makeCluster(client, name, { ...spec, paused: true, ...adopts });
  const created = await fill(client, name, file);
  await setCluster(client, name, { paused: spec.paused ?? null });
  terminal.out(`cluster ${name}: ${created} of ${file.objects.length} objects made\n`);
}

/** How many objects were made. */
async function fill(client: Client, name: string, file: ExportFile): Promise<number> {
  let created = 0;
  try {
    for (const part of partsOf(file)) {
      const body = { kind: "List", apiVersion: "v1", items: part };
      created += (await client.send<Imported>("POST", `${client.base(name)}/windlass/v1/import`, { body })).created;
    }
    return created;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`${error.message}; cluster ${name} stays paused until an import with --resume ends`, { cause: error });
  }
}

/** What a cluster had adopted is adopted with it. */
function adopted({ uid, spec }: ExportFile, uids: readonly string[]): readonly string[] {
  const before = uid !== undefined && uids.includes(uid) ? (spec.adopts ?? []) : [];
  return [...new Set([...uids, ...before])];
}

/** Whether a cluster of the name is there to be filled. @throws CommandError when it is in use, or to be resumed and not there. */
async function makeRoom(client: Client, name: string, { replace, resume }: Options): Promise<boolean> {
  const there = await clusterNamed(client, name);
  if (resume && there === undefined) throw new CommandError(`there is no cluster ${name} to go on with: import without --resume`);
  if (resume) return true;
  if (there === undefined) return false;
  // A new installation's default cluster can't be deleted, and needs not be.
  if (await isEmpty(client, name)) return true;
  if (!replace) {
    throw new CommandError(
      `cluster ${name} is in use: --replace ends it first, --resume goes on with an import, --cluster names another`,
    );
  }
  await removeCluster(client, name, { wait: true });
  return false;
}

/** By the second line of its export. */
async function isEmpty(client: Client, name: string): Promise<boolean> {
  const answer = await client.open("GET", `${client.base(name)}/windlass/v1/export`);
  let text = "";
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    text += chunk.toString("utf8");
    if (/\n.*\n/.test(text)) break;
  }
  answer.destroy();
  return text.split("\n")[1]?.startsWith('{"kind":"ExportEnd"') ?? false;
}

function* partsOf({ objects }: ExportFile): Generator<readonly object[]> {
  let part: object[] = [];
  let bytes = 0;
  for (const { object, size } of objects) {
    if (part.length === partObjects || (part.length > 0 && bytes + size > partBytes)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(object);
    bytes += size;
  }
  if (part.length > 0) yield part;
}
