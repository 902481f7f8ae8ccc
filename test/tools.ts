/** Programs that a test types into: where one is missing its tests are skipped with a line; with CI=true that is a failure. */
import { spawnSync } from "node:child_process";

/** Whether `command` can be run; `arguments_` make it do nothing. @throws with CI=true when it can't. */
export function hasTool(command: string, arguments_: readonly string[], debianPackage: string): boolean {
  if (spawnSync(command, arguments_).status === 0) return true;
  const advice = `${command} is missing: install Debian's ${debianPackage}`;
  if (process.env["CI"] === "true") throw new Error(advice);
  process.stderr.write(`skipped: ${advice}\n`);
  return false;
}
