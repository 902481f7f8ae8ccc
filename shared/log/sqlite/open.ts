/** A data folder opened as the three ports, for one process. */
import type { DatabaseSync } from "node:sqlite";
import { SqliteCells } from "./cells.ts";
import { openFolder } from "./folder.ts";
import { GroupCommit } from "./group-commit.ts";
import { Lives } from "./lives.ts";
import { SqliteLog } from "./log.ts";
import { SqliteObjects } from "./objects.ts";
import type { SqliteParts } from "./parts.ts";
import { PendingRows } from "./pending-rows.ts";
import { Rows } from "./rows.ts";

export type SqliteStore = {
  readonly log: SqliteLog;
  readonly objects: SqliteObjects;
  readonly cells: SqliteCells;
  /** Writes what waits, folds the write-ahead log into the file and gives the folder free. Nothing may be called after it. */
  close(): Promise<void>;
};

export type SqliteOptions = {
  /** This process's id, shown to whoever comes second. */
  readonly pid: number;
};

/**
 * Opens `folder` and makes it if it is missing (0700; files 0600).
 * @throws DataFolderError when another process has it open, it can't be written, or what is in it is foreign, newer or damaged;
 * its files are untouched.
 */
export function openSqlite(folder: string, { pid }: SqliteOptions): SqliteStore {
  const { database, lock } = openFolder(folder, pid);
  const parts = partsOf(database);
  return {
    log: new SqliteLog(parts),
    objects: new SqliteObjects(parts),
    cells: new SqliteCells(parts),
    close: async () => {
      try {
        parts.commits.close(() => parts.pending.writeAll());
        database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } finally {
        database.close();
        lock.release();
      }
    },
  };
}

export function partsOf(database: DatabaseSync): SqliteParts {
  const lives = new Lives(database);
  const rows = new Rows(database);
  const pending = new PendingRows(database, rows);
  pending.takeUp();
  const commits = new GroupCommit(database, () => {
    lives.forget();
    pending.forget();
  });
  return { database, lives, rows, pending, commits };
}
