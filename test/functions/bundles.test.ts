/** What each function's bundle holds: a cold start pays for everything in it, so nothing that the function does not use. */
import path from "node:path";
import { build } from "esbuild";
import { expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const interfaceOnly = ["hono", "jose", "prom-client", "protobufjs", "yaml"];
/** Of the embedded host and the command line alone. */
const elsewhere = ["@peculiar/x509", "reflect-metadata", "commander", "dockerode", "aws-cdk-lib"];

const absent: Readonly<Record<string, readonly string[]>> = {
  api: [...elsewhere, "@aws-sdk/client-eventbridge", "@aws-sdk/client-secrets-manager", "functions/local", "shared/log/sqlite"],
  publisher: [...elsewhere, ...interfaceOnly, "@aws-sdk/client-secrets-manager", "shared/api", "shared/log/sqlite"],
  healer: [...elsewhere, ...interfaceOnly, "@aws-sdk/client-secrets-manager", "shared/api", "shared/log/sqlite"],
  installer: [
    ...elsewhere,
    ...interfaceOnly,
    "@aws-sdk/client-eventbridge",
    "shared/kinds",
    "shared/routes",
    "shared/log/sqlite",
  ],
};

it.each(Object.entries(absent))("%s", async (name, unwanted) => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [`functions/${name}/handler.ts`],
    bundle: true,
    write: false,
    outdir: "out",
    splitting: true,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    logLevel: "warning",
  });
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  const holds = (part: string): boolean =>
    inputs.some((file) => file.startsWith(`${part}/`) || file.includes(`node_modules/${part}/`));
  expect(inputs.length).toBeGreaterThan(20);
  expect(unwanted.filter(holds)).toEqual([]);
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external).map(({ path: from }) => from),
  );
  expect(outside.filter((from) => from === "node:sqlite")).toEqual([]);
});
