/**
 * Whether a database file is ours, of our version and sound, found out without a byte written to it: first from its first 100
 * bytes, which no other program's file survives, then over a read-only connection.
 */
import { accessSync, closeSync, constants, existsSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { DataFolderError, type FolderProblem } from "./errors.ts";
import { applicationId, describeOwnSchema, describeSchema, schemaVersion } from "./schema.ts";

/** SQLite file format, section 1.3: the database header. */
const headerBytes = 100;
const magic = "SQLite format 3\u0000";
const userVersionAt = 60;
const applicationIdAt = 68;
/**
 * Every page of a file up to this size is checked when it is opened: 60 MB took 40 ms. Of a larger file only its length, its
 * tables and the ends of the newest logs; what is damaged elsewhere fails when it is read.
 */
const checkedBytesMax = 256 * 1024 * 1024;
const checkedLivesMax = 1_000;

type Refuse = (problem: FolderProblem, why: string, cause?: unknown) => DataFolderError;

/** Nothing in this process may have `file` open: closing a descriptor drops the locks of all of them. @throws DataFolderError */
export function checkDatabase(folder: string, file: string): void {
  const refuse: Refuse = (problem, why, cause) => new DataFolderError(folder, { problem, why, cause });
  if (!statSync(file).isFile()) throw refuse("foreign", `${file} is not a file`);
  checkAccess(file, refuse);
  checkHeader(file, refuse);
  checkContent(file, refuse);
}

function checkAccess(file: string, refuse: Refuse): void {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
  } catch (cause) {
    throw refuse("unwritable", `${file} can't be read and written`, cause);
  }
}

function checkHeader(file: string, refuse: Refuse): void {
  const header = readHeader(file);
  if (header.length < headerBytes || header.toString("latin1", 0, magic.length) !== magic) {
    throw refuse("foreign", `${file} is not an SQLite database`);
  }
  if (header.readUInt32BE(applicationIdAt) !== applicationId) throw refuse("foreign", `${file} belongs to another application`);
  const version = header.readUInt32BE(userVersionAt);
  if (version > schemaVersion) throw refuse("newer", `its version is ${version}; this program knows up to ${schemaVersion}`);
  if (version < schemaVersion) throw refuse("damaged", `its version is ${version}, which this program does not know`);
}

function readHeader(file: string): Buffer {
  const descriptor = openSync(file, "r");
  try {
    const header = Buffer.alloc(headerBytes);
    return header.subarray(0, readSync(descriptor, header, 0, headerBytes, 0));
  } finally {
    closeSync(descriptor);
  }
}

function checkContent(file: string, refuse: Refuse): void {
  const index = `${file}-shm`;
  const hadIndex = existsSync(index);
  const hasWal = existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0;
  try {
    // A write-ahead log is read through an index that SQLite makes beside it; without one nothing needs to be made.
    const database = new DatabaseSync(hasWal ? file : immutable(file), { readOnly: true });
    try {
      if (describeSchema(database) !== describeOwnSchema()) throw refuse("damaged", "its tables are not those of this version");
      if (!hasWal && pagedBytes(database) > statSync(file).size) throw refuse("damaged", `${file} is cut off`);
      if (statSync(file).size <= checkedBytesMax) checkPages(database, refuse);
      checkHeads(database, refuse);
    } finally {
      database.close();
    }
  } catch (cause) {
    throw cause instanceof DataFolderError ? cause : refuse("damaged", `${file} can't be read`, cause);
  } finally {
    if (!hadIndex) rmSync(index, { force: true });
  }
}

function immutable(file: string): URL {
  const url = pathToFileURL(file);
  url.searchParams.set("immutable", "1");
  return url;
}

function pagedBytes(database: DatabaseSync): number {
  const count = database.prepare("PRAGMA page_count").get()?.["page_count"];
  const size = database.prepare("PRAGMA page_size").get()?.["page_size"];
  return Number(count) * Number(size);
}

function checkPages(database: DatabaseSync, refuse: Refuse): void {
  const result = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (result !== "ok") throw refuse("damaged", String(result));
}

/** The last entry of a log, unless all of them were stripped, is the one that its head names, or one above it. */
function checkHeads(database: DatabaseSync, refuse: Refuse): void {
  const newest = `SELECT number, uid, head FROM lives ORDER BY number DESC LIMIT ${checkedLivesMax}`;
  const wrong = database
    .prepare(
      `SELECT uid FROM (${newest}) WHERE head > (SELECT max(revision) FROM log WHERE id > number << 43 AND id < (number + 1) << 43)`,
    )
    .get();
  if (wrong !== undefined) throw refuse("damaged", `the log of ${String(wrong["uid"])} ends below its head`);
}
