/**
 * The ports on a data folder whose writes run in a thread of their own (writer-thread.ts): this thread goes on while the disk syncs.
 * Reads run here, on a connection that sees what is committed, and heads follow it.
 */
import { deepFreeze } from "../../base/json.ts";
import { decodeEntry } from "../codec.ts";
import type {
  Appended,
  Cell,
  CellPut,
  Cells,
  EncodedEntry,
  Log,
  MarkerName,
  Markers,
  Objects,
  PageRange,
  ReadOptions,
  RowWrite,
  Tail,
} from "../ports.ts";
import { SqliteCells } from "./cells.ts";
import { NotWrittenError } from "./errors.ts";
import { connectReader } from "./folder.ts";
import type { Lives } from "./lives.ts";
import { SqliteLog } from "./log.ts";
import { SqliteObjects } from "./objects.ts";
import { partsOf, type SqliteOptions } from "./open.ts";
import { type PackedAppended, packRun } from "./thread-messages.ts";
import { Writer } from "./writer.ts";

export type ThreadedStore = {
  readonly log: Log;
  readonly objects: Objects;
  readonly cells: Cells;
  /** Writes what waits, gives the folder free and ends the thread. Nothing may be called after it. */
  close(): Promise<void>;
};

/** @throws DataFolderError as openSqlite does. */
export async function openSqliteThreaded(folder: string, { pid }: SqliteOptions): Promise<ThreadedStore> {
  const writer = new Writer(folder, pid);
  const file = await writer.opened;
  const database = connectReader(file);
  const parts = partsOf(database);
  return {
    log: new ThreadedLog(writer, new SqliteLog(parts), parts.lives),
    objects: new ThreadedObjects(writer, new SqliteObjects(parts), parts.lives),
    cells: new ThreadedCells(writer, new SqliteCells(parts)),
    close: async () => {
      database.close();
      await writer.close();
    },
  };
}

class ThreadedLog implements Log {
  readonly appendMax: number;
  readonly compressAboveBytes: number;
  readonly #writer: Writer;
  readonly #reader: SqliteLog;
  readonly #lives: Lives;

  constructor(writer: Writer, reader: SqliteLog, lives: Lives) {
    this.#writer = writer;
    this.#reader = reader;
    this.#lives = lives;
    this.appendMax = reader.appendMax;
    this.compressAboveBytes = reader.compressAboveBytes;
  }

  async append(uid: string, entries: readonly EncodedEntry[]): Promise<Appended> {
    const run = packRun(entries);
    try {
      const appended = (await this.#writer.call({ call: "append", uid, run }, run.bytes)) as PackedAppended;
      this.#lives.refresh(uid);
      if (appended.kind !== "conflict") return appended;
      return { kind: "conflict", entry: appended.entry && decodeEntry(appended.entry.revision, appended.entry.bytes) };
    } catch (cause) {
      this.#lives.refresh(uid);
      return { kind: cause instanceof NotWrittenError ? "refused" : "unknown", cause };
    }
  }

  /** What the other connection has committed is there for all, also before its answer has come here: the head must say so, too. */
  read(uid: string, options: ReadOptions): Promise<Tail> {
    this.#lives.refresh(uid);
    return this.#reader.read(uid, options);
  }

  async strip(uid: string, range: { readonly after: number; readonly upTo: number }): Promise<void> {
    await this.#writer.call({ call: "strip", arguments: [uid, range] });
  }

  head(uid: string): number | undefined {
    return this.#reader.head(uid);
  }
}

class ThreadedObjects implements Objects {
  readonly #writer: Writer;
  readonly #reader: SqliteObjects;
  readonly #lives: Lives;

  constructor(writer: Writer, reader: SqliteObjects, lives: Lives) {
    this.#writer = writer;
    this.#reader = reader;
    this.#lives = lives;
  }

  async begin(uid: string, first: number): Promise<Markers> {
    const there = await this.#reader.markers(uid);
    if (there !== undefined) return there;
    const begun = (await this.#writer.call({ call: "begin", arguments: [uid, first] })) as Markers;
    this.#lives.refresh(uid);
    return begun;
  }

  markers(uid: string) {
    return this.#reader.markers(uid);
  }

  async move(uid: string, marker: MarkerName, step: { readonly from: number; readonly to: number }): Promise<boolean> {
    return (await this.#writer.call({ call: "move", arguments: [uid, marker, step] })) as boolean;
  }

  get(uid: string, key: string) {
    return this.#reader.get(uid, key);
  }

  page(uid: string, range: PageRange) {
    return this.#reader.page(uid, range);
  }

  async apply(uid: string, writes: readonly RowWrite[], now: number): Promise<void> {
    await this.#writer.call({ call: "apply", arguments: [uid, writes, now] });
    this.#lives.refresh(uid);
  }

  async remove(uid: string, limit: number): Promise<boolean> {
    const removed = (await this.#writer.call({ call: "remove", arguments: [uid, limit] })) as boolean;
    this.#lives.refresh(uid);
    return removed;
  }
}

class ThreadedCells implements Cells {
  readonly #writer: Writer;
  readonly #reader: SqliteCells;

  constructor(writer: Writer, reader: SqliteCells) {
    this.#writer = writer;
    this.#reader = reader;
  }

  get(uid: string, key: string): Promise<Cell | undefined> {
    return this.#reader.get(uid, key);
  }

  async put(uid: string, put: CellPut): ReturnType<Cells["put"]> {
    return deepFreeze((await this.#writer.call({ call: "putCell", arguments: [uid, put] })) as Awaited<ReturnType<Cells["put"]>>);
  }

  async delete(uid: string, key: string, version: number): Promise<boolean> {
    return (await this.#writer.call({ call: "deleteCell", arguments: [uid, key, version] })) as boolean;
  }

  list(uid: string, prefix: string, limit: number) {
    return this.#reader.list(uid, prefix, limit);
  }
}
