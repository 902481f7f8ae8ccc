/**
 * kubeconfig files as kubectl reads them: --kubeconfig, else $KUBECONFIG (several files, the first that says something wins), else
 * ~/.kube/config. Of users only tokens and client certificates are known; a login by a program (exec) is refused with what to do.
 */
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import * as z from "zod";
import { CommandError } from "./errors.ts";
import type { Terminal } from "./terminal.ts";

const text = z.string().optional();
const name = z.string();

const clusterSchema = z.looseObject({
  server: z.string(),
  "certificate-authority": text,
  "certificate-authority-data": text,
  "tls-server-name": text,
  "insecure-skip-tls-verify": z.boolean().optional(),
});
const userSchema = z.looseObject({
  token: text,
  tokenFile: text,
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  exec: z.unknown().optional(),
  "auth-provider": z.unknown().optional(),
});
const contextSchema = z.looseObject({ cluster: z.string(), user: text, namespace: text });
const kubeconfigSchema = z.looseObject({
  "current-context": text.nullable(),
  clusters: z.array(z.looseObject({ name, cluster: clusterSchema })).nullish(),
  contexts: z.array(z.looseObject({ name, context: contextSchema })).nullish(),
  users: z.array(z.looseObject({ name, user: userSchema })).nullish(),
});
export type Kubeconfig = z.infer<typeof kubeconfigSchema>;

/** How to reach a server, and as whom. Certificates and keys in PEM. */
export type Connection = {
  readonly server: string;
  readonly ca: string | undefined;
  readonly serverName: string | undefined;
  readonly isInsecure: boolean;
  readonly token: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
};

export type Chosen = { readonly kubeconfig?: string | undefined; readonly context?: string | undefined };

/** The files that are read, the first one first; those that are not there are passed over. */
function kubeconfigPaths({ environment, home }: Pick<Terminal, "environment" | "home">, chosen: Chosen): readonly string[] {
  if (chosen.kubeconfig !== undefined) return [resolve(chosen.kubeconfig)];
  const set = (environment["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  return set.length > 0 ? set.map((path) => resolve(path)) : [join(home, ".kube", "config")];
}

/** @throws CommandError when no file says where the server is, or one of them is not a kubeconfig. */
export function readConnection(terminal: Pick<Terminal, "environment" | "home">, chosen: Chosen): Connection {
  const paths = kubeconfigPaths(terminal, chosen);
  const files = paths.filter((path) => existsSync(path)).map((path) => ({ folder: dirname(path), config: readKubeconfig(path) }));
  if (files.length === 0) {
    throw new CommandError(`there is no kubeconfig at ${paths.join(", ")}: set KUBECONFIG, or pass --kubeconfig <file>`);
  }
  const wanted = chosen.context ?? files.map(({ config }) => config["current-context"]).find((name) => name);
  if (!wanted) throw new CommandError("the kubeconfig has no current context: pass --context <name>");
  const { part: context } = find(files, `context ${wanted}`, ({ contexts }) => named(contexts, wanted)?.context);
  const cluster = find(files, `cluster ${context.cluster}`, ({ clusters }) => named(clusters, context.cluster)?.cluster);
  const { user: userName } = context;
  const user = userName === undefined ? undefined : find(files, `user ${userName}`, ({ users }) => named(users, userName)?.user);
  return { ...serverOf(cluster), ...credentialsOf(user) };
}

/** @throws CommandError when it can't be read or is none. */
export function readKubeconfig(path: string): Kubeconfig {
  try {
    const parsed = kubeconfigSchema.safeParse(parse(readFileSync(path, "utf8"), { maxAliasCount: 100 }) ?? {});
    if (parsed.success) return parsed.data;
    throw new Error(z.prettifyError(parsed.error).replaceAll("\n", " "));
  } catch (cause) {
    throw new CommandError(`${path} is not a kubeconfig: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

type File = { readonly folder: string; readonly config: Kubeconfig };
/** A part, and the folder that its file names are relative to. */
type Part<T> = { readonly part: T; readonly folder: string };

function find<T>(files: readonly File[], what: string, partOf: (config: Kubeconfig) => T | undefined): Part<T> {
  for (const { folder, config } of files) {
    const part = partOf(config);
    if (part !== undefined) return { part, folder };
  }
  throw new CommandError(`the kubeconfig has no ${what}`);
}

const named = <T extends { readonly name: string }>(list: readonly T[] | null | undefined, wanted: string): T | undefined =>
  list?.find((item) => item.name === wanted);

function serverOf({ part, folder }: Part<z.infer<typeof clusterSchema>>) {
  return {
    server: part.server,
    ca: pem(part["certificate-authority-data"], part["certificate-authority"], folder),
    serverName: part["tls-server-name"],
    isInsecure: part["insecure-skip-tls-verify"] ?? false,
  };
}

function credentialsOf(user: Part<z.infer<typeof userSchema>> | undefined) {
  if (user === undefined) return { token: undefined, certificate: undefined, key: undefined };
  const { part, folder } = user;
  if (part.exec !== undefined || part["auth-provider"] !== undefined) {
    throw new CommandError("the kubeconfig's user logs in by a program, which windlass does not run: use one with a token");
  }
  const fromFile = part.tokenFile === undefined ? undefined : readPart(resolve(folder, part.tokenFile)).trim();
  return {
    token: part.token ?? fromFile,
    certificate: pem(part["client-certificate-data"], part["client-certificate"], folder),
    key: pem(part["client-key-data"], part["client-key"], folder),
  };
}

function pem(data: string | undefined, file: string | undefined, folder: string): string | undefined {
  if (data !== undefined && data !== "") return Buffer.from(data, "base64").toString("utf8");
  return file === undefined || file === "" ? undefined : readPart(resolve(folder, file));
}

function readPart(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new CommandError(`${path}, which the kubeconfig names, can't be read`, { cause });
  }
}
