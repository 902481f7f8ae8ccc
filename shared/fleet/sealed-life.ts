/**
 * What a deleted cluster's life still says of its nodes. Its log is sealed, so no store answers for it: rows are read, and over them what
 * the log has that rows may not show yet. It changes no more, so it is the truth until it is removed.
 */
import type { JsonObject } from "../base/json.ts";
import { readEntriesMax } from "../base/limits.ts";
import type { Cluster } from "../kinds/cluster.ts";
import { type Container, containerKind } from "../kinds/container.ts";
import { prefixOf } from "../kinds/definition.ts";
import { type Node, nodeKind } from "../kinds/node.ts";
import type { Entry, Log, Objects } from "../log/ports.ts";

export type SealedLifePorts = { readonly log: Pick<Log, "read">; readonly objects: Pick<Objects, "page" | "markers"> };

export type SealedLife = {
  /** Those that may have containers of the cluster: somebody has looked at them, or an object names them; all, where it has adopted some. */
  readonly nodes: readonly Node[];
  /** Until when engines may still make a container that was begun before the seal, milliseconds since 1970; 0: none was under way. */
  readonly attemptsEndMs: number;
};

const pageRows = 500;
const nodes = prefixOf(nodeKind);
const containers = prefixOf(containerKind);

/** @throws what the ports do. */
export async function readSealedLife(
  { metadata: { uid }, spec }: Cluster,
  { log, objects }: SealedLifePorts,
): Promise<SealedLife> {
  const markers = await objects.markers(uid);
  // Removed.
  if (markers === undefined) return { nodes: [], attemptsEndMs: 0 };
  const values = new Map<string, JsonObject>();
  for (const prefix of [nodes, containers]) await readRows(values, { uid, prefix, objects });
  await readTail(values, { uid, after: markers.applied, log });
  const under = (prefix: string) => [...values].filter(([key]) => key.startsWith(prefix)).map(([, value]) => value);
  // Written by stores only.
  const made = under(containers) as unknown as Container[];
  const used = new Set(made.map((container) => container.spec.nodeName));
  const isAdopter = (spec.adopts ?? []).length > 0;
  const mayHave = ({ metadata, status }: Node): boolean => isAdopter || status !== undefined || used.has(metadata.name);
  return { nodes: (under(nodes) as unknown as Node[]).filter(mayHave), attemptsEndMs: endOf(made) };
}

type Values = Map<string, JsonObject>;

async function readRows(
  values: Values,
  { uid, prefix, objects }: Pick<SealedLifePorts, "objects"> & { readonly uid: string; readonly prefix: string },
): Promise<void> {
  for (let after: string | undefined; ; ) {
    const { rows, next } = await objects.page(uid, { prefix, limit: pageRows, ...(after !== undefined && { after }) });
    for (const { key, value } of rows) values.set(key, value);
    if (next === undefined) return;
    after = next;
  }
}

/** Back-pressure bounds it: lagEntriesMax. Rows that are ahead of an entry come to the same in the end. */
async function readTail(
  values: Values,
  { uid, after, log }: Pick<SealedLifePorts, "log"> & { readonly uid: string; readonly after: number },
): Promise<void> {
  for (let position = after; ; ) {
    const tail = await log.read(uid, { after: position, limit: readEntriesMax, consistent: true });
    // Stubs are made of what is applied, so rows have all of it by now.
    if (tail.kind === "trimmed") return;
    for (const { entry } of tail.entries) put(values, entry);
    if (tail.end) return;
    position = tail.entries.at(-1)?.entry.revision ?? position;
  }
}

function put(values: Values, { changes }: Entry): void {
  for (const change of changes) {
    if (!change.key.startsWith(nodes) && !change.key.startsWith(containers)) continue;
    if (change.action === "delete") values.delete(change.key);
    else values.set(change.key, change.value);
  }
}

function endOf(objects: readonly Container[]): number {
  const ends = objects
    .filter(({ status }) => status?.containerId === undefined)
    .map(({ spec }) => Date.parse(spec.attempt?.deadline ?? ""));
  return Math.max(0, ...ends.filter(Number.isFinite));
}
