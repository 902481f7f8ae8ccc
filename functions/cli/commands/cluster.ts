/** `windlass cluster`: clusters are objects of the root, and these are their requests. */
import { Command } from "commander";
import { ageText } from "../../../shared/api/age.ts";
import { apiVersion } from "../../../shared/kinds/object.ts";
import type { Client } from "../client.ts";
import type { Context } from "../context.ts";
import { CommandError, ServerError } from "../errors.ts";
import { jsonLine, tableText } from "../print.ts";

export type ClusterObject = {
  readonly metadata: { readonly name: string; readonly uid: string; readonly creationTimestamp: string };
  readonly spec: { readonly retention?: string; readonly description?: string };
  readonly status?: { readonly state?: string };
};
type CreateOptions = { readonly retention?: string; readonly description?: string; readonly json?: boolean };

const clustersPath = `/apis/${apiVersion}/clusters`;
const pathOf = (name: string): string => `${clustersPath}/${encodeURIComponent(name)}`;
/** A deletion takes as long as its finalizers; whoever waits looks so often, for so long. */
const lookMs = 250;
const waitMs = 60_000;

export function clusterCommand(context: Context): Command {
  const create = new Command("create")
    .description("make a cluster")
    .argument("<name>")
    .option("--retention <time>", "how long watches can resume, like 168h, or never: full history")
    .option("--description <text>", "what it is for")
    .option("--json", "print JSON")
    .action((name: string, options: CreateOptions) => createCluster(context, name, options));
  const list = new Command("list")
    .description("list the clusters")
    .option("--json", "print JSON")
    .action((options: { readonly json?: boolean }) => listClusters(context, options));
  const remove = new Command("delete")
    .description("end a cluster: its log is sealed, and everything of it is removed")
    .argument("<name...>")
    .option("--no-wait", "do not wait until it is gone")
    .action((names: readonly string[], options: { readonly wait: boolean }) => deleteClusters(context, names, options));
  return new Command("cluster")
    .description("make, list and delete clusters")
    .addCommand(create)
    .addCommand(list)
    .addCommand(remove);
}

async function createCluster(context: Context, name: string, { json, ...spec }: CreateOptions): Promise<void> {
  const made = await makeCluster(context.client(), name, spec);
  context.terminal.out(json ? jsonLine(made) : `cluster ${name} created\n`);
}

export const makeCluster = (client: Client, name: string, spec: object): Promise<ClusterObject> =>
  client.send<ClusterObject>("POST", clustersPath, { body: { apiVersion, kind: "Cluster", metadata: { name }, spec } });

/** Changes these fields of its spec; null takes one away. */
export const setCluster = (client: Client, name: string, spec: object): Promise<ClusterObject> =>
  client.send<ClusterObject>("PATCH", pathOf(name), { body: { spec }, type: "application/merge-patch+json" });

async function listClusters({ client, terminal }: Context, { json }: { readonly json?: boolean }): Promise<void> {
  const { items } = await client().get<{ readonly items: readonly ClusterObject[] }>(clustersPath);
  if (json) return terminal.out(jsonLine(items));
  const now = Date.now();
  const rows = items.map(({ metadata, spec, status }) => [
    metadata.name,
    status?.state ?? "creating",
    spec.retention ?? "",
    metadata.uid,
    ageText(metadata.creationTimestamp, now),
  ]);
  terminal.out(tableText(["NAME", "STATE", "RETENTION", "UID", "AGE"], rows));
}

async function deleteClusters(context: Context, names: readonly string[], { wait }: { readonly wait: boolean }): Promise<void> {
  const client = context.client();
  for (const name of names) {
    await removeCluster(client, name, { wait });
    context.terminal.out(`cluster ${name} deleted\n`);
  }
}

/** The cluster of this name that is there now; with `wait`, until it is gone. */
export async function removeCluster(client: Client, name: string, { wait }: { readonly wait: boolean }): Promise<void> {
  const cluster = await client.get<ClusterObject>(pathOf(name));
  const { uid } = cluster.metadata;
  await client.send("DELETE", pathOf(name), { body: { preconditions: { uid } } });
  for (const deadline = Date.now() + waitMs; wait; ) {
    const there = await clusterNamed(client, name);
    if (there === undefined || there.metadata.uid !== uid) return;
    if (Date.now() > deadline)
      throw new CommandError(`cluster ${name} is not gone after ${waitMs / 1_000} s: its deletion goes on`);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

export async function clusterNamed(client: Client, name: string): Promise<ClusterObject | undefined> {
  try {
    return await client.get<ClusterObject>(pathOf(name));
  } catch (error) {
    if (error instanceof ServerError && error.code === 404) return undefined;
    throw error;
  }
}
