/** What secrets hold for the fleet: TLS material of nodes and credentials of registries, under the names that Docker and Kubernetes use. */
import type { TlsMaterial } from "../engine/tls.ts";
import type { RegistryAuth } from "../engine/transfers.ts";
import { type Secret, SecretUnreadableError } from "./resolver.ts";

const tlsFields = {
  ca: ["ca", "ca.pem", "ca.crt"],
  cert: ["cert", "cert.pem", "tls.crt"],
  key: ["key", "key.pem", "tls.key"],
} as const;
/** `docker login`'s file, as Kubernetes' pull secrets and Docker name it. */
const configFields = [".dockerconfigjson", "config.json"] as const;
/** Docker's own registry stands under its old address in that file. */
const hubAddress = "https://index.docker.io/v1/";

/** @throws SecretUnreadableError when it holds a certificate without its key, or the other way round, or nothing of it. */
export function tlsMaterialOf(name: string, secret: Secret): TlsMaterial {
  const [ca, cert, key] = [tlsFields.ca, tlsFields.cert, tlsFields.key].map((names) => field(secret, names));
  if ((cert === undefined) !== (key === undefined)) throw new SecretUnreadableError(name, "cert and key come together");
  if (ca === undefined && cert === undefined) throw new SecretUnreadableError(name, "it has neither ca nor cert and key");
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) };
}

/** `registry`: host[:port] as it stands before an image's name; docker.io for none. @throws SecretUnreadableError */
export function registryAuthOf(name: string, secret: Secret, registry: string): RegistryAuth {
  const { username, password, identitytoken } = secret;
  if (identitytoken !== undefined) return { identitytoken, serveraddress: registry };
  if (username !== undefined && password !== undefined) return { username, password, serveraddress: registry };
  const config = field(secret, configFields);
  if (config === undefined)
    throw new SecretUnreadableError(name, "it has neither username and password nor a Docker configuration");
  const key = registry === "docker.io" ? hubAddress : registry;
  const auth = authsOf(name, config)[key] ?? authsOf(name, config)[`https://${key}`];
  if (auth === undefined) throw new SecretUnreadableError(name, `its Docker configuration knows no ${registry}`);
  return { ...credentialsOf(auth), serveraddress: registry };
}

type Auth = { readonly auth?: string; readonly username?: string; readonly password?: string; readonly identitytoken?: string };

function authsOf(name: string, config: string): Readonly<Record<string, Auth>> {
  try {
    const { auths } = JSON.parse(config) as { readonly auths?: Readonly<Record<string, Auth>> };
    return auths ?? {};
  } catch {
    throw new SecretUnreadableError(name, "its Docker configuration is not JSON");
  }
}

/** `auth` is base64 of `username:password`. */
function credentialsOf({ auth, username, password, identitytoken }: Auth): RegistryAuth {
  if (identitytoken !== undefined) return { identitytoken };
  if (auth === undefined) return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
  const text = Buffer.from(auth, "base64").toString();
  const colon = text.indexOf(":");
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

const field = (secret: Secret, names: readonly string[]): string | undefined =>
  names.map((name) => (Object.hasOwn(secret, name) ? secret[name] : undefined)).find((value) => value !== undefined);
