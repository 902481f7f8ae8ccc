/** `kubectl auth`, typed into real kubectls: by a viewer of one cluster and by the root's admin, at the root and in the cluster. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubectls, type } from "./kubectl.ts";
import { Server } from "./server.ts";

const found = await kubectls();

describe.skipIf(found.length === 0)("kubectl auth", () => {
  let server: Server;
  let folder: string;
  let viewer: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "windlass-"));
    server = await Server.start(folder);
    const { body } = await server.ask("POST", "/clusters/default/windlass/v1/tokens", { name: "vera", role: "viewer" });
    const { token } = JSON.parse(body) as { readonly token: string };
    viewer = path.join(folder, "viewer");
    await writeFile(viewer, (await readFile(server.kubeconfig, "utf8")).replace(server.token, token));
  });
  afterAll(async () => {
    await server?.end();
    await rm(folder, { recursive: true });
  });

  it.each(found)("can-i of $version says what the role may", async (kubectl) => {
    const may = async (kubeconfig: string, ...words: string[]) =>
      (await type(kubectl, kubeconfig, "auth", "can-i", ...words)).out.trim();
    expect(await may(viewer, "get", "nodes")).toBe("yes");
    expect(await may(viewer, "get", "services", "-n", "default")).toBe("yes");
    expect(await may(viewer, "create", "nodes")).toBe("no");
    expect(await may(viewer, "get", "clusters")).toBe("no");
    expect(await may(viewer, "get", "/version")).toBe("yes");
    expect(await may(server.kubeconfig, "delete", "clusters")).toBe("yes");
    expect(await may(server.kubeconfig, "*", "*")).toBe("yes");
    expect(await may(server.kubeconfig, "get", "/metrics")).toBe("yes");
    const list = await type(kubectl, viewer, "auth", "can-i", "--list");
    expect(list).toMatchObject({ code: 0, out: expect.stringMatching(/nodes\.windlass\.dev +\[\] +\[\] +\[get list watch\]/) });
  });

  it.each(found.filter(({ version }) => !/^v1\.2[0-7]\./.test(version)))("whoami of $version says who", async (kubectl) => {
    expect((await type(kubectl, viewer, "auth", "whoami")).out).toMatch(/Username +vera\n/);
  });
});
