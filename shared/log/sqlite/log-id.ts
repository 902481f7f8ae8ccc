/**
 * The key of an entry's row: its life's number and its revision in one integer, so that SQLite finds it without an index beside the
 * table, and a commit writes one page. As a BigInt, for it may exceed 2^53.
 */

/** Revisions are milliseconds since 1970 and what is counted from there: below 2^43 until the year 2248. */
const revisionBits = 43n;
/** So that both fit an integer of SQLite, 63 bits without its sign. */
export const livesMax = 2 ** 20 - 1;

export const idOf = (life: number, revision: number): bigint => (BigInt(life) << revisionBits) + BigInt(revision);
