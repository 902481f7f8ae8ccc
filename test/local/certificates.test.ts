/** The host's own authority and certificate: what others verify, when they are kept and when they are made anew. */

import { execFileSync } from "node:child_process";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { describe, expect, test } from "vitest";
import { type Certificates, ensureCertificates } from "../../functions/local/certificates.ts";
import { StartError } from "../../functions/local/errors.ts";
import { hasTool } from "../tools.ts";
import { modeOf, newFolder } from "./folder.ts";

const dayMs = 24 * 3600 * 1000;
const start = Date.now();
const names = ["ca.crt", "ca.key", "server.crt", "server.key"] as const;
const hasOpenssl = hasTool("openssl", ["version"], "openssl");

type Options = { readonly hosts?: readonly string[]; readonly now?: number };
const ensure = (folder: string, { hosts = [], now = start }: Options = {}) => ensureCertificates({ folder, hosts, now });

/** The name that a client asks for, and what it then holds of the server: its error, or undefined. */
async function handshakeError({ ca, cert, key }: Certificates, servername: string): Promise<unknown> {
  const server = createServer({ cert, key }, (socket) => socket.end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  const host = "127.0.0.1";
  const identity = servername === "127.0.0.1" ? {} : { servername };
  const client = connect({ host, port: address.port, ca, ...identity });
  try {
    await once(client, "secureConnect");
    return undefined;
  } catch (error) {
    return error;
  } finally {
    client.destroy();
    server.close();
  }
}

describe("ensureCertificates", () => {
  test("a first start makes four files of mode 0600 and nothing else", async () => {
    const folder = await newFolder();
    await ensure(folder);
    expect((await readdir(folder)).sort()).toEqual([...names].sort());
    for (const name of names) expect(await modeOf(join(folder, name))).toBe("600");
  });

  test("a TLS client that has ca.crt accepts localhost, the loopback addresses and the host, and nothing else", async () => {
    const made = await ensure(await newFolder(), { hosts: ["control.example.com"] });
    for (const name of ["localhost", "127.0.0.1", "control.example.com"])
      expect(await handshakeError(made, name)).toBeUndefined();
    expect(await handshakeError(made, "other.example.com")).toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    expect(new X509Certificate(made.cert).checkIP("::1")).toBe("::1");
  });

  test("a TLS client that has another authority refuses", async () => {
    const made = await ensure(await newFolder());
    const other = await ensure(await newFolder());
    expect(await handshakeError({ ...made, ca: other.ca }, "localhost")).toBeInstanceOf(Error);
  });

  test.runIf(hasOpenssl)("openssl verifies the chain strictly, for a server, by name and by address", async () => {
    const folder = await newFolder();
    await ensure(folder, { hosts: ["2001:db8::17"] });
    for (const identity of [
      ["-verify_hostname", "localhost"],
      ["-verify_ip", "127.0.0.1"],
      ["-verify_ip", "2001:db8::17"],
    ]) {
      const args = [
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        ...identity,
        "-CAfile",
        join(folder, "ca.crt"),
        join(folder, "server.crt"),
      ];
      expect(execFileSync("openssl", args, { encoding: "utf8" })).toContain("server.crt: OK");
    }
  });

  test("P-256 keys, ten years for the authority, one for the server, and the authority signs no other authority", async () => {
    const made = await ensure(await newFolder());
    const [ca, cert] = [new X509Certificate(made.ca), new X509Certificate(made.cert)];
    expect(ca.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(cert.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect([ca.ca, cert.ca]).toEqual([true, false]);
    expect((ca.validToDate.getTime() - start) / dayMs).toBeCloseTo(3650, 1);
    expect((cert.validToDate.getTime() - start) / dayMs).toBeCloseTo(365, 1);
    expect(cert.serialNumber).not.toBe(ca.serialNumber);
  });

  test("what still does is kept as it is, for hosts given in any form", async () => {
    const folder = await newFolder();
    const hosts = ["::1", "0:0:0:0:0:0:0:2", "Big.Example.com", "10.1.2.3"];
    const first = await ensure(folder, { hosts });
    expect(await ensure(folder, { hosts, now: start + 334 * dayMs })).toEqual(first);
    expect(await ensure(folder)).toEqual(first);
  });

  test.each([
    ["less than 30 days remain", { now: start + 336 * dayMs }],
    ["it has run out", { now: start + 400 * dayMs }],
    ["the clock went back before it began", { now: start - dayMs }],
    ["the host is not covered", { hosts: ["new.example.com"] }],
    ["the address is not covered", { hosts: ["10.0.0.9"] }],
  ])("the server certificate is renewed by the kept authority when %s", async (_when, options) => {
    const folder = await newFolder();
    const first = await ensure(folder);
    const second = await ensure(folder, options);
    expect(second.ca).toBe(first.ca);
    expect(second.cert).not.toBe(first.cert);
    expect(new X509Certificate(second.cert).verify(new X509Certificate(first.ca).publicKey)).toBe(true);
    expect(await readFile(join(folder, "server.crt"), "utf8")).toBe(second.cert);
  });

  test.each([
    ["server.crt", ""],
    ["server.crt", "not a certificate"],
    ["server.key", "not a key"],
    [
      "server.key",
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    ],
  ])("a %s that is damaged or another's is made anew (%#)", async (name, text) => {
    const folder = await newFolder();
    const first = await ensure(folder);
    await writeFile(join(folder, name), text);
    const second = await ensure(folder);
    expect(second.ca).toBe(first.ca);
    expect(await handshakeError(second, "localhost")).toBeUndefined();
  });

  test("an authority that runs out gets a new certificate for its key, and what it signed stays good", async () => {
    const folder = await newFolder();
    const first = await ensure(folder, { now: start - 3630 * dayMs });
    const second = await ensure(folder);
    expect(second.ca).not.toBe(first.ca);
    expect(new X509Certificate(first.cert).verify(new X509Certificate(second.ca).publicKey)).toBe(true);
    expect(await handshakeError(second, "localhost")).toBeUndefined();
  });

  test("a crash between ca.key and ca.crt: the next start goes on with the key", async () => {
    const folder = await newFolder();
    const first = await ensure(folder);
    await rm(join(folder, "ca.crt"));
    const second = await ensure(folder);
    expect(await readFile(join(folder, "ca.key"), "utf8")).not.toBe("");
    expect(new X509Certificate(second.cert).verify(new X509Certificate(first.ca).publicKey)).toBe(true);
    expect(await handshakeError(second, "localhost")).toBeUndefined();
  });

  test("an authority's key that is kept elsewhere is not needed until a certificate is", async () => {
    const folder = await newFolder();
    const first = await ensure(folder);
    await rm(join(folder, "ca.key"));
    expect(await ensure(folder)).toEqual(first);
    await expect(ensure(folder, { hosts: ["new.example.com"] })).rejects.toThrow(/ca\.key is gone/);
  });

  test.each([
    ["ca.crt", "garbage", /ca\.crt is not a certificate/],
    ["ca.key", "garbage", /ca\.key is not a private key/],
    [
      "ca.key",
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
      /ca\.key is not the key of/,
    ],
  ])("a %s that is not what it should be is refused by its name and left alone (%#)", async (name, text, message) => {
    const folder = await newFolder();
    await ensure(folder);
    await writeFile(join(folder, name), text);
    const refusal = ensure(folder);
    await expect(refusal).rejects.toThrow(message);
    await expect(refusal).rejects.toBeInstanceOf(StartError);
    expect(await readFile(join(folder, name), "utf8")).toBe(text);
  });

  test("a renewed file has mode 0600 whatever the former one had, and a write that was cut off is no hindrance", async () => {
    const folder = await newFolder();
    await ensure(folder);
    await chmod(join(folder, "server.key"), 0o644);
    await writeFile(join(folder, "server.key.new"), "half a k", { mode: 0o644 });
    await ensure(folder, { hosts: ["new.example.com"] });
    expect(await modeOf(join(folder, "server.key"))).toBe("600");
    expect((await readdir(folder)).sort()).toEqual([...names].sort());
  });
});
