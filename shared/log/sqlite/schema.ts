/**
 * The tables, and what tells our file from others: SQLite's application id and user version, both in the file's first 100
 * bytes. Tables are rowid tables, most with a unique index beside: WITHOUT ROWID costs four times as much with values of this size.
 * A version that changes the tables must end with a checkpoint, so that the first bytes tell the version.
 */
import { DatabaseSync } from "node:sqlite";

/** "wndl" in ASCII. */
export const applicationId = 0x776e646c;
export const schemaVersion = 2;

/**
 * lives: `number` stands for the uid in the other tables. `head`: last revision of the log when rows were last written, NULL before the
 * first; what the log has above it counts, too, and it outlives what is stripped. It outlives `first` and the markers, which are NULL until
 * the life begins and after it was removed.
 * log: `id` is made of life and revision (log-id.ts).
 * rows: value NULL is a tombstone, kept until `expires`.
 */
export const schemaSql = `
CREATE TABLE lives (
  number INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE,
  head INTEGER, first INTEGER, applied INTEGER, published INTEGER, stripped INTEGER
) STRICT;
CREATE TABLE log (id INTEGER PRIMARY KEY, life INTEGER NOT NULL, revision INTEGER NOT NULL, entry BLOB NOT NULL) STRICT;
CREATE TABLE objects (life INTEGER NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, value TEXT, expires INTEGER) STRICT;
CREATE UNIQUE INDEX objects_by_key ON objects (life, key);
CREATE INDEX tombstones ON objects (expires) WHERE expires IS NOT NULL;
CREATE TABLE cells (life INTEGER NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL, expires INTEGER) STRICT;
CREATE UNIQUE INDEX cells_by_key ON cells (life, key);
`;

/** What a database with our schema says of itself; two that say the same have the same tables. */
export function describeSchema(database: DatabaseSync): string {
  return JSON.stringify(database.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").all());
}

export function describeOwnSchema(): string {
  const database = new DatabaseSync(":memory:");
  try {
    database.exec(schemaSql);
    return describeSchema(database);
  } finally {
    database.close();
  }
}
