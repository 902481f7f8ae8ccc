/**
 * `windlass import`: an export into a new life of its cluster, exactly. The file is looked at as a whole before anything is touched;
 * then it goes in parts, each of which may be sent again.
 */
import { Command, Option } from "commander";
import type { Client } from "../client.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../errors.ts";
import { type ExportFile, readExport } from "../export-file.ts";
import { clusterNamed, makeCluster, removeCluster } from "./cluster.ts";

type Options = { readonly cluster?: string; readonly replace?: boolean; readonly resume?: boolean };
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
    .action((file: string, options: Options) => importCluster(context, file, options));

async function importCluster({ client: connect, terminal }: Context, path: string, options: Options): Promise<void> {
  const file = await readExport(path);
  const client = connect();
  const name = options.cluster ?? file.name;
  const isThere = await makeRoom(client, name, options);
  if (!isThere) await makeCluster(client, name, file.spec);
  let created = 0;
  for (const part of partsOf(file)) {
    const body = { kind: "List", apiVersion: "v1", items: part };
    created += (await client.send<Imported>("POST", `${client.base(name)}/windlass/v1/import`, { body })).created;
  }
  terminal.out(`cluster ${name}: ${created} of ${file.objects.length} objects made\n`);
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
