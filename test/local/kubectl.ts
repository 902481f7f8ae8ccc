/** The kubectls that the walks are typed with: the machine's, and Debian's old one where `.ci/run` has unpacked it. */
import { execFile, spawn } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export type Kubectl = { readonly command: string; readonly version: string };

/** Those that are there. None: says what to install, or throws with CI=true. */
export async function kubectls(): Promise<Kubectl[]> {
  const found: Kubectl[] = [];
  for (const command of new Set(["kubectl", process.env["WINDLASS_KUBECTL_OLD"] ?? "kubectl"])) {
    try {
      const { stdout } = await run(command, ["version", "--client", "-o", "json"]);
      const { clientVersion } = JSON.parse(stdout) as { clientVersion: { gitVersion: string } };
      found.push({ command, version: clientVersion.gitVersion });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  const wanted = process.env["CI"] === "true" ? 2 : 1;
  if (found.length < wanted) {
    const message = "kubectl is missing: install Debian's kubernetes-client (its suite is skipped)\n";
    if (process.env["CI"] === "true") throw new Error(`${message}and name an old one in WINDLASS_KUBECTL_OLD, as .ci/run does`);
    process.stderr.write(message);
  }
  return found;
}

export type Typed = { readonly code: number; readonly out: string; readonly err: string };

/** Types one command; resolves whatever its exit code is. */
export function type(kubectl: Kubectl, kubeconfig: string, ...words: readonly string[]): Promise<Typed> {
  return new Promise((resolve, reject) => {
    const child = spawn(kubectl.command, words, {
      env: { ...process.env, KUBECONFIG: kubeconfig, HOME: path.dirname(kubeconfig) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? -1, out, err }));
  });
}

/** `kubectl get -w` and the like: its lines as they come, until it is ended. */
export function follow(kubectl: Kubectl, kubeconfig: string, ...words: readonly string[]) {
  const child = spawn(kubectl.command, words, {
    env: { ...process.env, KUBECONFIG: kubeconfig, HOME: path.dirname(kubeconfig) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  let wake: () => void = () => undefined;
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    wake();
  });
  return {
    /** Resolves with all output so far once it matches. */
    async until(pattern: RegExp): Promise<string> {
      while (!pattern.test(out)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return out;
    },
    end: () => child.kill(),
  };
}
