/**
 * A certificate of one's own, from files that somebody else makes and renews. A pair is served only when it is one: files that are read
 * between the renewal of the one and of the other are refused, and read again later.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import type { TlsFiles } from "./config.ts";
import { StartError } from "./errors.ts";
import { readText } from "./files.ts";

/** What the listener serves with. `ca`: what clients need to trust it, PEM; undefined: their machine trusts it already. */
export type ServedCertificate = { readonly cert: string; readonly key: string; readonly ca: string | undefined };

const certificateForm = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** @throws StartError when a file can't be read or is not what its flag says, or the two don't belong together. */
export async function readOwnCertificate(files: TlsFiles): Promise<ServedCertificate> {
  const cert = await readNamed("--tls-cert", files.cert);
  const key = await readNamed("--tls-key", files.key);
  const ca = files.ca === undefined ? undefined : await readNamed("--tls-ca", files.ca);
  const chain = chainOf(`--tls-cert ${files.cert}`, cert);
  if (ca !== undefined) chainOf(`--tls-ca ${files.ca}`, ca);
  checkKey(files, chain[0], key);
  return { cert, key, ca: ca ?? rootOf(chain) };
}

/** Changes when one of the files does; undefined: there are no such files to look at. */
export async function fingerprintOf(files: TlsFiles | undefined): Promise<string | undefined> {
  if (files === undefined) return undefined;
  const paths = [files.cert, files.key, ...(files.ca === undefined ? [] : [files.ca])];
  const found = await Promise.all(paths.map((path) => stat(path, { bigint: true })));
  return found.map(({ ino, size, mtimeNs }) => `${ino} ${size} ${mtimeNs}`).join(", ");
}

/** A DNS name that the certificate is for, where it is not for `host`; undefined: it is, or is for no name. */
export function otherName(cert: string, host: string): string | undefined {
  const parsed = new X509Certificate(cert);
  if (parsed.checkHost(host) !== undefined || parsed.checkIP(host) !== undefined) return undefined;
  const names = parsed.subjectAltName?.split(", ") ?? [];
  const [, name] = names.map((one) => /^DNS:([A-Za-z0-9.-]+)$/.exec(one)).find((match) => match !== null) ?? [];
  return name;
}

async function readNamed(flag: string, path: string): Promise<string> {
  const text = await readText(path);
  if (text === undefined) throw new StartError(`${flag}: there is no file ${path}`);
  return text;
}

/** The server's own first. */
function chainOf(what: string, text: string): readonly X509Certificate[] {
  try {
    const found = (text.match(certificateForm) ?? []).map((pem) => new X509Certificate(pem));
    if (found.length > 0) return found;
  } catch (cause) {
    throw new StartError(`${what} holds something that is not a certificate`, { cause });
  }
  throw new StartError(`${what} holds no certificate in PEM`);
}

function checkKey(files: TlsFiles, certificate: X509Certificate | undefined, key: string): void {
  let matches = false;
  try {
    matches = certificate?.checkPrivateKey(createPrivateKey(key)) ?? false;
  } catch (cause) {
    throw new StartError(`--tls-key ${files.key} is not a private key in PEM without a passphrase`, { cause });
  }
  if (!matches) throw new StartError(`--tls-key ${files.key} is not the key of --tls-cert ${files.cert}`);
}

/** The chain's last, where it is signed by itself: clients can trust that. A chain that ends below a public root needs nothing. */
function rootOf(chain: readonly X509Certificate[]): string | undefined {
  const last = chain.at(-1);
  return last?.checkIssued(last) === true ? last.toString() : undefined;
}
