/** All kubectls that must work: the machine's, Debian's old one, and the newest, built from its Go module (kubectl/). */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Kubectl, kubectls } from "../local/kubectl.ts";
import { buildGo, hasGo } from "./go-build.ts";

const run = promisify(execFile);

/** A first build takes minutes. */
async function newestKubectl(): Promise<Kubectl | undefined> {
  if (!hasGo()) return undefined;
  const command = await buildGo("kubectl");
  const { stdout } = await run("go", ["list", "-m", "-f", "{{.Version}}", "k8s.io/kubectl"], {
    cwd: new URL("kubectl", import.meta.url),
  });
  // Built from its module it does not know its version.
  return { command, version: `${stdout.trim().replace(/^v0/, "v1")} (newest)` };
}

export async function allKubectls(): Promise<Kubectl[]> {
  const newest = await newestKubectl();
  return [...(await kubectls()), ...(newest === undefined ? [] : [newest])];
}
