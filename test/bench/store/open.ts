/** A store with a life of its own on given ports, and the nodes that its benches work on. */
import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "../../../shared/base/clock.ts";
import { systemIds } from "../../../shared/base/ids.ts";
import { entryChangesMax } from "../../../shared/base/limits.ts";
import { silentLogger } from "../../../shared/base/logger.ts";
import type { Node } from "../../../shared/kinds/node.ts";
import type { ObjectInput } from "../../../shared/kinds/object.ts";
import { builtinKinds, createRegistry } from "../../../shared/kinds/registry.ts";
import { openMemory } from "../../../shared/log/memory/open.ts";
import type { Log, Objects } from "../../../shared/log/ports.ts";
import { Store } from "../../../shared/state/store.ts";
import { node } from "../../conformance/objects-of.ts";

export type Ports = { readonly log: Log; readonly objects: Objects };

export const byBench = { actor: "bench" };
/** Of the size that a creation time in milliseconds has. */
export const first = 1_790_000_000_000;

const registry = createRegistry(builtinKinds);

/** The memory adapter as SQLite behaves: one writer, rows never behind. */
export const openExclusiveMemory = (): Ports => openMemory({ exclusive: true, appliesOnAppend: true });

/** Another process's store on the life `uid`. */
export const openStore = ({ log, objects }: Ports, uid: string, clock: Clock = systemClock): Store =>
  new Store({ uid, log, objects, registry, clock, ids: systemIds, logger: silentLogger, scope: "cluster" });

/** A store on a life that begins now. */
export async function beginStore(ports: Ports, clock?: Clock): Promise<Store> {
  const uid = randomUUID();
  await ports.objects.begin(uid, first);
  return openStore(ports, uid, clock);
}

/** One spec for all: what is measured is the store, not the schema. */
const { apiVersion, kind, spec } = node("example");

export const nodeName = (index: number): string => `node-${index}`;

/** Made anew in each call, as a caller's input is. */
export const nodeOf = (name: string, metadata: Partial<Node["metadata"]> = {}): ObjectInput<Node> => ({
  apiVersion,
  kind,
  metadata: { name, ...metadata },
  spec,
});

/** Creates nodes 0 to `count` - 1, as many a transaction as an entry takes. */
export async function createNodes(store: Store, count: number, metadata?: Partial<Node["metadata"]>): Promise<void> {
  for (const { from, to } of transactions(count)) {
    await store.update((transaction) => {
      for (let index = from; index < to; index += 1) transaction.nodes.create(nodeOf(nodeName(index), metadata));
    }, byBench);
  }
}

/** `count` changes cut where an entry is full. */
export function transactions(count: number): { readonly from: number; readonly to: number }[] {
  return Array.from({ length: Math.ceil(count / entryChangesMax) }, (_, place) => ({
    from: place * entryChangesMax,
    to: Math.min(count, (place + 1) * entryChangesMax),
  }));
}
