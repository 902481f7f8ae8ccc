/** What the log room throws. Outcomes that a caller branches on (conflict, trimmed, absent) are values, not errors. */

/** Something is larger than can be stored. Nothing was written; trying the same again is useless. */
export class TooLargeError extends Error {
  override readonly name = "TooLargeError";
  readonly what: string;
  readonly size: number;
  readonly max: number;
  constructor(what: string, size: number, max: number, unit: string) {
    super(`${what} has ${size} ${unit}; at most ${max}`);
    this.what = what;
    this.size = size;
    this.max = max;
  }
}

/** What stands at a revision is not an entry: the store is damaged or foreign. Trying again is useless. */
export class DamagedEntryError extends Error {
  override readonly name = "DamagedEntryError";
  readonly revision: number;
  constructor(revision: number, cause: unknown) {
    super(`the entry at revision ${revision} can't be read`, { cause });
    this.revision = revision;
  }
}
