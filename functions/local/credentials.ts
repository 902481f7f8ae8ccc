/**
 * What a client needs to come in: the first admin token of the root, a kubeconfig and a Docker config.json that use it. The
 * token is kept across restarts; removing its file and starting again is how it is replaced: then all former ones of this host
 * end. The client files are written again when address, authority or token have changed, and otherwise left as kubectl and
 * docker may have changed them.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { rootScope } from "../../shared/access/access.ts";
import type { Tokens } from "../../shared/access/tokens.ts";
import { StartError } from "./errors.ts";
import { makePrivateFolder, readText, writePrivateFile } from "./files.ts";

/**
 * The actor of what is done with the token. No other token should have it: replacing the file's token revokes all of this name.
 */
export const localAdminName = "local-admin";

export type ClientFiles = {
  /** For KUBECONFIG. */
  readonly kubeconfig: string;
  /** A folder with a config.json, and the authority's ca.pem where there is one, for DOCKER_CONFIG. */
  readonly dockerFolder: string;
};

export type ClientFilesOptions = {
  /** The data folder, absolute. */
  readonly folder: string;
  /** `https://host:port`, as clients reach it. */
  readonly url: string;
  /** The authority's certificate, PEM; absent: one that the machine trusts. */
  readonly ca?: string;
  /** The name that the certificate is for, where it is not the URL's. */
  readonly serverName?: string;
  readonly token: string;
};

/** The admin token in `<folder>/admin.token`, made if the file is missing or its token is no longer good. @throws StartError */
export async function ensureAdminToken(
  folder: string,
  tokens: Pick<Tokens, "create" | "verify" | "list" | "revoke">,
): Promise<string> {
  const path = join(folder, "admin.token");
  const kept = (await readText(path))?.trim();
  if (kept !== undefined) {
    const known = await tokens.verify(kept);
    if (known?.role === "admin" && known.clusterUid === rootScope) return kept;
  }
  for (const former of await tokens.list()) {
    if (former.name === localAdminName && former.clusterUid === rootScope) await tokens.revoke(former.id);
  }
  const { text } = await tokens.create({ name: localAdminName, role: "admin", clusterUid: rootScope });
  await writePrivateFile(path, `${text}\n`);
  return text;
}

/** Writes `<folder>/kubeconfig` and `<folder>/docker/config.json` where they don't say this already. @throws StartError */
export async function writeClientFiles(options: ClientFilesOptions): Promise<ClientFiles> {
  const kubeconfig = join(options.folder, "kubeconfig");
  const dockerFolder = join(options.folder, "docker");
  await makePrivateFolder(dockerFolder);
  await writeKubeconfig(kubeconfig, options);
  await writeDockerConfig(join(dockerFolder, "config.json"), options.token);
  await writeAuthority(join(dockerFolder, "ca.pem"), options.ca);
  return { kubeconfig, dockerFolder };
}

async function writeKubeconfig(path: string, { url, ca, serverName, token }: ClientFilesOptions): Promise<void> {
  const there = await readText(path);
  const trust = [
    ...(serverName === undefined ? [] : [`tls-server-name: ${serverName}`]),
    ...(ca === undefined ? [] : [`certificate-authority-data: ${Buffer.from(ca).toString("base64")}`]),
  ];
  // kubectl writes the file in its own order, but these always unbroken and unquoted.
  const isCurrent = there !== undefined && [`server: ${url}\n`, token, ...trust].every((part) => there.includes(part));
  const hasMore = ["tls-server-name:", "certificate-authority-data:"].some(
    (field) => there?.includes(field) === true && !trust.some((part) => part.startsWith(field)),
  );
  if (!isCurrent || hasMore) await writePrivateFile(path, kubeconfigText({ url, trust, token }));
}

type KubeconfigParts = { readonly url: string; readonly trust: readonly string[]; readonly token: string };

function kubeconfigText({ url, trust, token }: KubeconfigParts): string {
  return `apiVersion: v1
kind: Config
current-context: windlass
clusters:
- name: windlass
  cluster:
${[`server: ${url}`, ...trust].map((line) => `    ${line}\n`).join("")}contexts:
- name: windlass
  context:
    cluster: windlass
    user: windlass
    namespace: default
users:
- name: windlass
  user:
    token: ${token}
`;
}

/** `docker login` keeps its credentials in the same file: only our header is set. */
async function writeDockerConfig(path: string, token: string): Promise<void> {
  const there = await readText(path);
  const config = there === undefined ? {} : parseObject(path, there);
  const headers = isObject(config["HttpHeaders"]) ? config["HttpHeaders"] : {};
  const wanted = `Bearer ${token}`;
  if (headers["Authorization"] === wanted) return;
  const text = JSON.stringify({ ...config, HttpHeaders: { ...headers, Authorization: wanted } }, undefined, 2);
  await writePrivateFile(path, `${text}\n`);
}

/** Where `docker --tlsverify` looks for it. */
async function writeAuthority(path: string, ca: string | undefined): Promise<void> {
  if (ca === undefined) await rm(path, { force: true });
  else if ((await readText(path)) !== ca) await writePrivateFile(path, ca);
}

function parseObject(path: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StartError(`${path} is not JSON: repair it, or remove it to have a new one made`, { cause });
  }
  if (!isObject(value)) throw new StartError(`${path} is not a JSON object: repair it, or remove it to have a new one made`);
  return value;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
