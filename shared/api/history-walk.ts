/**
 * One key's changes, newest first, as far as the log reaches. Each change of the log holds the object before it, whose resourceVersion
 * names the entry that made it: so a change leads to the one before it, and only the time in which nothing stood at the key is searched.
 */
import type { JsonObject } from "../base/json.ts";
import type { Change, Entry, Log, Markers } from "../log/ports.ts";
import { parseVersion } from "../state/version.ts";

/** Where to look next: `at` an entry that is known to hold a change of the key, or at all that lie `below` a revision. */
export type Cursor = { readonly kind: "at" | "below"; readonly revision: number };

export type Found = { readonly entry: Entry; readonly change: Change; readonly place: number };

export type Walked = {
  readonly found: readonly Found[];
  /** Where the next page begins; undefined: the log reaches no further. */
  readonly next: Cursor | undefined;
};

export type WalkOptions = {
  readonly log: Pick<Log, "read">;
  readonly uid: string;
  readonly key: string;
  readonly markers: Pick<Markers, "stripped">;
  /** Changes at most; an entry's are not parted, so there may be some more. */
  readonly limit: number;
};

/** Entries searched at once where no change leads on, and how often in one walk: 10,000 entries a page. */
const windowEntries = 500;
const windowsMax = 20;

export async function walkHistory(options: WalkOptions, from: Cursor): Promise<Walked> {
  const found: Found[] = [];
  let windows = 0;
  for (let cursor: Cursor | undefined = from; cursor !== undefined; ) {
    if (found.length >= options.limit || windows >= windowsMax) return { found, next: cursor };
    if (cursor.revision - (cursor.kind === "below" ? 1 : 0) <= options.markers.stripped) break;
    if (cursor.kind === "below") windows += 1;
    const entry: Entry | undefined = await entryFor(options, cursor);
    if (entry !== undefined) {
      const changes = changesIn(entry, options.key);
      found.push(...changes);
      cursor = before(entry.revision, changes.at(-1)?.change);
    } else if (cursor.kind === "at") break;
    else cursor = { kind: "below", revision: Math.max(cursor.revision - windowEntries, options.markers.stripped + 1) };
  }
  return { found, next: undefined };
}

/** The entry at the cursor, or the newest in the window below it that touches the key. */
async function entryFor({ log, uid, key, markers }: WalkOptions, { kind, revision }: Cursor): Promise<Entry | undefined> {
  const last = kind === "at" ? revision : revision - 1;
  let after = kind === "at" ? revision - 1 : Math.max(last - windowEntries, markers.stripped);
  let newest: Entry | undefined;
  while (after < last) {
    const tail = await log.read(uid, { after, limit: last - after, consistent: true });
    // Stripped since the markers were read: what is below is gone.
    if (tail.kind === "trimmed") return newest;
    for (const { entry } of tail.entries) if (entry.changes.some((change) => change.key === key)) newest = entry;
    after = tail.entries.at(-1)?.entry.revision ?? last;
  }
  return newest;
}

/** The last one first. */
function changesIn(entry: Entry, key: string): Found[] {
  const found = entry.changes.map((change, place) => ({ entry, change, place })).filter(({ change }) => change.key === key);
  return found.reverse();
}

function before(revision: number, first: Change | undefined): Cursor {
  const below: Cursor = { kind: "below", revision };
  if (first === undefined || first.action === "create") return below;
  const version = versionIn(first.previous);
  const former = version === undefined ? undefined : parseVersion(version)?.revision;
  return former === undefined || former >= revision ? below : { kind: "at", revision: former };
}

function versionIn({ metadata }: JsonObject): string | undefined {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) return undefined;
  const { resourceVersion } = metadata as JsonObject;
  return typeof resourceVersion === "string" ? resourceVersion : undefined;
}
