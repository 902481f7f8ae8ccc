/** SecretResolver: each place that secrets are in, how they are kept, and what they hold. */
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { json } from "node:stream/consumers";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { managedSecrets } from "../../functions/aws/secret-resolver.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { environmentSecrets } from "../../shared/fleet/secrets/environment.ts";
import { fileSecrets } from "../../shared/fleet/secrets/files.ts";
import { registryAuthOf, tlsMaterialOf } from "../../shared/fleet/secrets/forms.ts";
import {
  fieldsOf,
  firstOf,
  keepFor,
  promptly,
  type SecretResolver,
  secretCharactersMax,
} from "../../shared/fleet/secrets/resolver.ts";
import { StillClock } from "./nodes-fleet.ts";

const none = { name: "NoSuchSecretError", message: "there is no secret absent" };

describe("files", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "windlass-secrets-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("a folder with a file a field, read anew each time", async () => {
    await mkdir(path.join(folder, "node-key"));
    await writeFile(path.join(folder, "node-key", "ca.pem"), "first");
    await writeFile(path.join(folder, "node-key", "..data"), "not a field");
    const secrets = fileSecrets(folder);
    expect(await secrets.resolve("node-key")).toEqual({ "ca.pem": "first" });
    await writeFile(path.join(folder, "node-key", "ca.pem"), "second");
    expect(await secrets.resolve("node-key")).toEqual({ "ca.pem": "second" });
  });

  it("a JSON file", async () => {
    await writeFile(path.join(folder, "registry.json"), '{"username":"u","password":"p"}');
    expect(await fileSecrets(folder).resolve("registry")).toEqual({ username: "u", password: "p" });
  });

  it("what is not there, and names that lead out of the folder", async () => {
    await writeFile(path.join(folder, "..", path.basename(`${folder}-out.json`)), "{}");
    for (const name of ["absent", `../${path.basename(folder)}-out`, "..", "", "/etc/passwd"]) {
      await expect(fileSecrets(folder).resolve(name), name).rejects.toMatchObject({ name: "NoSuchSecretError" });
    }
    await rm(`${folder}-out.json`);
  });
});

it("one that never comes can't be read, in time", async () => {
  const clock = new StillClock();
  const secrets = promptly({ resolve: () => new Promise<never>(() => undefined) }, clock);
  await expect(clock.until(secrets.resolve("slow"))).rejects.toMatchObject({
    name: "SecretUnreadableError",
    message: "secret slow can't be used: it was not there in 10000 ms",
  });
});

describe("environment", () => {
  const secrets = environmentSecrets({ WINDLASS_SECRET_NODE_KEY: '{"ca":"x"}', WINDLASS_SECRET_BAD: "hunter2" });

  it("by name, in capitals", async () => {
    expect(await secrets.resolve("node-key")).toEqual({ ca: "x" });
    await expect(secrets.resolve("absent")).rejects.toMatchObject(none);
  });

  it("one that is not JSON is refused without showing it", async () => {
    const error = await secrets.resolve("bad").catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ name: "SecretUnreadableError" });
    expect(`${(error as Error).message} ${(error as Error).cause}`).not.toContain("hunter2");
  });
});

