/** The row rules of the Objects port on a Map: each write only over a lower revision, an update only over a row. */
import { deepFreeze } from "../../base/json.ts";
import { tombstoneMs } from "../../base/limits.ts";
import type { RowWrite } from "../ports.ts";
import type { Life } from "./life.ts";

/** Writes what may be written and leaves out the rest; done again it changes nothing. `now` in milliseconds. */
export function writeRows(life: Life, writes: readonly RowWrite[], now: number): void {
  dropExpired(life, now);
  for (const write of writes) {
    const there = life.rows.get(write.key);
    const isAgain = write.action === "delete" && there?.action === "delete" && there.revision === write.revision;
    if (there !== undefined && there.revision >= write.revision && !isAgain) continue;
    if (write.action === "update" && (there === undefined || there.action === "delete")) continue;
    // A copy: a tombstone that is written again is another one, with a time of its own.
    const row = deepFreeze({ ...write });
    life.rows.set(row.key, row);
    if (row.action === "delete") life.tombstones.push({ row, expires: now + tombstoneMs });
  }
}

function dropExpired({ rows, tombstones }: Life, now: number): void {
  const living = tombstones.findIndex(({ expires }) => expires > now);
  for (const { row } of tombstones.splice(0, living === -1 ? tombstones.length : living)) {
    if (rows.get(row.key) === row) rows.delete(row.key);
  }
}
