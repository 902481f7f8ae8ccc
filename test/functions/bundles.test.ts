/**
 * What each function's bundle holds: a cold start pays for everything that is loaded at once, so nothing that the function does not use,
 * and what only some requests need is in chunks that they load.
 */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { build, type Metafile } from "esbuild";
import { expect, it, onTestFinished } from "vitest";
import { bundleOptions } from "../../cdk/bundle.ts";
import { systemClock } from "../../shared/base/clock.ts";

const root = path.resolve(import.meta.dirname, "../..");
const interfaceOnly = ["hono", "jose", "prom-client", "protobufjs", "yaml"];
/** Of the embedded host and the command line alone. */
const elsewhere = ["@peculiar/x509", "reflect-metadata", "commander", "aws-cdk-lib", "functions/local", "shared/log/sqlite"];
/** Engines and their secrets: what the first one that is opened needs. */
const engines = ["dockerode", "@aws-sdk/client-secrets-manager", "shared/fleet/docker"];
/** What dockerode loads and never uses here. */
const unused = ["docker-modem", "ssh2", "cpu-features", "@grpc/grpc-js", "@grpc/proto-loader"];

type Rule = { readonly never: readonly string[]; readonly notAtOnce: readonly string[] };
const rules: Readonly<Record<string, Rule>> = {
  api: {
    never: [...elsewhere, "@aws-sdk/client-eventbridge", "@aws-sdk/client-sqs"],
    notAtOnce: [...engines, "shared/fleet/reconcile"],
  },
  publisher: { never: [...elsewhere, ...interfaceOnly, ...engines, "shared/api"], notAtOnce: [] },
  healer: { never: [...elsewhere, ...interfaceOnly, ...engines, "shared/api", "shared/fleet/reconcile"], notAtOnce: [] },
  reconciler: {
    never: [...elsewhere, ...interfaceOnly.slice(0, 3), "yaml", "shared/api", "@aws-sdk/client-eventbridge"],
    notAtOnce: engines,
  },
  installer: {
    never: [...elsewhere, ...interfaceOnly, ...engines, "@aws-sdk/client-eventbridge", "shared/kinds", "shared/routes"],
    notAtOnce: [],
  },
};

it.each(Object.entries(rules))("%s", async (name, { never, notAtOnce }) => {
  // The installer reads the stack's own secret.
  const secrets = name === "installer" ? ["@aws-sdk/client-secrets-manager"] : [];
  const { metafile } = await build({
    ...bundleOptions,
    absWorkingDir: root,
    entryPoints: [`functions/${name}/handler.ts`],
    write: false,
    outdir: "out",
    metafile: true,
  });
  const all = inputsOf(metafile, Object.keys(metafile.outputs));
  const atOnce = inputsOf(metafile, loadedAtOnce(metafile));
  const holds = (inputs: readonly string[]) => (part: string) =>
    inputs.some((file) => file.startsWith(`${part}/`) || file.includes(`node_modules/${part}/`));
  expect(atOnce.length).toBeGreaterThan(20);
  expect([...never, ...unused].filter(holds(all))).toEqual(secrets);
  expect(notAtOnce.filter(holds(atOnce))).toEqual([]);
  expect(notAtOnce.filter(holds(all))).toEqual(notAtOnce);
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external).map(({ path: from }) => from),
  );
  expect(outside.filter((from) => from === "node:sqlite")).toEqual([]);
});

it("what is loaded when the first engine is opened loads", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "windlass-bundles-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { metafile } = await build({
    ...bundleOptions,
    absWorkingDir: root,
    entryPoints: { index: "shared/fleet/docker/open.ts" },
    outdir: path.join(folder, "open"),
    metafile: true,
  });
  expect(Object.keys(metafile.outputs).length).toBeGreaterThan(1);
  const { openDockerEngine } = (await import(
    path.join(folder, "open", "index.mjs")
  )) as typeof import("../../shared/fleet/docker/open.ts");
  const engine = await openDockerEngine({ address: "tcp://127.0.0.1:1", clock: systemClock });
  await expect(engine.system.ping({ timeoutMs: 1_000 })).rejects.toThrow("can't be reached");
  await expect(engine.containers.list({ all: true })).rejects.toThrow("can't be reached");
});

const inputsOf = ({ outputs }: Metafile, files: Iterable<string>): string[] =>
  [...files].flatMap((file) =>
    Object.entries(outputs[file]?.inputs ?? {}).flatMap(([input, { bytesInOutput }]) => (bytesInOutput > 0 ? [input] : [])),
  );

/** The entry's output, and those that it, and they, import by a statement. */
function loadedAtOnce({ outputs }: Metafile): ReadonlySet<string> {
  const found = new Set(
    Object.keys(outputs).filter((file) => outputs[file]?.entryPoint !== undefined && file.endsWith("handler.mjs")),
  );
  for (const file of found)
    for (const { path: to, kind } of outputs[file]?.imports ?? [])
      if (kind === "import-statement" && to in outputs) found.add(to);
  return found;
}
