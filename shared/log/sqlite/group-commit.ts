/**
 * All writes that wait are one transaction and one fsync. A write is a function over the database that runs to its end at
 * once; it sees what those before it in its group wrote, and nobody sees any of it, nor is told of it, before the commit.
 * The group is closed when the event loop has read what came in, so that all who came in one turn of it share the fsync.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { NotWrittenError, UnclearWriteError } from "./errors.ts";
import { schemaVersion } from "./schema.ts";

/** Writes of one transaction: enough to spread an fsync thin, few enough to keep the write-ahead log short. */
const groupMax = 512;
/** Writes that wait; one more is refused. */
export const waitingMax = 20_000;

/** `act` writes and returns what tells the caller of it; `fail` is the other way to tell. */
type Job = { readonly act: () => () => void; readonly fail: (error: Error) => void; readonly needsDisk: boolean };

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #onRollback: () => void;
  readonly #lazy: StatementSync;
  readonly #full: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  readonly #smallWrite: StatementSync;
  readonly #waiting: Job[] = [];
  #scheduled = false;
  #closed = false;
  #gathering: PromiseWithResolvers<void> | undefined;

  /** `onRollback` is called when what writes left in memory is void. */
  constructor(database: DatabaseSync, onRollback: () => void) {
    this.#database = database;
    this.#onRollback = onRollback;
    this.#lazy = database.prepare("PRAGMA synchronous = NORMAL");
    this.#full = database.prepare("PRAGMA synchronous = FULL");
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
    this.#smallWrite = database.prepare(`PRAGMA user_version = ${schemaVersion}`);
  }

  /**
   * What `act` gives, once it is durable; it may be run more than once. Rejects with NotWrittenError or UnclearWriteError. Without
   * `needsDisk` it may be lost in a crash, as long as nothing that does need it was written after it.
   */
  write<T>(act: () => T, { needsDisk = true } = {}): Promise<T> {
    if (this.#closed) return Promise.reject(new NotWrittenError("the data folder was closed"));
    if (this.#waiting.length >= waitingMax) return Promise.reject(new NotWrittenError(`${waitingMax} writes are waiting`));
    return new Promise((resolve, fail) => {
      const actAndTell = () => {
        const result = act();
        return () => resolve(result);
      };
      this.#waiting.push({ act: actAndTell, fail, needsDisk });
      this.#schedule();
    });
  }

  /**
   * Resolves just before a group is written. What is written then, in the same turn, is still of the group: who has callers of its own
   * to put together waits for it, and puts together all that came.
   */
  gather(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#gathering ??= Promise.withResolvers();
    this.#schedule();
    return this.#gathering.promise;
  }

  /** Writes what waits, `last` after it, and refuses what comes later. */
  close(last: () => void): void {
    this.#closed = true;
    this.#endGathering();
    const act = () => {
      last();
      return ignore;
    };
    // What it would write follows from the log: the next process writes it.
    this.#waiting.push({ act, fail: ignore, needsDisk: false });
    while (this.#waiting.length > 0) this.#transact(this.#waiting.splice(0, groupMax));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#endGathering();
      // Node runs what a microtask leaves for the next tick when no microtask is left: those who gathered have written by then.
      queueMicrotask(() => process.nextTick(() => this.#writeGroup()));
    });
  }

  #endGathering(): void {
    this.#gathering?.resolve();
    this.#gathering = undefined;
  }

  #writeGroup(): void {
    this.#scheduled = false;
    if (this.#waiting.length > 0) this.#transact(this.#waiting.splice(0, groupMax));
    if (this.#waiting.length > 0 || this.#gathering !== undefined) this.#schedule();
  }

  /** FULL waits for the disk at a commit, NORMAL does not; what a FULL commit waits for includes all before it. */
  #transact(group: readonly Job[]): void {
    const isLazy = group.every(({ needsDisk }) => !needsDisk);
    if (isLazy) this.#lazy.run();
    this.#transactNow(group);
    if (isLazy) this.#full.run();
  }

  #transactNow(group: readonly Job[]): void {
    const tellings = this.#actAll(group);
    if (tellings === undefined) return;
    try {
      this.#commit.run();
    } catch (cause) {
      this.#undo();
      const error = this.#isCertainlyUndone() ? new NotWrittenError("the commit failed", cause) : new UnclearWriteError(cause);
      for (const { fail } of group) fail(error);
      return;
    }
    for (const tell of tellings) tell();
  }

  /** Runs a group up to its commit. One that fails must not fail the others: then each becomes a transaction of its own. */
  #actAll(group: readonly Job[]): (() => void)[] | undefined {
    try {
      this.#begin.run();
      return group.map(({ act }) => act());
    } catch (cause) {
      this.#undo();
      const [only, ...others] = group;
      if (others.length === 0) only?.fail(new NotWrittenError("it could not be carried out", cause));
      else for (const job of group) this.#transactNow([job]);
      return undefined;
    }
  }

  #undo(): void {
    this.#onRollback();
    if (this.#database.isTransaction) this.#rollback.run();
  }

  /**
   * After a failed commit its frames may stand at the end of the write-ahead log, complete but for the answer, and count after a
   * crash. This connection does not see them, and its next commit is written over them: once that succeeds they are gone.
   */
  #isCertainlyUndone(): boolean {
    try {
      this.#smallWrite.run();
      return true;
    } catch {
      // The disk still fails: nothing can be told.
      return false;
    }
  }
}

const ignore = (): void => undefined;
