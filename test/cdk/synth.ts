/** The stack synthesised in a folder that is gone afterwards, with functions that do nothing: its template does not depend on them. */
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import type { ControlPlaneProps } from "../../cdk/control-plane.ts";
import { WindlassStack } from "../../cdk/windlass-stack.ts";

/** Resources of one kind, by their names in the template. */
export type Resources = Readonly<Record<string, { readonly [part: string]: unknown; readonly Properties: Properties }>>;
export type Properties = Readonly<Record<string, unknown>>;

/** What `look` sees of the stack with these properties. `build` may add to the stack before. */
export function withStack<T>(
  props: ControlPlaneProps | ((stack: App) => ControlPlaneProps),
  look: (stack: WindlassStack) => T,
): T {
  using folder = mkdtempDisposableSync(path.join(tmpdir(), "windlass-synth-"));
  const bundles = path.join(folder.path, "bundles");
  for (const name of ["api", "publisher", "healer", "reconciler", "installer"]) {
    mkdirSync(path.join(bundles, name), { recursive: true });
    writeFileSync(path.join(bundles, name, "index.mjs"), "export const handler = async () => undefined;\n");
  }
  const app = new App({ outdir: path.join(folder.path, "out") });
  const controlPlane = typeof props === "function" ? props(app) : props;
  return look(new WindlassStack(app, "Windlass", { controlPlane: { bundles, ...controlPlane } }));
}

export const templateOf = (props: ControlPlaneProps = {}): Template => withStack(props, (stack) => Template.fromStack(stack));

/** The one resource of `type` whose name in the template contains `part`. @throws when there is none or more. */
export function one(template: Template, type: string, part: string): Properties {
  const found = Object.entries(template.findResources(type) as Resources).filter(([id]) => id.includes(part));
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${found.length} resources of ${type} are named ${part}`);
  return first[1].Properties;
}