describe("Secrets Manager", () => {
  let server: Server;
  const asked: string[] = [];
  beforeEach(async () => {
    server = createServer(async (request, response) => {
      const { SecretId } = (await json(request)) as { readonly SecretId: string };
      asked.push(SecretId);
      response.setHeader("content-type", "application/x-amz-json-1.1");
      if (SecretId === "windlass/node-key") response.end(JSON.stringify({ SecretString: '{"ca":"x"}' }));
      else if (SecretId === "windlass/binary") response.end(JSON.stringify({ SecretBinary: "eA==" }));
      else
        response
          .writeHead(400)
          .end(JSON.stringify({ __type: SecretId.endsWith("absent") ? "ResourceNotFoundException" : "AccessDenied" }));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(() => server.close());

  it("by its prefix; absent and unreadable ones are told apart", async () => {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const credentials = { accessKeyId: "a", secretAccessKey: "b" };
    const client = new SecretsManagerClient({ endpoint, region: "eu-west-1", credentials, maxAttempts: 1 });
    const secrets = managedSecrets("windlass/", client);
    expect(await secrets.resolve("node-key")).toEqual({ ca: "x" });
    await expect(secrets.resolve("absent")).rejects.toMatchObject(none);
    await expect(secrets.resolve("binary")).rejects.toMatchObject({ name: "SecretUnreadableError" });
    await expect(secrets.resolve("denied")).rejects.toMatchObject({ name: "SecretUnreadableError" });
    expect(asked).toEqual(["windlass/node-key", "windlass/absent", "windlass/binary", "windlass/denied"]);
    client.destroy();
  });
});

describe("resolvers together", () => {
  const counted = (outcomes: readonly (() => Promise<{ readonly n: string }>)[]): SecretResolver & { calls: number } => ({
    calls: 0,
    resolve() {
      this.calls += 1;
      return outcomes[this.calls - 1]?.() ?? Promise.reject(new Error("no more"));
    },
  });

  it("the first that has it; a failure is not an absence", async () => {
    const [one, two] = [environmentSecrets({}), environmentSecrets({ WINDLASS_SECRET_A: '{"n":"2"}' })];
    expect(await firstOf([one, two]).resolve("a")).toEqual({ n: "2" });
    await expect(firstOf([one, two]).resolve("absent")).rejects.toMatchObject(none);
    const broken = environmentSecrets({ WINDLASS_SECRET_A: "broken" });
    await expect(firstOf([broken, two]).resolve("a")).rejects.toMatchObject({ name: "SecretUnreadableError" });
  });

  it("kept for a while, then read anew; failures are not kept", async () => {
    let nowMs = 0;
    const clock = { ...systemClock, monotonic: () => nowMs };
    const behind = counted([async () => ({ n: "1" }), async () => Promise.reject(new Error("down")), async () => ({ n: "3" })]);
    const secrets = keepFor(behind, { clock, keepMs: 5_000 });
    expect([await secrets.resolve("a"), await secrets.resolve("a")]).toEqual([{ n: "1" }, { n: "1" }]);
    nowMs = 5_000;
    await expect(secrets.resolve("a")).rejects.toThrow("down");
    expect(await secrets.resolve("a")).toEqual({ n: "3" });
    expect(behind.calls).toBe(3);
  });

  it("the text of a secret is bounded, and is an object of strings", () => {
    const padding = JSON.stringify({ a: "" }).length;
    expect(fieldsOf("s", JSON.stringify({ a: "x".repeat(secretCharactersMax - padding) }))).toBeDefined();
    for (const text of [JSON.stringify({ a: "x".repeat(secretCharactersMax - padding + 1) }), "[]", "null", '{"a":1}', '"a"']) {
      expect(() => fieldsOf("s", text)).toThrow(/secret s can't be used/);
    }
  });
});

describe("what they hold", () => {
  it.each([
    [{ ca: "A" }, { ca: "A" }],
    [
      { "ca.pem": "A", "cert.pem": "C", "key.pem": "K" },
      { ca: "A", cert: "C", key: "K" },
    ],
    [
      { "ca.crt": "A", "tls.crt": "C", "tls.key": "K" },
      { ca: "A", cert: "C", key: "K" },
    ],
  ])("TLS material of %o", (secret, material) => expect(tlsMaterialOf("s", secret)).toEqual(material));

  it.each([{}, { cert: "C" }, { key: "K", ca: "A" }])("no TLS material in %o", (secret) => {
    expect(() => tlsMaterialOf("s", secret)).toThrow(/secret s can't be used/);
  });

  it("credentials of a registry: plain, a token, or docker login's file", () => {
    const auths = {
      "r.test:5000": { auth: Buffer.from("u:p:q").toString("base64") },
      "https://index.docker.io/v1/": { identitytoken: "t" },
    };
    const config = { ".dockerconfigjson": JSON.stringify({ auths }) };
    expect(registryAuthOf("s", { username: "u", password: "p" }, "r")).toEqual({
      username: "u",
      password: "p",
      serveraddress: "r",
    });
    expect(registryAuthOf("s", { identitytoken: "t" }, "r")).toEqual({ identitytoken: "t", serveraddress: "r" });
    expect(registryAuthOf("s", config, "r.test:5000")).toMatchObject({ username: "u", password: "p:q" });
    expect(registryAuthOf("s", config, "docker.io")).toMatchObject({ identitytoken: "t" });
    expect(() => registryAuthOf("s", config, "elsewhere")).toThrow(/knows no elsewhere/);
    expect(() => registryAuthOf("s", {}, "r")).toThrow(/secret s can't be used/);
  });
});
