/** Python's client in a virtual environment of its own, made once and kept in the cache folder under its pins' name. */
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../localstack/start.ts";

const run = promisify(execFile);
const requirements = path.join(import.meta.dirname, "python", "requirements.txt");
/** What the pinned client needs. */
const check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";

/** An interpreter that can make the environment; undefined, with a line that says so: there is none. @throws with CI=true then. */
export function findPython(): string | undefined {
  const pyenv = globSync(path.join(homedir(), ".pyenv", "versions", "3.13*", "bin", "python3"));
  const found = ["python3.13", ...pyenv, "python3"].find((candidate) => spawnSync(candidate, ["-c", check]).status === 0);
  if (found !== undefined) return found;
  const advice = "Python 3.10 or later is missing: install Debian's python3-venv";
  if (process.env["CI"] === "true") throw new Error(advice);
  process.stderr.write(`skipped: ${advice}\n`);
  return undefined;
}

/** The environment's interpreter. It appears whole, by a rename: who comes second takes the first one's. */
export async function pythonWithClient(python: string): Promise<string> {
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = path.join(cacheFolder(), `kubernetes-client-${digest}`);
  const interpreter = path.join(folder, "bin", "python");
  if (existsSync(interpreter)) return interpreter;
  const unfinished = `${folder}.${process.pid}`;
  await mkdir(path.dirname(folder), { recursive: true });
  try {
    await rm(folder, { recursive: true, force: true });
    await run(python, ["-m", "venv", unfinished]);
    const flags = ["--quiet", "--disable-pip-version-check", "--requirement", requirements];
    await run(path.join(unfinished, "bin", "python"), ["-m", "pip", "install", ...flags]);
    await rename(unfinished, folder);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(interpreter)) throw new Error(`${folder} can't be installed`, { cause });
  }
  return interpreter;
}
