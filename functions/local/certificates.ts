/**
 * The embedded host's own certificate authority and server certificate, in the data folder: ca.crt, ca.key, server.crt,
 * server.key. The authority is kept for as long as it can be, for clients hold it; the server's certificate is derived from it
 * and made anew whenever it would not do.
 */
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import type { X509Certificate as MadeCertificate } from "@peculiar/x509";
import { StartError } from "./errors.ts";
import { readText, writePrivateFile } from "./files.ts";

const dayMs = 24 * 3600 * 1000;
const authorityMs = 3_650 * dayMs;
/** Clients such as Apple's refuse server certificates of more than 825 days. */
const serverMs = 365 * dayMs;
/** A certificate with less time left is renewed: a month of starts, or of daily looks, falls into it. */
const remainingMs = 30 * dayMs;
/** Clocks of clients may be behind ours. */
const skewMs = 5 * 60 * 1000;
const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" } as const;
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" } as const;
const localHosts = ["localhost", "127.0.0.1", "::1"] as const;

/** All in PEM. */
export type Certificates = { readonly ca: string; readonly cert: string; readonly key: string };

export type CertificatesOptions = {
  readonly folder: string;
  /** Names and addresses beside localhost's that clients come by. */
  readonly hosts: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
};

type Authority = { readonly cert: string; readonly key: string | undefined };

/**
 * The certificates to serve with, made or renewed where needed.
 * @throws StartError when a file can't be read or written, is not what its name says, or the authority's key is needed and gone.
 */
export async function ensureCertificates({ folder, hosts, now }: CertificatesOptions): Promise<Certificates> {
  const path = (name: string): string => join(folder, name);
  const names = [...new Set([...localHosts, ...hosts])];
  const authority = await ensureAuthority(path, now);
  const cert = await readText(path("server.crt"));
  const key = await readText(path("server.key"));
  if (cert !== undefined && key !== undefined && serves({ cert, key, ca: authority.cert, names, now })) {
    return { ca: authority.cert, cert, key };
  }
  if (authority.key === undefined) {
    throw new StartError(
      `${path("ca.key")} is gone, and a new server certificate is needed: put it back, or remove ca.crt to have both made anew`,
    );
  }
  const made = await makeServerCertificate({ cert: authority.cert, key: authority.key }, names, now);
  await writePrivateFile(path("server.key"), made.key);
  await writePrivateFile(path("server.crt"), made.cert);
  return { ca: authority.cert, ...made };
}

/**
 * A key whose certificate is missing (a crash came between the two) or runs out gets a new certificate: what it signed stays
 * good.
 */
async function ensureAuthority(path: (name: string) => string, now: number): Promise<Authority> {
  const cert = await readText(path("ca.crt"));
  const key = await readText(path("ca.key"));
  if (cert !== undefined) {
    const parsed = parseCertificate(path("ca.crt"), cert);
    if (key !== undefined) checkPair(path, parsed, key);
    if (parsed.validToDate.getTime() - now >= remainingMs) return { cert, key };
  }
  const made = await makeAuthority(key === undefined ? undefined : { text: key, path: path("ca.key") }, now);
  await writePrivateFile(path("ca.key"), made.key);
  await writePrivateFile(path("ca.crt"), made.cert);
  return made;
}

/** Whether the server certificate will do: it is the key's, by this authority, for all `names`, and not about to run out. */
function serves(options: Certificates & { readonly names: readonly string[]; readonly now: number }): boolean {
  const { cert, key, ca, names, now } = options;
  try {
    const parsed = new X509Certificate(cert);
    const covers = (name: string): boolean => (isIP(name) === 0 ? parsed.checkHost(name) : parsed.checkIP(name)) !== undefined;
    const lasts = parsed.validFromDate.getTime() <= now && parsed.validToDate.getTime() - now >= remainingMs;
    return (
      lasts &&
      parsed.checkPrivateKey(createPrivateKey(key)) &&
      parsed.verify(new X509Certificate(ca).publicKey) &&
      names.every(covers)
    );
  } catch {
    // Not a certificate or not a key: it is derived, so it is made anew.
    return false;
  }
}

async function makeAuthority(former: { readonly text: string; readonly path: string } | undefined, now: number) {
  const x509 = await loadX509();
  const keys = former === undefined ? await newKeys() : await importKeys(former);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: newSerial(),
      name: "CN=Windlass local authority",
      notBefore: new Date(now - skewMs),
      notAfter: new Date(now + authorityMs),
      signingAlgorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { cert: pemOf(certificate), key: await keyPem(keys.privateKey) };
}

async function makeServerCertificate(authority: Authority & { readonly key: string }, names: readonly string[], now: number) {
  const x509 = await loadX509();
  const keys = await newKeys();
  const issuer = new x509.X509Certificate(authority.cert);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: newSerial(),
      issuer: issuer.subject,
      subject: "CN=Windlass",
      notBefore: new Date(now - skewMs),
      notAfter: new Date(Math.min(now + serverMs, issuer.notAfter.getTime())),
      signingAlgorithm,
      publicKey: keys.publicKey,
      signingKey: (await importKeys({ text: authority.key, path: "ca.key" })).privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value }))),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { cert: pemOf(certificate), key: await keyPem(keys.privateKey) };
}

/** Where a certificate is made, and not at every start: it holds 7 MB for good. */
async function loadX509(): Promise<typeof import("@peculiar/x509")> {
  // It stands on tsyringe, which wants this before it is loaded.
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

function parseCertificate(path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw new StartError(`${path} is not a certificate: put the right one back, or remove it to have a new one made`, { cause });
  }
}

function checkPair(path: (name: string) => string, certificate: X509Certificate, key: string): void {
  let matches = false;
  try {
    matches = certificate.checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new StartError(
      `${path("ca.key")} is not a private key: put the right one back, or remove it and ca.crt to have new ones made`,
      { cause },
    );
  }
  if (!matches)
    throw new StartError(
      `${path("ca.key")} is not the key of ${path("ca.crt")}: put the right one back, or remove both to have new ones made`,
    );
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> => webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);

async function importKeys({ text, path }: { readonly text: string; readonly path: string }): Promise<webcrypto.CryptoKeyPair> {
  try {
    const { kty, crv, x, y, d } = createPrivateKey(text).export({ format: "jwk" });
    const jwk = { kty, crv, x, y } as webcrypto.JsonWebKey;
    const [publicKey, privateKey] = await Promise.all([
      webcrypto.subtle.importKey("jwk", jwk, keyAlgorithm, true, ["verify"]),
      webcrypto.subtle.importKey("jwk", { ...jwk, d } as webcrypto.JsonWebKey, keyAlgorithm, true, ["sign"]),
    ]);
    return { publicKey, privateKey };
  } catch (cause) {
    throw new StartError(
      `${path} is not an ECDSA P-256 private key: put the right one back, or remove it and ca.crt to have new ones made`,
      { cause },
    );
  }
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "pem", type: "pkcs8" }).toString();
}

const pemOf = (certificate: MadeCertificate): string => `${certificate.toString("pem").trim()}\n`;

/** RFC 5280 section 4.1.2.2: positive, not zero, 20 bytes at most. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
