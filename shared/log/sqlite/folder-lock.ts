/**
 * One process a data folder: an SQLite database of no bytes, held in an exclusive transaction as long as the folder is open.
 * The operating system drops that lock when the process ends, however it ends. The pid beside it is only for the message.
 *
 * POSIX drops all locks of a process on a file when the process closes any descriptor of it: so nothing here opens the lock
 * file but SQLite, which knows that and keeps count, but for its creation.
 */
import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DataFolderError } from "./errors.ts";

export class FolderLock {
  readonly #database: DatabaseSync;
  readonly #pidFile: string;

  private constructor(database: DatabaseSync, pidFile: string) {
    this.#database = database;
    this.#pidFile = pidFile;
  }

  /** @throws DataFolderError `locked` when another process, or this one, holds it. */
  static acquire(folder: string, pid: number): FolderLock {
    const lockFile = join(folder, "windlass.lock");
    const pidFile = join(folder, "windlass.pid");
    createEmpty(lockFile);
    if (statSync(lockFile).size > 0) {
      throw new DataFolderError(folder, { problem: "foreign", why: "windlass.lock is not a lock of Windlass: it is not empty" });
    }
    const database = new DatabaseSync(lockFile);
    try {
      database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    } catch (cause) {
      database.close();
      const holder = readPid(pidFile);
      const who = holder === undefined ? "another process" : `process ${holder}`;
      throw new DataFolderError(folder, { problem: "locked", why: `in use by ${who}`, cause, ...(holder && { pid: holder }) });
    }
    writeFileSync(pidFile, `${pid}\n`, { mode: 0o600 });
    return new FolderLock(database, pidFile);
  }

  release(): void {
    rmSync(this.#pidFile, { force: true });
    this.#database.close();
  }
}

function createEmpty(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function readPid(pidFile: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(pidFile, "utf8"), 10) || undefined;
  } catch {
    // The holder has not written it yet, or keeps it from us: the lock itself is what counts.
    return undefined;
  }
}
