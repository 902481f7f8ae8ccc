/** The row rules of the Objects port as statements: each write only over a lower revision, an update only over a row. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { jsonText } from "../../base/json.ts";
import { tombstoneMs } from "../../base/limits.ts";
import type { RowWrite } from "../ports.ts";

/** Expired tombstones removed for each that is written: two, so that they can't pile up. */
const purgedPerDelete = 2;

export class Rows {
  readonly #put: StatementSync;
  readonly #update: StatementSync;
  readonly #purge: StatementSync;

  constructor(database: DatabaseSync) {
    this.#put = database.prepare(`
      INSERT INTO objects (life, key, revision, value, expires) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (life, key) DO UPDATE SET revision = excluded.revision, value = excluded.value, expires = excluded.expires
      WHERE objects.revision < excluded.revision`);
    this.#update = database.prepare(`
      UPDATE objects SET value = ?1, revision = ?2 WHERE life = ?3 AND key = ?4 AND revision < ?2 AND value IS NOT NULL`);
    this.#purge = database.prepare(`
      DELETE FROM objects WHERE rowid IN (SELECT rowid FROM objects WHERE expires <= ? LIMIT ${purgedPerDelete})`);
  }

  /** Inside a write only. `now`: milliseconds since 1970, from which tombstones count. */
  write(life: number, writes: readonly RowWrite[], now: number): void {
    for (const write of writes) {
      switch (write.action) {
        case "create":
          this.#put.run(life, write.key, write.revision, jsonText(write.value), null);
          break;
        case "update":
          this.#update.run(jsonText(write.value), write.revision, life, write.key);
          break;
        case "delete":
          this.#purge.run(now);
          this.#put.run(life, write.key, write.revision, null, now + tombstoneMs);
          break;
      }
    }
  }
}
