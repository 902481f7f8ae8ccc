/** Runs `main.ts` in processes of its own, one a core, and collects the JSON lines they print. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const main = join(import.meta.dirname, "main.ts");

export type Child = { readonly lines: readonly unknown[]; readonly code: number | null; readonly errors: string };

export async function runMain(options: readonly string[]): Promise<Child> {
  const child = spawn(process.execPath, [main, "--json", ...options], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  const lines = out.split("\n").filter((line) => line !== "");
  return { lines: lines.map((line) => JSON.parse(line) as unknown), code: child.exitCode, errors };
}
