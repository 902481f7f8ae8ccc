/**
 * Files with secrets in the data folder: mode 0600, in folders of mode 0700. A file is written whole or not at all: a crash in
 * between leaves the former one, and at most a `.new` beside it, which the next write replaces. One process at a time writes
 * (the store's lock).
 */
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { StartError } from "./errors.ts";

const fileMode = 0o600;
const folderMode = 0o700;

/** Makes the folder and those above it; one that is there keeps its mode. @throws StartError when it can't be had. */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: folderMode });
  } catch (cause) {
    throw refused(path, "made", cause);
  }
}

/** The file's text; undefined when there is none. @throws StartError when it can't be read. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw refused(path, "read", cause);
  }
}

/** Replaces the file by `text`, durably. @throws StartError when it can't be written; then the former file is still there. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  try {
    await rm(fresh, { force: true });
    // wx: made here, with this mode; never an existing file that others may read.
    await using file = await open(fresh, "wx", fileMode);
    await file.writeFile(text);
    await file.sync();
    await rename(fresh, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    throw refused(path, "written", cause);
  }
}

/** The rename itself is durable only when the folder is. */
async function syncFolder(path: string): Promise<void> {
  // Windows can't open folders; its rename is durable with the file.
  if (process.platform === "win32") return;
  await using folder = await open(path, "r");
  await folder.sync();
}

function refused(path: string, act: "made" | "read" | "written", cause: unknown): StartError {
  return new StartError(`${path} can't be ${act}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);
