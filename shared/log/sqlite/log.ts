/**
 * The Log port on SQLite. An append writes its entries; the rows that follow from them are written later and never seen to lag
 * (pending-rows.ts). Stripped entries are deleted, and their positions stay taken: an append is checked against the head, which only grows.
 */
import type { StatementSync } from "node:sqlite";
import { decodeEntry } from "../codec.ts";
import type { Appended, EncodedEntry, Log, ReadOptions, Tail } from "../ports.ts";
import { blob, integer } from "./columns.ts";
import { NotWrittenError } from "./errors.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Lives } from "./lives.ts";
import { idOf } from "./log-id.ts";
import type { SqliteParts } from "./parts.ts";
import type { PendingRows } from "./pending-rows.ts";

/** Stored bytes of one read, at least one entry: as DynamoDB's page of 1 MB. */
const readBytesMax = 1024 * 1024;

export class SqliteLog implements Log {
  readonly appendMax = 256;
  /** Local disks are cheap, and a commit of one object is not worth the time that compressing it takes. */
  readonly compressAboveBytes = 16 * 1024;
  readonly appliesItself = true;
  readonly #commits: GroupCommit;
  readonly #lives: Lives;
  readonly #pending: PendingRows;
  readonly #insert: StatementSync;
  readonly #selectAfter: StatementSync;
  readonly #selectOne: StatementSync;
  readonly #delete: StatementSync;

  constructor({ database, commits, lives, pending }: SqliteParts) {
    this.#commits = commits;
    this.#lives = lives;
    this.#pending = pending;
    this.#insert = database.prepare("INSERT INTO log (id, life, revision, entry) VALUES (?, ?, ?, ?)");
    this.#selectAfter = database.prepare("SELECT revision, entry FROM log WHERE id > ? AND id < ? ORDER BY id LIMIT ?");
    this.#selectOne = database.prepare("SELECT revision, entry FROM log WHERE id = ?");
    this.#delete = database.prepare("DELETE FROM log WHERE id > ? AND id <= ?");
  }

  gather(): Promise<void> {
    return this.#commits.gather();
  }

  async append(uid: string, run: readonly EncodedEntry[]): Promise<Appended> {
    const [first] = run;
    if (first === undefined || run.length > this.appendMax)
      return refused(`a run has ${run.length} entries; 1 to ${this.appendMax}`);
    try {
      return await this.#commits.write(() => this.#put(uid, first.entry.revision, run));
    } catch (cause) {
      return { kind: cause instanceof NotWrittenError ? "refused" : "unknown", cause };
    }
  }

  async read(uid: string, { after, limit }: ReadOptions): Promise<Tail> {
    const life = this.#lives.find(uid);
    if (life?.head === undefined || after >= life.head) return { kind: "entries", entries: [], end: true };
    const entries: EncodedEntry[] = [];
    let size = 0;
    for (const columns of this.#selectAfter.iterate(idOf(life.number, after), idOf(life.number + 1, 0), limit)) {
      const encoded = decodeEntry(integer(columns, "revision"), blob(columns, "entry"));
      if (encoded.entry.revision !== after + 1 + entries.length) break;
      entries.push(encoded);
      size += encoded.bytes.length;
      if (size >= readBytesMax) break;
    }
    // Below the head every position holds an entry or is stripped.
    if (entries.length === 0) return { kind: "trimmed" };
    return { kind: "entries", entries, end: after + entries.length === life.head };
  }

  async strip(uid: string, { after, upTo }: { readonly after: number; readonly upTo: number }): Promise<void> {
    const life = this.#lives.find(uid);
    if (life === undefined) return;
    await this.#commits.write(() => {
      // Also keeps the head, which the last entry alone tells until then.
      this.#pending.write(life.number);
      this.#delete.run(idOf(life.number, after), idOf(life.number, upTo));
    });
  }

  head(uid: string): number | undefined {
    return this.#lives.find(uid)?.head;
  }

  #put(uid: string, revision: number, run: readonly EncodedEntry[]): Appended {
    const life = this.#lives.at(uid);
    const head = life.head ?? revision - 1;
    if (revision <= head) return { kind: "conflict", entry: this.#entryAt(life.number, revision) };
    if (revision !== head + 1) return refused(`revision ${revision} does not follow the head ${head}`);
    for (const { entry, bytes } of run) this.#insert.run(idOf(life.number, entry.revision), life.number, entry.revision, bytes);
    this.#pending.add(
      life.number,
      run.map(({ entry }) => entry),
    );
    if (this.#pending.isFull) this.#pending.writeAll();
    this.#lives.moveHead(uid, life, head + run.length);
    return { kind: "committed" };
  }

  #entryAt(life: number, revision: number): EncodedEntry | undefined {
    const columns = this.#selectOne.get(idOf(life, revision));
    return columns && decodeEntry(integer(columns, "revision"), blob(columns, "entry"));
  }
}

function refused(why: string): Appended {
  return { kind: "refused", cause: new NotWrittenError(why) };
}
