/**
 * The CDK app: one stack in the account and region of the caller, `Windlass` unless `-c stack=<name>` says otherwise, with the functions of
 * this checkout. settings.ts has what else `-c` may say.
 */
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { bundleFunctions } from "./bundle.ts";
import { settingsOf } from "./settings.ts";
import { WindlassStack } from "./windlass-stack.ts";

const app = new App();
const context = (name: string): unknown => app.node.tryGetContext(name);
const settings = settingsOf({
  context,
  endpoint: process.env["AWS_ENDPOINT_URL"],
  processor: process.arch,
});
const bundles = bundleFunctions(join(app.outdir, "bundles"));
new WindlassStack(app, String(context("stack") ?? "Windlass"), { controlPlane: { ...settings, bundles } });
