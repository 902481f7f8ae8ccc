/** `node cdk/build.ts <folder>`: the functions' bundles for the package, where `windlass/cdk` finds them without esbuild. */
import { resolve } from "node:path";
import { bundleFunctions } from "./bundle.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node cdk/build.ts <folder>");
bundleFunctions(resolve(folder));
