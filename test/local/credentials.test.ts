/** The admin token and the files for kubectl and docker: when they are made, kept and replaced. */

import { execFileSync } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ensureAdminToken, localAdminName, writeClientFiles } from "../../functions/local/credentials.ts";
import { StartError } from "../../functions/local/errors.ts";
import { makePrivateFolder } from "../../functions/local/files.ts";
import { rootScope } from "../../shared/access/access.ts";
import { Tokens } from "../../shared/access/tokens.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { hasTool } from "../tools.ts";
import { modeOf, newFolder } from "./folder.ts";
import { ManualClock } from "./manual-clock.ts";

const url = "https://127.0.0.1:8350";
const ca = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const token = `wl_${systemIds.uuid()}_${newSecret()}`;
const hasKubectl = hasTool("kubectl", ["version", "--client"], "kubernetes-client");

function newTokens(): Tokens {
  return new Tokens({ cells: openMemory().cells, rootUid: "root-uid", clock: new ManualClock(), ids: systemIds, newSecret });
}

describe("ensureAdminToken", () => {
  test("the first start makes an admin of the root, in a file of mode 0600", async () => {
    const [folder, tokens] = [await newFolder(), newTokens()];
    const text = await ensureAdminToken(folder, tokens);
    expect(await tokens.verify(text)).toMatchObject({ name: localAdminName, role: "admin", clusterUid: rootScope });
    expect(await readFile(join(folder, "admin.token"), "utf8")).toBe(`${text}\n`);
    expect(await modeOf(join(folder, "admin.token"))).toBe("600");
  });

  test("later starts keep it", async () => {
    const [folder, tokens] = [await newFolder(), newTokens()];
    const text = await ensureAdminToken(folder, tokens);
    expect(await ensureAdminToken(folder, tokens)).toBe(text);
    expect(await tokens.list()).toHaveLength(1);
  });

  test("without its file a new one is made, the former one ends, and others stay", async () => {
    const [folder, tokens] = [await newFolder(), newTokens()];
    const former = await ensureAdminToken(folder, tokens);
    const { text: other } = await tokens.create({ name: "someone", role: "admin", clusterUid: rootScope });
    await rm(join(folder, "admin.token"));
    const text = await ensureAdminToken(folder, tokens);
    expect(await Promise.all([text, other, former].map(async (each) => (await tokens.verify(each)) !== undefined))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test.each([
    "without its cell",
    "with a damaged file",
    "with a viewer's token in the file",
    "with a cluster admin's token in the file",
  ])("%s a new one is made", async (how) => {
    const [folder, tokens] = [await newFolder(), newTokens()];
    const former = await ensureAdminToken(folder, tokens);
    if (how === "without its cell") for (const { id } of await tokens.list()) await tokens.revoke(id);
    if (how.includes("damaged")) await writeFile(join(folder, "admin.token"), "nonsense");
    const role = how.includes("viewer") ? "viewer" : "admin";
    const clusterUid = how.includes("cluster") ? "uid-a" : rootScope;
    const { text: lesser } = await tokens.create({ name: "someone", role, clusterUid });
    if (how.includes("token in the file")) await writeFile(join(folder, "admin.token"), lesser);
    const text = await ensureAdminToken(folder, tokens);
    expect([former, lesser]).not.toContain(text);
    expect(await tokens.verify(text)).toMatchObject({ role: "admin", clusterUid: rootScope });
  });
});

describe("writeClientFiles", () => {
  const write = (folder: string, changed: Partial<Parameters<typeof writeClientFiles>[0]> = {}) =>
    writeClientFiles({ folder, url, ca, token, ...changed });

  test("two files of mode 0600, docker's in a folder of mode 0700", async () => {
    const folder = await newFolder();
    const files = await write(folder);
    expect(files).toEqual({ kubeconfig: join(folder, "kubeconfig"), dockerFolder: join(folder, "docker") });
    expect(await modeOf(files.kubeconfig)).toBe("600");
    expect(await modeOf(files.dockerFolder)).toBe("700");
    expect(await modeOf(join(files.dockerFolder, "config.json"))).toBe("600");
    expect(await readdir(folder)).toEqual(["docker", "kubeconfig"]);
  });

  test("the authority stands where docker --tlsverify looks for it, and goes when the machine trusts the certificate by itself", async () => {
    const folder = await newFolder();
    const { dockerFolder } = await write(folder);
    expect(await readFile(join(dockerFolder, "ca.pem"), "utf8")).toBe(ca);
    await writeClientFiles({ folder, url, token });
    expect(await readdir(dockerFolder)).toEqual(["config.json"]);
  });

  test.runIf(hasKubectl)("kubectl reads server, authority, token, context and namespace", async () => {
    const { kubeconfig } = await write(await newFolder(), { url: "https://[::1]:9000" });
    const view = JSON.parse(
      execFileSync("kubectl", ["config", "view", "--raw", "--minify", "-o", "json", "--kubeconfig", kubeconfig], {
        encoding: "utf8",
      }),
    );
    const cluster = { server: "https://[::1]:9000", "certificate-authority-data": Buffer.from(ca).toString("base64") };
    expect(view.clusters).toEqual([{ name: "windlass", cluster }]);
    expect(view.users).toEqual([{ name: "windlass", user: { token } }]);
    expect(view.contexts).toEqual([
      { name: "windlass", context: { cluster: "windlass", user: "windlass", namespace: "default" } },
    ]);
    expect(view["current-context"]).toBe("windlass");
  });

  test.runIf(hasKubectl)("what kubectl changed in the kubeconfig stays until address, authority or token change", async () => {
    const folder = await newFolder();
    const { kubeconfig } = await write(folder);
    execFileSync("kubectl", ["config", "set-context", "--current", "--namespace", "mine", "--kubeconfig", kubeconfig]);
    await write(folder);
    expect(await readFile(kubeconfig, "utf8")).toContain("namespace: mine");
    for (const changed of [{ url: "https://127.0.0.1:835" }, { ca: `${ca}x` }, { token: `${token.slice(0, -1)}~` }]) {
      await write(folder, changed);
      const text = await readFile(kubeconfig, "utf8");
      expect(text).toContain("namespace: default");
      expect(text).toContain(`server: ${changed.url ?? url}\n`);
    }
  });

  test("docker's config.json carries the token; what docker keeps there stays", async () => {
    const folder = await newFolder();
    const { dockerFolder } = await write(folder);
    const path = join(dockerFolder, "config.json");
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({ HttpHeaders: { Authorization: `Bearer ${token}` } });
    const auths = { "registry.example.com": { auth: "eA==" } };
    await writeFile(path, JSON.stringify({ auths, HttpHeaders: { "X-Mine": "1", Authorization: "Bearer old" } }));
    await write(folder);
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({
      auths,
      HttpHeaders: { "X-Mine": "1", Authorization: `Bearer ${token}` },
    });
  });

  test.each(["{", "[]", "null"])("a config.json of %j is refused by its name and left alone", async (text) => {
    const folder = await newFolder();
    const { dockerFolder } = await write(folder);
    const path = join(dockerFolder, "config.json");
    await writeFile(path, text);
    await expect(write(folder)).rejects.toThrow(`${path} is not`);
    expect(await readFile(path, "utf8")).toBe(text);
  });
});

test("makePrivateFolder: a file in the way is a StartError that names the path", async () => {
  const folder = await newFolder();
  const path = join(folder, "file", "data");
  await writeFile(join(folder, "file"), "");
  await expect(makePrivateFolder(path)).rejects.toBeInstanceOf(StartError);
  await expect(makePrivateFolder(path)).rejects.toThrow(`${path} can't be made`);
});
