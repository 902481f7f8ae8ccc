/** Every bound of the log and what derives from it, each with its reason. A test stands at each and one past it. */

/** DynamoDB: a sort key has at most 1,024 bytes; the rest is ours for prefixes. */
export const keyBytesMax = 900;
/** One object's JSON, as its writers may make it. */
export const objectBytesMax = 128 * 1024;
/** One object's JSON with what the server adds to end it: a deletion must always be possible. Two (value and previous) and the envelope fit an entry. */
export const storedObjectBytesMax = objectBytesMax + 2 * 1024;
/** Changes in one entry: swarmkit's MaxChangesPerTransaction, and the change's place must stay below 999 in a resourceVersion. */
export const entryChangesMax = 200;
/** An entry as stored. DynamoDB: an item at most 400 KB, attribute names and keys included. */
export const entryStoredBytesMax = 350 * 1024;
/** An entry before compression: bounds what one read of it costs in memory. */
export const entryPlainBytesMax = 4 * 1024 * 1024;
/** Back-pressure: entries and stored bytes that may lie between the applied marker and the head. */
export const lagEntriesMax = 5_000;
export const lagBytesMax = 32 * 1024 * 1024;
/** A writer reads the applied marker again after so many revisions or milliseconds. */
export const appliedRecheckRevisions = 500;
export const appliedRecheckMs = 5_000;
/** A transaction that lost so often, or for so long, answers "busy". Each loss is a write unit; the time bounds most of them. */
export const commitLossesMax = 200;
export const commitTimeMaxMs = 5_000;
/** A warm replica that lies so many stored bytes behind is dropped and starts cold. */
export const replicaBehindBytesMax = 2 * 1024 * 1024;
/** Entries asked for in one read of the log. */
export const readEntriesMax = 1_000;
/** Events that wait for one watcher; one more closes it with the revision to resume from. */
export const watchQueueMax = 10_000;
/** Entries are stripped to stubs when they are older. */
export const retentionMs = 7 * 24 * 3600 * 1000;
/** A deleted row's tombstone outlives every writer that could still hold an older write (a Lambda runs 15 minutes at most). */
export const tombstoneMs = 24 * 3600 * 1000;
/** Transactions that wait for one cluster's commits in one process. */
export const commitQueueMax = 10_000;
/** Stored bytes of entries that are appended together. */
export const runBytesMax = 4 * 1024 * 1024;
/** Keys and ranges that one call may have to load before its callback runs through. */
export const loadsMax = 1_000;
