/** What the SQLite adapter throws, beside the log room's own errors. */

export type FolderProblem = "locked" | "absent" | "unwritable" | "foreign" | "newer" | "damaged";

/**
 * The data folder can't be used; its files are as they were. Trying again is useless until someone has looked, except for
 * `locked`: another process has the folder open, `pid` if known.
 */
export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
  readonly folder: string;
  readonly problem: FolderProblem;
  readonly pid: number | undefined;
  constructor(
    folder: string,
    { problem, why, pid, cause }: { problem: FolderProblem; why: string; pid?: number; cause?: unknown },
  ) {
    super(`data folder ${folder}: ${why}`, { cause });
    this.folder = folder;
    this.problem = problem;
    this.pid = pid;
  }
}

/** A write failed and certainly changed nothing. Trying it again is safe. */
export class NotWrittenError extends Error {
  override readonly name = "NotWrittenError";
  constructor(why: string, cause?: unknown) {
    super(`nothing was written: ${why}`, { cause });
  }
}

/** A write got no clear answer: it changed everything or nothing. All writes of the ports may be done again. */
export class UnclearWriteError extends Error {
  override readonly name = "UnclearWriteError";
  constructor(cause: unknown) {
    super("it is not known whether the write was done", { cause });
  }
}
