/**
 * The data folder: made where it is missing, locked for one process, and looked at before anything is written. What is not
 * ours, is newer than we know or is damaged is refused, and stays as it is to the byte.
 */
import { accessSync, closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DataFolderError } from "./errors.ts";
import { checkDatabase } from "./folder-check.ts";
import { FolderLock } from "./folder-lock.ts";
import { applicationId, schemaSql, schemaVersion } from "./schema.ts";

const databaseName = "windlass.db";

export type DataFolder = { readonly database: DatabaseSync; readonly lock: FolderLock };

/** Opens `path` for this process alone; `pid` is shown to whoever comes second. @throws DataFolderError when it can't be used. */
export function openFolder(path: string, pid: number): DataFolder {
  const folder = resolve(path);
  const lock = orUnwritable(folder, () => {
    makeFolder(folder);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return FolderLock.acquire(folder, pid);
  });
  try {
    const file = join(folder, databaseName);
    if (!existsSync(file)) orUnwritable(folder, () => create(folder, file));
    checkDatabase(folder, file);
    return { database: orUnwritable(folder, () => connect(file)), lock };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Not `recursive`: Node's never ends where the system denies that a folder could be (mkdir below /proc). */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(folder)) throw error;
  }
}

/** Made under another name first: a crash leaves no half of a database under the real one. */
function create(folder: string, file: string): void {
  if (existsSync(`${file}-wal`)) {
    throw new DataFolderError(folder, {
      problem: "damaged",
      why: `${databaseName} is missing, though its write-ahead log is there`,
    });
  }
  const draft = `${file}.new`;
  for (const leftover of [draft, `${draft}-journal`]) rmSync(leftover, { force: true });
  closeSync(openSync(draft, "wx", 0o600));
  const database = new DatabaseSync(draft);
  try {
    database.exec(
      `BEGIN; PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; ${schemaSql} COMMIT;`,
    );
  } finally {
    database.close();
  }
  renameSync(draft, file);
  const descriptor = openSync(folder, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/**
 * EXCLUSIVE: no other connection comes in between, and the write-ahead log needs no shared index. FULL: a commit is on the disk
 * before it is answered. 2,000 pages (8 MB) between checkpoints: fewer than by default, each some 10 ms.
 */
function connect(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
    if (mode !== "wal") throw new Error(`no write-ahead log on this file system: journal mode ${String(mode)}`);
    database.exec(`
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = 2000;
      PRAGMA journal_size_limit = 67108864;
      PRAGMA cache_size = -32768;
      PRAGMA cell_size_check = ON;
      PRAGMA trusted_schema = OFF;
      PRAGMA temp_store = MEMORY;
    `);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

function orUnwritable<T>(folder: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof DataFolderError) throw cause;
    const why = `can't be written: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new DataFolderError(folder, { problem: "unwritable", why, cause });
  }
}
