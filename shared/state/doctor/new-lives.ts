/**
 * New lives for everything, after state was put back from a backup: clients hold revisions of the time that was lost, and those must
 * not come to mean something else. Every cluster and the root get a new uid and begin above every revision that can have been handed
 * out, with the same objects: same uids, generations and times. Nothing of it is seen before the root's cell names the new root; a run
 * that broke off before that leaves only lives that nobody knows.
 */
import assert from "node:assert";
import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import type { Cluster } from "../../kinds/cluster.ts";
import type { ObjectInput, WindlassObject } from "../../kinds/object.ts";
import type { Registry } from "../../kinds/registry.ts";
import type { Cells, Log, Objects } from "../../log/ports.ts";
import { installationUid } from "../clusters.ts";
import { UnavailableError } from "../errors.ts";
import { Store } from "../store.ts";
import { checkLog } from "./log-check.ts";

export type NewLivesOptions = {
  readonly log: Log;
  readonly objects: Objects;
  readonly cells: Cells;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly actor: string;
};

/** The cell that names the root's life, and the one that keeps what became of the former uids until all is moved. */
const rootCell = "root";
const movedCell = "moved";
/** Commits a millisecond that a log can have made in the time that was lost: more than a fast disk and one log were seen to do. */
const commitsPerMs = 50;
/** A resourceVersion is a revision times 1000, and below 2^53. */
const revisionMax = Math.floor(Number.MAX_SAFE_INTEGER / 1_000);
const removedItems = 500;

/** Begins the new lives; what became of the former uids. Then `finish` whatever holds such uids, and call forgetMoved. */
export async function beginNewLives(options: NewLivesOptions): Promise<ReadonlyMap<string, string>> {
  const { cells, ids } = options;
  const cell = await cells.get(installationUid, rootCell);
  const uid = cell?.value["uid"];
  if (cell === undefined || typeof uid !== "string") throw new UnavailableError("the cell of the root's life does not name it");
  const moved = new Map<string, string>([[uid, ids.uuid()]]);
  const clusters = (await snapshot(options, { uid, scope: "root" })) as Cluster[];
  const objects: WindlassObject[] = [];
  for (const cluster of clusters) {
    const former = cluster.metadata.uid;
    // One that is on its way out goes on with that.
    if (cluster.metadata.deletionTimestamp !== undefined) objects.push(cluster);
    else {
      moved.set(former, ids.uuid());
      await renew(options, { uid: former, scope: "cluster", to: moved.get(former) ?? "" });
      objects.push({ ...cluster, metadata: { ...cluster.metadata, uid: moved.get(former) ?? "" } });
    }
  }
  await renew(options, { uid, scope: "root", to: moved.get(uid) ?? "", objects });
  await keepMoved(cells, moved);
  const put = await cells.put(installationUid, {
    key: rootCell,
    value: { uid: moved.get(uid) ?? "" },
    when: { version: cell.version },
  });
  if (put.kind === "lost") throw new UnavailableError("another process moved the root meanwhile");
  return moved;
}

/** What a run that broke off has moved and not finished; undefined: nothing. */
export async function unfinishedMove(cells: Cells): Promise<ReadonlyMap<string, string> | undefined> {
  const root = (await cells.get(installationUid, rootCell))?.value["uid"];
  const cell = await cells.get(installationUid, movedCell);
  if (cell === undefined) return undefined;
  const moved = new Map(Object.entries(cell.value).map(([from, to]) => [from, String(to)]));
  // Written just before the root moved; if it did not move, none of it counts.
  return [...moved.values()].includes(String(root)) ? moved : undefined;
}

/** Removes the former lives and the note of the move. Safe to repeat. */
export async function endMove({ log, objects, cells }: NewLivesOptions, moved: ReadonlyMap<string, string>): Promise<void> {
  for (const former of moved.keys()) {
    const markers = await objects.markers(former);
    if (markers === undefined) continue;
    const head = log.head(former) ?? markers.applied;
    if (head > markers.stripped) await log.strip(former, { after: markers.stripped, upTo: head });
    while (!(await objects.remove(former, removedItems)));
  }
  const cell = await cells.get(installationUid, movedCell);
  if (cell !== undefined) await cells.delete(installationUid, movedCell, cell.version);
}

type Scope = { readonly uid: string; readonly scope: "root" | "cluster" };
type Renewal = Scope & { readonly to: string; readonly objects?: readonly WindlassObject[] };

async function renew(options: NewLivesOptions, { uid, scope, to, objects }: Renewal): Promise<void> {
  const { registry, actor } = options;
  const found = objects ?? (await snapshot(options, { uid, scope }));
  await options.objects.begin(to, await firstAbove(options, uid));
  const store = new Store({ ...options, uid: to, scope });
  const steps = found.map((object) => {
    const definition = registry.byKind(object.kind);
    assert(definition !== undefined, `${object.kind} was read by this registry`);
    return (transaction: Parameters<Parameters<Store["update"]>[0]>[0]) =>
      void transaction.of(definition).create(unversioned(object));
  });
  if (steps.length > 0) await store.batch(steps, { actor });
  store.close();
}

async function snapshot(options: NewLivesOptions, { uid, scope }: Scope): Promise<readonly WindlassObject[]> {
  // A cluster that was made and never used has no life yet, and no objects.
  if ((await options.objects.markers(uid)) === undefined) return [];
  const store = new Store({ ...options, uid, scope });
  try {
    return (await store.save()).objects;
  } finally {
    store.close();
  }
}

/**
 * Above what the backup's log shows, and what can have been committed since its last entry, even if it was busy all the time. Never
 * below the present, for a log's revisions begin with its creation time.
 */
async function firstAbove({ log, objects, clock }: NewLivesOptions, uid: string): Promise<number> {
  const now = clock.now();
  const markers = await objects.markers(uid);
  if (markers === undefined) return now;
  const { head, time = markers.first } = await checkLog(log, uid, markers);
  const known = Math.max(head, log.head(uid) ?? 0);
  const first = Math.max(now, known + 1 + Math.max(0, now - Math.min(time, now)) * commitsPerMs);
  if (first > revisionMax / 2) throw new UnavailableError(`the backup is too old: a new life would begin at ${first}`);
  return first;
}

async function keepMoved(cells: Cells, moved: ReadonlyMap<string, string>): Promise<void> {
  const former = await cells.get(installationUid, movedCell);
  const when = former === undefined ? "absent" : { version: former.version };
  const put = await cells.put(installationUid, { key: movedCell, value: Object.fromEntries(moved), when });
  if (put.kind === "lost") throw new UnavailableError("another process moves the root at the same time");
}

function unversioned(object: WindlassObject): ObjectInput {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
