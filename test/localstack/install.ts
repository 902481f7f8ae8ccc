/**
 * What LocalStack needs on a machine without Docker, and how it gets there: LocalStack from PyPI in a virtual environment,
 * DynamoDB Local from Maven Central. Both are cached in folders named by their pins and appear there whole, by a rename,
 * so that runs at the same time, or one that was cut off, never leave half of one. start.ts runs what is here.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { copyFile, mkdir, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const requirements = join(import.meta.dirname, "requirements.txt");
const pom = join(import.meta.dirname, "pom.xml");
const mavenCopy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
const javaMajorMin = 17;
/** LocalStack 4.14 does not parse below it; the pins have wheels for it. */
const pythonMinorMin = 13;
const outputBytesMax = 16 * 1024 * 1024;

export type Installed = {
  /** The virtual environment's interpreter. */
  readonly python: string;
  /** The folder of DynamoDB Local's jars and of SQLite's native library. */
  readonly jars: string;
};

/** What is not there and has to be installed by hand first; empty: `install` can run. */
export async function missingTools(cache: string): Promise<string[]> {
  const { python, jars } = folders(cache);
  const missing: string[] = [];
  if (!(await hasJava())) missing.push(`Java ${javaMajorMin} or later`);
  if (!existsSync(join(python, "bin", "python")) && (await findPython()) === undefined)
    missing.push(`Python 3.${pythonMinorMin}`);
  if (!existsSync(jars) && !(await succeeds("mvn", ["--version"]))) missing.push("Maven");
  return missing;
}

/** Installs what the cache lacks: about a minute the first time, nothing later. @throws when a download fails. */
export async function install(cache: string): Promise<Installed> {
  const { python, jars } = folders(cache);
  await mkdir(cache, { recursive: true });
  // The interpreter it was made with is gone: made again with another.
  if (!existsSync(join(python, "bin", "python"))) await rm(python, { recursive: true, force: true });
  await Promise.all([whole(python, installPython), whole(jars, installJars)]);
  return { python: join(python, "bin", "python"), jars };
}

function folders(cache: string): { readonly python: string; readonly jars: string } {
  return { python: join(cache, `python-${digest(requirements)}`), jars: join(cache, `dynamodb-local-${digest(pom)}`) };
}

const digest = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 12);

/** Lets `make` fill a folder of another name, then renames it to `folder`; who comes second takes the first one's. */
async function whole(folder: string, make: (folder: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  const unfinished = `${folder}.${process.pid}`;
  try {
    await rm(unfinished, { recursive: true, force: true });
    await make(unfinished);
    await rename(unfinished, folder);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(folder)) throw new Error(`${folder} can't be installed`, { cause });
  }
}

async function installPython(folder: string): Promise<void> {
  const python = await findPython();
  if (python === undefined) throw new Error(`no Python 3.${pythonMinorMin}`);
  await run(python, ["-m", "venv", folder]);
  const flags = ["--quiet", "--disable-pip-version-check", "--requirement", requirements];
  await run(join(folder, "bin", "python"), ["-m", "pip", "install", ...flags], { maxBuffer: outputBytesMax });
}

async function installJars(folder: string): Promise<void> {
  const flags = [`-DoutputDirectory=${folder}`, "-DincludeScope=runtime"];
  await run("mvn", ["--quiet", "--batch-mode", "--file", pom, mavenCopy, ...flags], { maxBuffer: outputBytesMax });
  // Maven names a native library with its version; Java looks for it without.
  for (const name of await readdir(folder)) {
    const plain = name.replace(/^(libsqlite4java-.*?)-\d[\d.]*\.(so|dylib)$/, "$1.$2");
    if (plain !== name) await copyFile(join(folder, name), join(folder, plain));
  }
}

async function hasJava(): Promise<boolean> {
  const answer = await run("java", ["-version"]).catch(() => undefined);
  return Number(/version "(\d+)/.exec(answer?.stderr ?? "")?.[1] ?? 0) >= javaMajorMin;
}

async function findPython(): Promise<string | undefined> {
  const pyenv = globSync(join(homedir(), ".pyenv", "versions", `3.${pythonMinorMin}*`, "bin", "python3"));
  const check = `import sys, venv; sys.exit(sys.version_info < (3, ${pythonMinorMin}))`;
  for (const candidate of [`python3.${pythonMinorMin}`, ...pyenv, "python3"]) {
    if (await succeeds(candidate, ["-c", check])) return candidate;
  }
  return undefined;
}

const succeeds = (command: string, flags: readonly string[]): Promise<boolean> =>
  run(command, [...flags]).then(
    () => true,
    () => false,
  );
