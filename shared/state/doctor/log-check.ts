/**
 * A life's log from its first kept entry to its head: whether it is dense and readable and each change begins where the one before it
 * ended; and what it comes to, key by key, for the rows to be compared with. Memory: the newest object of every key it touches.
 */
import { readEntriesMax } from "../../base/limits.ts";
import { DamagedEntryError } from "../../log/errors.ts";
import type { Change, Entry, Log, Markers } from "../../log/ports.ts";

/** The last change of a key. */
export type Last = { readonly revision: number; readonly change: Change };

export type LogState = {
  /** The last entry that could be read; the stripped marker where there is none. */
  readonly head: number;
  /** Last entry's time, milliseconds since 1970; undefined: the log holds none. */
  readonly time: number | undefined;
  readonly sealed: boolean;
  readonly last: ReadonlyMap<string, Last>;
  /** The last change at or below applied, where a later one hides it. */
  readonly applied: ReadonlyMap<string, Last>;
  readonly problems: readonly string[];
};

/** More are counted, not listed. */
const problemsMax = 100;

export async function checkLog(log: Pick<Log, "read">, uid: string, { stripped, applied }: Markers): Promise<LogState> {
  const last = new Map<string, Last>();
  const upToApplied = new Map<string, Last>();
  const problems: string[] = [];
  let head = stripped;
  let time: number | undefined;
  let sealed = false;
  for (let end = false; !end; ) {
    const tail = await readOn(log, uid, head);
    if (typeof tail === "string") return { head, time, sealed, last, applied: upToApplied, problems: [...problems, tail] };
    for (const entry of tail.entries) {
      if (problems.length < problemsMax) problems.push(...brokenChains(entry, last));
      for (const change of entry.changes) {
        last.set(change.key, { revision: entry.revision, change });
        if (entry.revision <= applied) upToApplied.set(change.key, { revision: entry.revision, change });
      }
      ({ revision: head, time } = entry);
      sealed = entry.seal === true;
    }
    end = tail.end;
  }
  return { head, time, sealed, last, applied: upToApplied, problems };
}

/** Keys that entries after `head` change. */
export async function touchedAfter(log: Pick<Log, "read">, uid: string, head: number): Promise<ReadonlySet<string>> {
  const touched = new Set<string>();
  for (let [after, end] = [head, false]; !end; ) {
    const tail = await readOn(log, uid, after);
    if (typeof tail === "string") return touched;
    for (const { changes } of tail.entries) for (const { key } of changes) touched.add(key);
    after = tail.entries.at(-1)?.revision ?? after;
    end = tail.end;
  }
  return touched;
}

async function readOn(
  log: Pick<Log, "read">,
  uid: string,
  after: number,
): Promise<string | { entries: readonly Entry[]; end: boolean }> {
  try {
    const tail = await log.read(uid, { after, limit: readEntriesMax, consistent: true });
    if (tail.kind === "trimmed") return `the entry at revision ${after + 1} is missing`;
    return { entries: tail.entries.map(({ entry }) => entry), end: tail.end };
  } catch (error) {
    if (error instanceof DamagedEntryError) return error.message;
    throw error;
  }
}

/** A change's `previous` must be what the change before it left. Within an entry, too. */
function brokenChains({ revision, changes }: Entry, before: ReadonlyMap<string, Last>): string[] {
  const seen = new Map<string, Change>();
  return changes.flatMap((change) => {
    const former = seen.get(change.key) ?? before.get(change.key)?.change;
    seen.set(change.key, change);
    if (former === undefined) return [];
    const was = former.action === "delete" ? undefined : versionOf(former.value);
    const said = change.action === "create" ? undefined : versionOf(change.previous);
    return was === said ? [] : [`the entry at revision ${revision} changes ${change.key} from a state that it was not in`];
  });
}

function versionOf(value: { readonly [key: string]: unknown }): unknown {
  const { metadata } = value as { readonly metadata?: { readonly resourceVersion?: unknown } };
  return metadata?.resourceVersion;
}
