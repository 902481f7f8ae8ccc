/** An authority, a server's certificate for 127.0.0.1 and a client's, as `dockerd --tlsverify` wants them; made by openssl. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { TlsMaterial } from "../../shared/fleet/engine/tls.ts";

const run = promisify(execFile);

export type EngineTls = { readonly dockerdArguments: readonly string[]; readonly client: Required<TlsMaterial> };

export async function makeEngineTls(folder: string): Promise<EngineTls> {
  const file = (name: string) => path.join(folder, name);
  await make(file("ca"), ["-subj", "/CN=engine authority"]);
  const signed = ["-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-addext", "basicConstraints=critical,CA:FALSE"];
  const addresses = ["-addext", "subjectAltName=IP:127.0.0.1"];
  await make(file("server"), ["-subj", "/CN=engine", ...signed, ...addresses, "-addext", "extendedKeyUsage=serverAuth"]);
  await make(file("client"), ["-subj", "/CN=windlass", ...signed, "-addext", "extendedKeyUsage=clientAuth"]);
  const [ca, cert, key] = await Promise.all(["ca.crt", "client.crt", "client.key"].map((name) => readFile(file(name), "utf8")));
  return {
    dockerdArguments: [
      "--tlsverify",
      `--tlscacert=${file("ca.crt")}`,
      `--tlscert=${file("server.crt")}`,
      `--tlskey=${file("server.key")}`,
    ],
    client: { ca: `${ca}`, cert: `${cert}`, key: `${key}` },
  };
}

async function make(base: string, more: readonly string[]): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${base}.key`];
  await run("openssl", ["req", "-x509", "-days", "2", ...key, "-out", `${base}.crt`, ...more]);
}
