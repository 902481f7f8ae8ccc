/** What must be true of a cluster when its publisher has come to rest: markers at the head, rows as the log says, each event told. */
import { expect } from "vitest";
import { fold } from "../../shared/log/fold.ts";
import type { Entry, Log, Objects } from "../../shared/log/ports.ts";
import type { BusEvent } from "../../shared/routes/event-bus.ts";

type Ports = { readonly log: Log; readonly objects: Objects };

export async function entriesOf({ log, objects }: Ports, uid: string): Promise<readonly Entry[]> {
  const markers = await objects.markers(uid);
  if (markers === undefined) throw new Error(`there is no life ${uid}`);
  const tail = await log.read(uid, { after: markers.first - 1, limit: 10_000, consistent: true });
  if (tail.kind !== "entries") throw new Error("nothing was stripped");
  return tail.entries.map(({ entry }) => entry);
}

export async function expectSettled(ports: Ports, uid: string, taken: readonly Pick<BusEvent, "id">[]): Promise<void> {
  const entries = await entriesOf(ports, uid);
  const head = entries.at(-1)?.revision;
  expect(await ports.objects.markers(uid)).toMatchObject({ applied: head, published: head });
  const { rows } = await ports.objects.page(uid, { prefix: "", limit: 10_000 });
  const wanted = fold(entries).flatMap((write) =>
    write.action === "delete" ? [] : [{ key: write.key, revision: write.revision, value: write.value }],
  );
  expect(rows).toEqual(wanted.sort((one, other) => (one.key < other.key ? -1 : 1)));
  expect(idsOf(taken, uid)).toEqual(eventIds(uid, entries));
}

/** Of the events that a life's entries come to: one a change, and one a commit. */
export const eventIds = (uid: string, entries: readonly Entry[]): Set<string> =>
  new Set(entries.flatMap(({ revision, changes }) => [...changes, "commit"].map((_, index) => `${uid}/${revision}/${index}`)));

/** Ids of the events of one life, each once. */
export const idsOf = (taken: readonly Pick<BusEvent, "id">[], uid: string): Set<string> =>
  new Set(taken.map(({ id }) => id).filter((id) => id.startsWith(`${uid}/`)));
