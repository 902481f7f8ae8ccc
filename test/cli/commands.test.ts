/** The commands against the embedded server over TLS, by the kubeconfig that it wrote. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { group, node } from "../cases/client.ts";
import { Server } from "../local/server.ts";
import { type Typed, type } from "./terminal.ts";

let folder: string;
let server: Server;
const typed = (...words: string[]): Promise<Typed> =>
  type({ home: folder, environment: { KUBECONFIG: server.kubeconfig } }, ...words);
const file = (name: string): string => path.join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "windlass-cli-"));
  server = await Server.start(path.join(folder, "data"));
});
afterAll(async () => {
  await server?.end();
  await rm(folder, { recursive: true });
});

describe("token", () => {
  it("create prints the token alone; it works, is listed, and is over when it is revoked", async () => {
    const made = await typed("token", "create", "ci@example.com", "--role", "viewer", "--expires", "30d");
    expect(made).toMatchObject({ code: 0, err: "", out: expect.stringMatching(/^wl_\S+\n$/) });
    const as = ["--kubeconfig", file("viewer")];
    await typed("kubeconfig", "--token", made.out.trim(), "--merge", file("viewer"));
    expect((await typed(...as, "history", "nodes/none")).code).toBe(0);
    expect(await typed(...as, "export")).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining("cannot administer path"),
    });
    const list = await typed("token", "list");
    expect(list.out).toMatch(/^ID .*\n.* ci@example\.com +viewer /);
    const id = /^(\S+) +ci@example/m.exec(list.out)?.[1] ?? "";
    expect(await typed("token", "revoke", id)).toMatchObject({ code: 0, out: `token ${id} of ci@example.com revoked\n` });
    expect(await typed(...as, "history", "nodes/none")).toMatchObject({
      code: 1,
      err: expect.stringContaining("does not know this token"),
    });
    expect(await typed("token", "revoke", id)).toMatchObject({ code: 1, err: expect.stringContaining(id) });
  });

  it("its name and its cluster have defaults; --json gives data; --root is the installation", async () => {
    const made = JSON.parse((await typed("token", "create", "--role", "editor", "--json")).out);
    expect(made).toMatchObject({ name: "editor@default", role: "editor", token: expect.stringMatching(/^wl_/) });
    expect(JSON.parse((await typed("token", "create", "--role", "viewer", "--root", "--json")).out)).toMatchObject({
      clusterUid: "root",
    });
    const names = (text: string): string[] => (JSON.parse(text) as { name: string }[]).map(({ name }) => name);
    expect(names((await typed("token", "list", "--json")).out)).not.toContain("local-admin");
    expect(names((await typed("token", "list", "--root", "--json")).out)).toContain("local-admin");
  });

  it.each([
    [["--role", "king"], 2],
    [[], 2],
    [["--role", "viewer", "--expires", "soon"], 2],
    [["--role", "viewer", "--expires", "2001-01-01"], 2],
    [["--role", "viewer", "--cluster", "a", "--root"], 2],
    [["--role", "viewer", "--cluster", "nobody"], 1],
    [["a b", "--role", "viewer"], 1],
  ])("create %j ends with %i, one line and no token", async (words, code) => {
    const { out, ...ended } = await typed("token", "create", ...words);
    expect([ended.code, out]).toEqual([code, ""]);
    expect(ended.err).not.toMatch(/\n\s+at /);
  });
});

describe("cluster, export and import", () => {
  it("a cluster is made, exported, deleted and made again exactly, in a new life", async () => {
    expect(await typed("cluster", "create", "blue", "--description", "the blue one")).toMatchObject({
      code: 0,
      out: "cluster blue created\n",
    });
    expect((await typed("cluster", "create", "blue")).code).toBe(1);
    await server.pause("blue");
    const base = `/clusters/blue${group}/nodes`;
    for (const name of ["a", "b", "c"]) await server.ask("POST", base, node(name, { tier: "web" }) as object);
    await server.ask("PUT", `${base}/b/status`, { metadata: { name: "b" }, status: { state: "ready" } });
    const before = JSON.parse((await server.ask("GET", base)).body);
    expect(await typed("export", "--cluster", "blue", "-o", file("blue.jsonl"))).toMatchObject({ code: 0, out: "" });
    expect((await stat(file("blue.jsonl"))).mode & 0o777).toBe(0o600);
    expect(await typed("import", file("blue.jsonl"))).toMatchObject({ code: 1, err: expect.stringContaining("--replace") });
    expect(await typed("import", file("blue.jsonl"), "--replace")).toMatchObject({
      code: 0,
      out: "cluster blue: 3 of 3 objects made\n",
    });
    const after = JSON.parse((await server.ask("GET", base)).body);
    expect(after.items.map(unversioned)).toEqual(before.items.map(unversioned));
    expect(Number(after.metadata.resourceVersion)).toBeGreaterThan(Number(before.metadata.resourceVersion));
    const watch = await server.ask("GET", `${base}?watch=true&resourceVersion=${before.metadata.resourceVersion}`);
    expect(watch.body).toContain('"code":410');
    expect((await typed("import", file("blue.jsonl"), "--resume")).out).toBe("cluster blue: 0 of 3 objects made\n");
    const [listed] = (
      JSON.parse((await typed("cluster", "list", "--json")).out) as { metadata: { name: string }; spec: object }[]
    ).filter(({ metadata }) => metadata.name === "blue");
    expect(listed?.spec).toMatchObject({ description: "the blue one", paused: true });
    expect(await typed("cluster", "delete", "blue")).toMatchObject({ code: 0, out: "cluster blue deleted\n" });
    expect((await typed("cluster", "list")).out).toMatch(/^NAME .*\ndefault +ready .*\n$/);
    expect((await typed("cluster", "delete", "blue")).code).toBe(1);
  });

  it("an export goes to standard output as well, and into an empty cluster that is there", async () => {
    await server.ask("POST", `${group}/nodes`, node("only") as object);
    const { out } = await typed("export");
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { kind: string }).kind),
    ).toEqual(["Export", "Node", "ExportEnd"]);
    await writeFile(file("default.jsonl"), out);
    await typed("cluster", "create", "copy");
    expect(await typed("import", file("default.jsonl"), "--cluster", "copy")).toMatchObject({ code: 0 });
    expect((await typed("export", "--cluster", "copy")).out.split("\n")).toHaveLength(4);
    await typed("cluster", "delete", "copy");
  });

  it("nobody works on a cluster while it is imported; only --adopt takes a former one's containers", async () => {
    const spec = async (name: string) => {
      const { body } = await server.ask("GET", `${group}/clusters/${name}`);
      const { metadata, spec } = JSON.parse(body) as { metadata: { uid: string }; spec: { adopts?: string[]; paused?: boolean } };
      return { uid: metadata.uid, ...spec };
    };
    await typed("cluster", "create", "red");
    await typed("export", "--cluster", "red", "-o", file("red.jsonl"));
    const { uid } = await spec("red");
    const refused = await typed("import", file("red.jsonl"), "--cluster", "pink", "--adopt", uid);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("cluster red has it, and is there") });
    expect(await typed("cluster", "delete", "red")).toMatchObject({ code: 0 });
    expect(await typed("import", file("red.jsonl"), "--adopt", uid, "--adopt", "older")).toMatchObject({ code: 0 });
    expect(await spec("red")).toMatchObject({ adopts: [uid, "older"] });
    expect((await spec("red")).paused).toBeUndefined();
    // What a life had adopted goes on with it, and with nothing else.
    await typed("export", "--cluster", "red", "-o", file("red-2.jsonl"));
    const second = (await spec("red")).uid;
    await typed("cluster", "delete", "red");
    await typed("import", file("red-2.jsonl"), "--adopt", second);
    expect((await spec("red")).adopts).toEqual([second, uid, "older"]);
    await typed("import", file("red-2.jsonl"), "--cluster", "pink");
    expect((await spec("pink")).adopts).toBeUndefined();
    expect((await typed("import", "--help")).out).toContain("--adopt <uid>");
    expect((await typed("completion", "bash")).out).toMatch(/"import"\) .*--adopt/);
    await typed("cluster", "delete", "red", "pink");
  });

  it("half an export, a changed one and what is none are refused before anything is touched", async () => {
    const whole = await readFile(file("blue.jsonl"), "utf8");
    const lines = whole.trimEnd().split("\n");
    const wrong = [
      lines.slice(0, -1).join("\n"),
      [...lines.slice(0, 1), ...lines.slice(2)].join("\n"),
      `${whole}{}\n`,
      lines.slice(1).join("\n"),
      whole.replace('"version":1', '"version":2'),
      whole.replace(/\n\{.*/, "\n{"),
      "",
      "[]",
    ];
    for (const text of wrong) {
      await writeFile(file("wrong.jsonl"), text);
      const { code, err } = await typed("import", file("wrong.jsonl"));
      expect([text.slice(0, 40), code, err]).toEqual([text.slice(0, 40), 1, expect.stringContaining("is not a whole export")]);
    }
    expect((await typed("import", file("none.jsonl"))).err).toContain("can't be read");
    expect((await typed("cluster", "list")).out).not.toContain("blue");
  });
});

