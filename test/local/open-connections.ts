/** How many connections this machine lets one process hold: what a test of very many asks first. */
import { readFileSync } from "node:fs";

/**
 * Whether a process may have `needed` descriptors. Node raises its soft limit to the hard one by itself; where the limit can't be read
 * (not Linux) it is taken to be enough. @throws with CI=true when it is not.
 */
export function allowsDescriptors(needed: number): boolean {
  const allowed = hardLimit();
  if (allowed >= needed) return true;
  const message = `needs ${needed} open files, and at most ${allowed} are allowed: raise it with ulimit -Hn`;
  if (process.env["CI"] === "true") throw new Error(message);
  process.stderr.write(`skipped: ${message}\n`);
  return false;
}

function hardLimit(): number {
  if (process.platform !== "linux") return Number.POSITIVE_INFINITY;
  const [, text = ""] = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  return text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text);
}
