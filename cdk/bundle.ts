/**
 * Bundles the functions with esbuild: each folder gets one index.mjs with what it needs, the AWS SDK too, so that what was tested is
 * what runs, and only the parts in use are loaded. `await import()` in a handler stays an import: a chunk that is read when needed.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, buildSync } from "esbuild";
import type { FunctionName } from "./permissions.ts";

const sources = join(import.meta.dirname, "..", "functions");
const functionNames: readonly FunctionName[] = ["api", "publisher", "healer", "reconciler", "installer"];

/** Stands for modules that are loaded and not called. */
const unused = join(import.meta.dirname, "unused-module.ts");

/** Libraries in CommonJS call `require` for Node's own modules, which an ES module does not have. */
const requireBanner =
  'import { createRequire as windlassCreateRequire } from "node:module"; const require = windlassCreateRequire(import.meta.url);';

/** But for where from and where to. */
export const bundleOptions = {
  bundle: true,
  minify: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  // ES modules first: only they can be cut down to what is used.
  mainFields: ["module", "main"],
  conditions: ["module"],
  outExtension: { ".js": ".mjs" },
  banner: { js: requireBanner },
  sourcemap: "linked",
  // dockerode's own ways to an engine (its modem, with ssh) and to BuildKit, all of which it loads: engines are spoken to past them.
  alias: Object.fromEntries(["docker-modem", "@grpc/grpc-js", "@grpc/proto-loader"].map((name) => [name, unused])),
  // Names and lines are enough for a stack.
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
} as const satisfies BuildOptions;

/** Makes `folder` anew with one folder a function, from the sources of this checkout. @throws when they can't be bundled. */
export function bundleFunctions(folder: string): string {
  // Chunks have names of their own: what an older build left would be deployed, too.
  rmSync(folder, { recursive: true, force: true });
  for (const name of functionNames) {
    buildSync({ ...bundleOptions, entryPoints: { index: join(sources, name, "handler.ts") }, outdir: join(folder, name) });
  }
  return folder;
}