describe("history", () => {
  it("shows who changed what, newest first; --limit bounds it; --json has the patches", async () => {
    await server.ask("POST", `${group}/nodes`, node("past") as object);
    for (const tier of ["web", "db"]) await server.ask("PUT", `${group}/nodes/past`, node("past", { tier }) as object);
    const { out } = await typed("history", "nodes/past");
    expect(out).toMatch(/^TIME +ACTOR +ACTION +REVISION +CHANGED\n/);
    expect(out.match(/local-admin +(update|create)/g)).toHaveLength(3);
    expect(out.split("\n")[1]).toMatch(/update .*metadata\.labels\.tier$/);
    expect((await typed("history", "nodes/past", "--limit", "1")).out.trimEnd().split("\n")).toHaveLength(2);
    expect(JSON.parse((await typed("history", "nodes/past", "--json")).out)[0]).toMatchObject({
      patch: { metadata: { labels: { tier: "db" } } },
    });
    expect((await typed("history", "pods/a")).code).toBe(1);
    expect((await typed("history", "nodes/past", "--limit", "0")).code).toBe(2);
    expect((await typed("history")).code).toBe(2);
  });
});

describe("version, kubeconfig, completion and help", () => {
  it("version says both; without a server it says why and is no failure", async () => {
    expect((await typed("version")).out).toMatch(/^windlass \S+\nserver v1\.32\S+\n$/);
    expect(await typed("--kubeconfig", file("none"), "version")).toMatchObject({
      code: 0,
      err: expect.stringContaining("there is no kubeconfig"),
    });
    expect(JSON.parse((await typed("version", "--client", "--json")).out)).toEqual({ client: expect.any(String) });
    expect((await typed("--version")).code).toBe(0);
  });

  it("kubeconfig is merged beside what is there, and leads to its cluster", async () => {
    await writeFile(
      file("mine"),
      "apiVersion: v1\nkind: Config\ncurrent-context: other\ncontexts:\n- name: other\n  context: {cluster: x}\n",
    );
    expect(await typed("kubeconfig", "--cluster", "default", "--name", "wl", "--merge", file("mine"))).toMatchObject({ code: 0 });
    expect((await stat(file("mine"))).mode & 0o777).toBe(0o600);
    const text = await readFile(file("mine"), "utf8");
    expect(text).toContain("current-context: other");
    expect(text).toContain(`server: https://127.0.0.1:${server.port}/clusters/default`);
    const as = ["--kubeconfig", file("mine"), "--context", "wl"];
    expect(JSON.parse((await typed(...as, "token", "create", "--role", "viewer", "--json")).out)).toMatchObject({
      name: "viewer@default",
    });
    expect(await typed("--kubeconfig", file("mine"), "version")).toMatchObject({ err: expect.stringContaining("no cluster x") });
    expect(await typed("--kubeconfig", file("mine"), "--context", "no", "token", "list")).toMatchObject({
      code: 1,
      err: expect.stringContaining("no context no"),
    });
  });

  it.each(["bash", "zsh", "fish"])("completion %s names commands and flags", async (shell) => {
    const { code, out } = await typed("completion", shell);
    expect(code).toBe(0);
    for (const word of ["revoke", "restored", "kubeconfig", "oidc-issuer"]) expect(out).toContain(word);
  });

  it("every command has a help text; what is typed wrongly ends with 2", async () => {
    const commands = [
      "start",
      "token",
      "cluster",
      "kubeconfig",
      "history",
      "export",
      "import",
      "doctor",
      "version",
      "completion",
    ];
    const { out } = await typed("--help");
    for (const command of commands) expect(out).toContain(`  ${command} `);
    for (const command of commands.slice(1)) expect(await typed(command, "--help")).toMatchObject({ code: 0, err: "" });
    for (const words of [["bogus"], ["token", "bogus"], ["token"], ["--bogus"], ["completion", "csh"]])
      expect((await typed(...words)).code).toBe(2);
  });

  it("a server that is not there, or not trusted, is one line", async () => {
    const text = await readFile(server.kubeconfig, "utf8");
    await writeFile(file("away"), text.replace(/:\d+\n/, ":1\n"));
    expect(await typed("--kubeconfig", file("away"), "token", "list")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^windlass: https:\S+ can't be reached: .*\n$/),
    });
    await writeFile(file("strange"), text.replace(/ +certificate-authority-data.*\n/, ""));
    expect((await typed("--kubeconfig", file("strange"), "token", "list")).err).toMatch(/can't be reached: .*certificate/);
  });
});

function unversioned({ metadata, ...object }: { readonly metadata: Record<string, unknown> }) {
  const { resourceVersion: _, ...rest } = metadata;
  return { ...object, metadata: rest };
}

describe("doctor", () => {
  it("looks through the server that holds the folder, and mends nothing there", async () => {
    const held = ["doctor", "--data", path.join(folder, "data")];
    await typed("token", "create", "--role", "viewer");
    expect(await typed(...held)).toEqual({ code: 0, out: "nothing is wrong\n", err: "" });
    expect(await typed("doctor", "--json")).toMatchObject({ code: 0, out: "[]\n" });
    expect(await typed(...held, "--fix")).toMatchObject({ code: 1, err: expect.stringContaining("in use by process") });
  });

  it("is for the root's admin", async () => {
    const { out } = await typed("token", "create", "--role", "admin");
    await typed("kubeconfig", "--token", out.trim(), "--merge", file("cluster-admin"));
    const refused = await typed("--kubeconfig", file("cluster-admin"), "doctor");
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('cannot administer path "/windlass/v1/doctor"') });
  });
});
