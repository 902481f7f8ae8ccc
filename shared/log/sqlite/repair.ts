/**
 * A data folder opened for mending: the ports, and the two writes that they refuse on purpose, for a row only ever takes a higher
 * revision and a marker only ever grows. Only the doctor, who knows from the log what is right, may use them.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Markers, RowWrite } from "../ports.ts";
import { SqliteCells } from "./cells.ts";
import { DataFolderError } from "./errors.ts";
import { openFolder } from "./folder.ts";
import { SqliteLog } from "./log.ts";
import { SqliteObjects } from "./objects.ts";
import { partsOf, type SqliteOptions, type SqliteStore } from "./open.ts";
import type { SqliteParts } from "./parts.ts";

export type RepairStore = SqliteStore & {
  /** Writes rows over whatever is there; a delete leaves a tombstone. All or nothing. */
  replaceRows(uid: string, writes: readonly RowWrite[], now: number): Promise<void>;
  /** Sets markers to what they should be. */
  setMarkers(uid: string, markers: Omit<Markers, "first">): Promise<void>;
};

/** @throws DataFolderError as openSqlite, and where there is no state: nothing is made. */
export function openForRepair(path: string, { pid }: SqliteOptions): RepairStore {
  if (!existsSync(join(path, "windlass.db")))
    throw new DataFolderError(path, { problem: "absent", why: "there is no state in it" });
  const { database, lock } = openFolder(path, pid);
  const parts = partsOf(database);
  return {
    log: new SqliteLog(parts),
    objects: new SqliteObjects(parts),
    cells: new SqliteCells(parts),
    ...repairs(parts),
    close: async () => {
      parts.commits.close(() => parts.pending.writeAll());
      database.close();
      lock.release();
    },
  };
}

function repairs({ database, commits, lives, rows }: SqliteParts): Pick<RepairStore, "replaceRows" | "setMarkers"> {
  const { remove, set } = statements(database);
  return {
    replaceRows: (uid, writes, now) =>
      commits.write(() => {
        const { number } = lives.at(uid);
        for (const { key } of writes) remove.run(number, key);
        rows.write(number, writes, now);
      }),
    setMarkers: (uid, { applied, published, stripped }) =>
      commits.write(() => void set.run({ uid, applied, published, stripped })),
  };
}

const statements = (database: DatabaseSync) => ({
  remove: database.prepare("DELETE FROM objects WHERE life = ? AND key = ?"),
  set: database.prepare(
    "UPDATE lives SET applied = :applied, published = :published, stripped = :stripped WHERE uid = :uid AND first IS NOT NULL",
  ),
});
