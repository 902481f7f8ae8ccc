/** `windlass kubeconfig`: the way into a cluster, for someone: printed, or put into the kubeconfig that they have. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Command, Option } from "commander";
import { stringify } from "yaml";
import { StartError } from "../../local/errors.ts";
import { makePrivateFolder, writePrivateFile } from "../../local/files.ts";
import { Client } from "../client.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../errors.ts";
import { type Kubeconfig, readKubeconfig } from "../kubeconfig.ts";
import { stackConnection } from "../stack.ts";

type Options = {
  readonly stack?: string;
  readonly cluster?: string;
  readonly token?: string;
  readonly user?: string;
  readonly name?: string;
  readonly merge?: string;
};
type Lists = Pick<Kubeconfig, "clusters" | "contexts" | "users">;

export const kubeconfigCommand = (context: Context): Command =>
  new Command("kubeconfig")
    .description("print a kubeconfig for a cluster, or merge it into a file")
    .option(
      "--stack <name>",
      "of a deployment on AWS, by its stack; AWS_ENDPOINT_URL, AWS_REGION, AWS_PROFILE count as for the AWS CLI",
    )
    .option("--cluster <name>", "for this cluster (default: the kubeconfig's)")
    .option("--token <token>", "with this token, as `token create` prints it (default: the kubeconfig's, or the stack's first)")
    .option("--user <name>", "the user's name in the file (default: windlass-<cluster>, or <stack>-<cluster>)")
    .option(
      "--name <name>",
      "the context's and the cluster's name in the file (default: windlass-<cluster>, or <stack>-<cluster>)",
    )
    .addOption(new Option("--merge <file>", "put it into this file, instead of what has these names there"))
    .action((options: Options) => kubeconfig(context, options));

async function kubeconfig({ client: connect, terminal }: Context, options: Options): Promise<void> {
  const { stack, token } = options;
  const client = stack === undefined ? connect() : new Client(await stackConnection(terminal, { stack, token }));
  const made = listsFor(client, options);
  const contextName = made.contexts?.[0]?.name ?? "";
  if (options.merge === undefined) {
    const text = stringify({ apiVersion: "v1", kind: "Config", "current-context": contextName, ...made });
    return terminal.out(text);
  }
  await mergeInto(resolve(options.merge), made, contextName);
  terminal.out(`context ${contextName} is in ${options.merge}\n`);
}

function listsFor(client: Client, options: Options): Lists {
  const cluster = options.cluster ?? client.cluster;
  const name = options.name ?? `${options.stack ?? "windlass"}-${cluster ?? "default"}`;
  const user = options.user ?? name;
  const { ca, serverName, isInsecure, certificate, key } = client.connection;
  const token = options.token ?? client.connection.token;
  const data = (pem: string): string => Buffer.from(pem).toString("base64");
  const withCertificate = options.token === undefined && certificate !== undefined && key !== undefined;
  if (token === undefined && !withCertificate) throw new CommandError("the kubeconfig has no token: pass --token <token>");
  const trust = {
    ...(ca !== undefined && { "certificate-authority-data": data(ca) }),
    ...(serverName !== undefined && { "tls-server-name": serverName }),
    ...(isInsecure && { "insecure-skip-tls-verify": true }),
  };
  const credentials = {
    ...(token !== undefined && { token }),
    ...(withCertificate && { "client-certificate-data": data(certificate), "client-key-data": data(key) }),
  };
  return {
    clusters: [{ name, cluster: { server: client.serverOf(cluster), ...trust } }],
    contexts: [{ name, context: { cluster: name, user, namespace: "default" } }],
    users: [{ name: user, user: credentials }],
  };
}

/** What else the file has stays, its current context too; comments do not, as with kubectl. */
async function mergeInto(path: string, made: Lists, contextName: string): Promise<void> {
  const there: Kubeconfig = existsSync(path) ? readKubeconfig(path) : {};
  const merged = {
    apiVersion: "v1",
    kind: "Config",
    ...there,
    "current-context": there["current-context"] || contextName,
    clusters: mergeNamed(there.clusters, made.clusters),
    contexts: mergeNamed(there.contexts, made.contexts),
    users: mergeNamed(there.users, made.users),
  };
  try {
    await makePrivateFolder(dirname(path));
    await writePrivateFile(path, stringify(merged));
  } catch (error) {
    throw error instanceof StartError ? new CommandError(error.message, { cause: error }) : error;
  }
}

function mergeNamed<T extends { readonly name: string }>(
  there: readonly T[] | null | undefined,
  made: readonly T[] | null | undefined,
): T[] {
  const names = new Set(made?.map(({ name }) => name));
  return [...(there ?? []).filter(({ name }) => !names.has(name)), ...(made ?? [])];
}
