/** The package as someone gets it: packed, installed in an empty folder from the tarball, run, embedded and put in a stack there. */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
/** The Node that runs this test, and no other, stands behind `node`. */
const environment = { ...process.env, PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env["PATH"]}` };
const outputBytesMax = 16 * 1024 * 1024;
const typeFlags = [
  ...["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--lib", "es2024,esnext.disposable"],
  ...["--typeRoots", path.join(root, "node_modules/@types"), "--types", "node"],
];

/** What CDK writes of the files that a stack brings. */
type Assets = {
  readonly files: Readonly<Record<string, { readonly source: { readonly path: string; readonly packaging: string } }>>;
};

describe("the package", () => {
  let folder: string;
  const typed = (command: string, args: readonly string[], more: Record<string, string> = {}) =>
    run(command, [...args], { cwd: folder, env: { ...environment, ...more }, maxBuffer: outputBytesMax });

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "windlass-package-"));
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], {
      cwd: root,
      env: environment,
      maxBuffer: outputBytesMax,
    });
    const [packed] = JSON.parse(stdout.slice(stdout.indexOf("["))) as { filename: string; files: { path: string }[] }[];
    const paths = packed?.files.map((file) => file.path) ?? [];
    expect(paths).toEqual(expect.arrayContaining(["LICENSE", "README.md", "dist/functions/cli/main.js"]));
    expect(paths.filter((file) => /(^|\/)test\/|(?<!\.d)\.ts$/.test(file))).toEqual([]);
    await writeFile(path.join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
    const quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--omit=dev"];
    await typed("npm", ["install", ...quiet, path.join(folder, packed?.filename ?? "")]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("npx windlass version says its version", async () => {
    const { version } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8")) as { version: string };
    const { stdout, stderr } = await typed("npx", ["--no-install", "windlass", "version", "--client"]);
    expect([stdout, stderr.replaceAll(/^npm warn .*\n/gm, "")]).toEqual([`windlass ${version}\n`, ""]);
  });

  it("windlass start serves what the other commands ask", async () => {
    const data = path.join(folder, "data");
    const bin = path.join(folder, "node_modules/.bin/windlass");
    const server = spawn(bin, ["start", "--port", "0", "--data", data], { cwd: folder, env: environment });
    const exited = new Promise<number | null>((resolve) => server.once("exit", resolve));
    try {
      let said = "";
      await new Promise<void>((resolve, reject) => {
        const hear = (chunk: Buffer): void => {
          said += chunk.toString();
          if (said.includes("Stop with")) resolve();
        };
        server.stdout.on("data", hear);
        server.stderr.on("data", hear);
        server.once("exit", () => reject(new Error(`it ended: ${said}`)));
      });
      const { stdout } = await typed(bin, ["cluster", "list"], { KUBECONFIG: path.join(data, "kubeconfig") });
      expect(stdout).toMatch(/^NAME .*\ndefault +ready /);
    } finally {
      server.kill("SIGTERM");
    }
    expect(await exited).toBe(0);
  });

  it("the store is embedded through its entry points, with types", async () => {
    const program = `
      import { builtinKinds, createRegistry, nodeKind } from "windlass/kinds";
      import { openSqlite } from "windlass/log/sqlite";
      import { Clusters, silentLogger, systemClock, systemIds } from "windlass/state";
      const sqlite = openSqlite("embedded", { pid: process.pid });
      const registry = createRegistry(builtinKinds);
      const clusters = await Clusters.open({ ...sqlite, registry, clock: systemClock, ids: systemIds, logger: silentLogger });
      const store = await clusters.resolve("default");
      const spec = nodeKind.spec.parse({ address: "tcp://127.0.0.1:2375" });
      await store?.update((tx) => tx.nodes.create({ apiVersion: "windlass.dev/v1", kind: "Node", metadata: { name: "a" }, spec }), { actor: "me" });
      const answer = await store?.view((tx) => tx.nodes.find().map(({ metadata }) => metadata.name));
      process.stdout.write(JSON.stringify(answer?.value));
      clusters.close();
      await sqlite.close();
    `;
    await writeFile(path.join(folder, "embed.ts"), program);
    expect((await typed(process.execPath, ["embed.ts"])).stdout).toBe('["a"]');
    await typed(path.join(root, "node_modules/.bin/tsc"), [...typeFlags, "embed.ts"]);
  });

  it("the control plane is put in somebody's stack, its functions with it, without esbuild and Docker", async () => {
    // As with a project that has them: the two peers, and nothing else.
    for (const peer of ["aws-cdk-lib", "constructs"]) {
      await symlink(path.join(root, "node_modules", peer), path.join(folder, "node_modules", peer));
    }
    const program = `
      import { App, Stack } from "aws-cdk-lib";
      import { ControlPlane } from "windlass/cdk";
      const app = new App({ outdir: "cdk.out" });
      const stack = new Stack(app, "Mine");
      const controlPlane = new ControlPlane(stack, "Windlass", { allowedCidrs: ["203.0.113.0/24"] });
      controlPlane.events.onChange("Nodes", { kinds: ["Node"] });
      controlPlane.addOutputs();
      app.synth();
    `;
    await writeFile(path.join(folder, "stack.ts"), program);
    await typed(process.execPath, ["stack.ts"]);
    await typed(path.join(root, "node_modules/.bin/tsc"), [...typeFlags, "stack.ts"]);
    const assets = JSON.parse(await readFile(path.join(folder, "cdk.out/Mine.assets.json"), "utf8")) as Assets;
    const zipped = Object.values(assets.files).filter(({ source }) => source.packaging === "zip");
    expect(zipped).toHaveLength(5);
    for (const { source } of zipped) {
      const bundle = await readFile(path.join(folder, "cdk.out", source.path, "index.mjs"), "utf8");
      expect(bundle).toMatch(/export\{[^}]*\bhandler\b/);
    }
  });

  it("nothing else of it can be imported", async () => {
    await writeFile(path.join(folder, "inside.mjs"), 'await import("windlass/dist/shared/state/store.js");\n');
    await expect(typed(process.execPath, ["inside.mjs"])).rejects.toThrow("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });
});
