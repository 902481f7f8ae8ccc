/** A certificate of one's own: served, put into the kubeconfig, read again when its files change, and refused where it is none. */
import "reflect-metadata";
import { webcrypto, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import https from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import * as x509 from "@peculiar/x509";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Host, startHost } from "../../functions/local/host.ts";
import { readOwnCertificate } from "../../functions/local/own-certificate.ts";
import { Tokens } from "../../shared/access/tokens.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { newFolder } from "./folder.ts";
import { ManualClock } from "./manual-clock.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const rereadMs = 10_000;

type Pair = { readonly cert: string; readonly key: string };
type Signer = { readonly certificate: x509.X509Certificate; readonly keys: webcrypto.CryptoKeyPair };

/** Signed by `signer`, or by itself. */
async function newPair(name: string, signer?: Signer): Promise<Pair & Signer> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: "01",
      subject: `CN=${name}`,
      issuer: signer?.certificate.subject ?? `CN=${name}`,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: (signer?.keys ?? keys).privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(signer === undefined, undefined, true),
        new x509.SubjectAlternativeNameExtension([{ type: "dns", value: name }]),
      ],
    },
    webcrypto,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const key = `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`;
  return { cert: `${certificate.toString("pem")}\n`, key, certificate, keys };
}

async function writePair(folder: string, { cert, key }: Pair) {
  const files = { cert: join(folder, "own.crt"), key: join(folder, "own.key") };
  await writeFile(files.cert, cert);
  await writeFile(files.key, key);
  return files;
}

async function start(folder: string, files: { cert: string; key: string; ca?: string }) {
  const [clock, lines] = [new ManualClock(), [] as string[]];
  const tokens = new Tokens({ cells: openMemory().cells, rootUid: "root-uid", clock, ids: systemIds, newSecret });
  const host = await startHost(
    { host: "127.0.0.1", port: 0, data: join(folder, "data"), tls: files },
    {
      buildApp: async () => ({
        tokens,
        handle: async () => ({ status: 200, headers: {}, body: "ok" }),
        close: async () => undefined,
      }),
      clock,
      logger: { log: (_level, message) => void lines.push(message) },
    },
  );
  onTestFinished(() => host.close());
  return { host, clock, lines };
}

/** The serial-free identity of what is served now. */
async function served({ url }: Host): Promise<string> {
  const request = https.get(url, { rejectUnauthorized: false, agent: false });
  const [response] = await once(request, "response");
  const { fingerprint256 } = (response.socket as TLSSocket).getPeerCertificate();
  response.resume();
  return fingerprint256;
}

const fingerprint = ({ cert }: Pair): string => new X509Certificate(cert).fingerprint256;

describe("a certificate of one's own", () => {
  test("is served, and the kubeconfig trusts it by the name that it is for", async () => {
    const folder = await newFolder();
    const pair = await newPair("api.example.com");
    const { host } = await start(folder, await writePair(folder, pair));
    expect(await served(host)).toBe(fingerprint(pair));
    const kubeconfig = await readFile(host.files.kubeconfig, "utf8");
    expect(kubeconfig).toContain("tls-server-name: api.example.com\n");
    const [, data = ""] = /certificate-authority-data: (\S+)/.exec(kubeconfig) ?? [];
    const ca = Buffer.from(data, "base64").toString("utf8");
    const [response] = await once(https.get(host.url, { ca, servername: "api.example.com", agent: false }), "response");
    expect(response.resume().statusCode).toBe(200);
  });

  test("that an authority signed is trusted by the authority that --tls-ca names; without it by nothing of ours", async () => {
    const folder = await newFolder();
    const authority = await newPair("Authority");
    const files = await writePair(folder, await newPair("localhost", authority));
    await writeFile(join(folder, "ca.pem"), authority.cert);
    expect((await readOwnCertificate({ ...files, ca: join(folder, "ca.pem") })).ca).toBe(authority.cert);
    expect((await readOwnCertificate(files)).ca).toBeUndefined();
    const { host } = await start(folder, files);
    expect(await readFile(host.files.kubeconfig, "utf8")).not.toContain("certificate-authority-data");
  });

  test("is read again when its files change; half a change is logged, and the former one served", async () => {
    const folder = await newFolder();
    const [first, second] = [await newPair("localhost"), await newPair("localhost")];
    const files = await writePair(folder, first);
    const { host, clock, lines } = await start(folder, files);
    await writeFile(files.cert, second.cert);
    clock.advance(rereadMs);
    await expect.poll(() => lines).toEqual(["the certificates can't be renewed"]);
    expect(await served(host)).toBe(fingerprint(first));
    await writeFile(files.key, second.key);
    await expect
      .poll(() => {
        clock.advance(rereadMs);
        return served(host);
      })
      .toBe(fingerprint(second));
    expect(await readFile(host.files.kubeconfig, "utf8")).toContain(
      Buffer.from(new X509Certificate(second.cert).toString()).toString("base64"),
    );
  });

  test("is refused where a file is missing, is not what its flag says, or belongs to another", async () => {
    const folder = await newFolder();
    const [pair, other] = [await newPair("localhost"), await newPair("localhost")];
    const refusal = async (cert: string, key: string, ca?: string): Promise<string> => {
      const files = await writePair(folder, { cert, key });
      if (ca !== undefined) await writeFile(join(folder, "ca.pem"), ca);
      const read = readOwnCertificate({ ...files, ...(ca !== undefined && { ca: join(folder, "ca.pem") }) });
      return read.then(
        () => "taken",
        (error: Error) => error.message,
      );
    };
    expect(await refusal(pair.cert, other.key)).toContain("is not the key of --tls-cert");
    expect(await refusal("nothing", pair.key)).toContain("holds no certificate in PEM");
    expect(await refusal(pair.cert, "nothing")).toContain("is not a private key in PEM");
    expect(await refusal(pair.cert, pair.key, "nothing")).toContain("--tls-ca");
    const nowhere = { cert: join(folder, "none.crt"), key: join(folder, "own.key") };
    await expect(readOwnCertificate(nowhere)).rejects.toThrow("--tls-cert: there is no file");
  });
});
