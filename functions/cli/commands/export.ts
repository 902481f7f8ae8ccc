/** `windlass export`: a cluster as JSON lines, exact, as of one revision. It is whole when its last line counts it. */
import { open, rename, rm } from "node:fs/promises";
import { Command } from "commander";
import type { Context } from "../context.ts";
import { CommandError } from "../errors.ts";

type Options = { readonly cluster?: string; readonly output?: string };
type Write = (bytes: Uint8Array) => Promise<unknown>;

/** The last line has no more. */
const endBytes = 512;

export const exportCommand = (context: Context): Command =>
  new Command("export")
    .description("write a cluster's objects as JSON lines, as of one revision; `import` takes them back")
    .option("--cluster <name>", "this cluster (default: the kubeconfig's)")
    .option("-o, --output <file>", "into this file (default: standard output)")
    .action((options: Options) => exportCluster(context, options));

async function exportCluster({ client: connect, terminal }: Context, { cluster, output }: Options): Promise<void> {
  const client = connect();
  const answer = await client.open("GET", `${client.base(cluster ?? client.cluster)}/windlass/v1/export`);
  if (output === undefined) await copy(answer, (bytes) => terminal.write(bytes));
  else await intoFile(output, (write) => copy(answer, write));
}

/** Whole or not at all: an export that broke off does not replace a good one. */
async function intoFile(path: string, fill: (write: Write) => Promise<void>): Promise<void> {
  const draft = `${path}.new`;
  try {
    await using file = await open(draft, "w", 0o600);
    await fill((bytes) => file.writeFile(bytes));
    await file.sync();
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(`${path} can't be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** @throws CommandError when the last line is not an export's. */
async function copy(answer: AsyncIterable<Buffer>, write: Write): Promise<void> {
  let end = Buffer.alloc(0);
  for await (const chunk of unbroken(answer)) {
    end = Buffer.concat([end, chunk.subarray(-endBytes)]).subarray(-endBytes);
    await write(chunk);
  }
  const last = end.toString("utf8").trimEnd().split("\n").at(-1) ?? "";
  if (!last.startsWith('{"kind":"ExportEnd"')) throw new CommandError("the export is not whole: its last line is missing");
}

async function* unbroken(answer: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* answer;
  } catch (cause) {
    throw new CommandError(`the export broke off: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
