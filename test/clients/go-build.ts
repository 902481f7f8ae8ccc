/** The Go programs beside this file, built when a test needs them: Go's own caches make every build but the first one quick. */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../localstack/start.ts";
import { hasTool } from "../tools.ts";

const run = promisify(execFile);

/** Whether Go is there. @throws with CI=true when it is not. */
export const hasGo = (): boolean => hasTool("go", ["version"], "golang");

/** The path of the program in `folder`. The first build downloads modules, for a minute or two. */
export async function buildGo(folder: "go" | "kubectl"): Promise<string> {
  const output = path.join(cacheFolder(), "go-clients", folder);
  await mkdir(path.dirname(output), { recursive: true });
  // A module may want a newer Go than Debian's: Go then fetches that.
  const env = { ...process.env, GOTOOLCHAIN: "auto", GOFLAGS: "-mod=readonly -buildvcs=false" };
  await run("go", ["build", "-o", output, "."], { cwd: path.join(import.meta.dirname, folder), env });
  return output;
}
