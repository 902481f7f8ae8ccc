/**
 * The collector: its rules as a table, and as properties over random graphs of owners. At rest nothing is left to do; what was deleted
 * had no owner left in the state that it was deleted from; crashes between any two requests and a second collector change nothing of it.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import type { OwnerReference, WindlassObject } from "../../shared/kinds/object.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import type { Entry } from "../../shared/log/ports.ts";
import { Collector } from "../../shared/state/garbage/collector.ts";
import { dying, type Propagation, writeOrRemove } from "../../shared/state/garbage/deletion.ts";
import { decide } from "../../shared/state/garbage/rules.ts";
import { Store } from "../../shared/state/store.ts";
import { node } from "../conformance/objects-of.ts";

const registry = createRegistry(builtinKinds);
const options = { actor: "tester" };
const uidOf = (name: string): string => `uid-${name}`;
const refTo = (name: string, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: "windlass.dev/v1",
  kind: "Node",
  name,
  uid: uidOf(name),
  ...more,
});

type Shape = { readonly owners?: readonly OwnerReference[]; readonly finalizers?: readonly string[]; readonly ends?: boolean };

function made(name: string, { owners = [], finalizers = [], ends = false }: Shape = {}): WindlassObject {
  const metadata = {
    uid: uidOf(name),
    resourceVersion: "1000",
    generation: 1,
    creationTimestamp: "2026-01-01T00:00:00Z",
    ...(owners.length > 0 && { ownerReferences: owners }),
    ...(finalizers.length > 0 && { finalizers }),
    ...(ends && { deletionTimestamp: "2026-01-02T00:00:00Z" }),
  };
  return node(name, {}, metadata) as unknown as WindlassObject;
}

/** Actions as `what name detail`. */
const decided = (...objects: readonly WindlassObject[]): string[] =>
  decide(objects, registry, "cluster").map((action) => {
    const { name } = action.item.metadata;
    if (action.do === "delete") return `delete ${name} ${action.propagation ?? "as it says"}`;
    if (action.do === "finish") return `finish ${name} ${action.finalizer}`;
    return `disown ${name} ${[...action.owners].sort().join(" ")}`;
  });

const foreground = { finalizers: ["foregroundDeletion"], ends: true };
const orphaning = { finalizers: ["orphan"], ends: true };
const blocking = { blockOwnerDeletion: true };

describe("the collector's rules", () => {
  it.each([
    ["an object without owners stays", [made("a")], []],
    ["one whose owner is there stays", [made("a"), made("b", { owners: [refTo("a")] })], []],
    ["one whose owner is not there goes", [made("b", { owners: [refTo("a")] })], ["delete b as it says"]],
    [
      "a later object of the owner's name is no owner",
      [made("a"), made("b", { owners: [{ ...refTo("a"), uid: "former" }] })],
      ["delete b as it says"],
    ],
    [
      "one of two owners keeps it, and the reference to the other goes",
      [made("a"), made("c", { owners: [refTo("a"), refTo("b")] })],
      ["disown c uid-b"],
    ],
    ["one that is going already is left alone", [made("b", { owners: [refTo("a")], finalizers: ["x.y/z"], ends: true })], []],
    ["a kind that nobody knows is never absent", [made("b", { owners: [refTo("a"), refTo("x", { kind: "Pod" })] })], []],
    ["nor is one of another group", [made("b", { owners: [refTo("a", { apiVersion: "other.dev/v1" })] })], []],
    ["nor a cluster, which lives elsewhere", [made("b", { owners: [refTo("a", { kind: "Cluster" })] })], []],
    ["a cluster-wide object can't belong to one in a namespace", [made("b", { owners: [refTo("a", { kind: "Task" })] })], []],
    [
      "an owner that is marked, but not waiting, still counts",
      [made("a", { finalizers: ["x.y/z"], ends: true }), made("b", { owners: [refTo("a")] })],
      [],
    ],
    ["a foreground deletion without dependents ends", [made("a", foreground)], ["finish a foregroundDeletion"]],
    [
      "a dependent that blocks it holds it, and goes",
      [made("a", foreground), made("b", { owners: [refTo("a", blocking)] })],
      ["delete b as it says"],
    ],
    [
      "one that does not block it goes, too",
      [made("a", foreground), made("b", { owners: [refTo("a")] })],
      ["finish a foregroundDeletion", "delete b as it says"],
    ],
    [
      "a dependent with dependents goes in the foreground, too",
      [made("a", foreground), made("b", { owners: [refTo("a", blocking)] }), made("c", { owners: [refTo("b", blocking)] })],
      ["delete b Foreground"],
    ],
    [
      "a waiting owner beside one that stays is struck out",
      [made("a", foreground), made("b"), made("c", { owners: [refTo("a", blocking), refTo("b")] })],
      ["disown c uid-a"],
    ],
    [
      "in a cycle nobody waits for ever",
      [
        made("a", { ...foreground, owners: [refTo("b", blocking)] }),
        made("b", { ...foreground, owners: [refTo("a", blocking)] }),
      ],
      ["finish a foregroundDeletion", "finish b foregroundDeletion"],
    ],
    [
      "an object that owns itself does not wait for itself",
      [made("a", { ...foreground, owners: [refTo("a", blocking)] })],
      ["finish a foregroundDeletion"],
    ],
    [
      "an orphaning owner first releases its dependents",
      [made("a", orphaning), made("b", { owners: [refTo("a")] })],
      ["disown b uid-a"],
    ],
    [
      "with the owners that are not there",
      [made("a", orphaning), made("b", { owners: [refTo("a"), refTo("x")] })],
      ["disown b uid-a uid-x", "disown b uid-x"],
    ],
    ["and then goes", [made("a", orphaning), made("b")], ["finish a orphan"]],
  ] as const)("%s", (_, objects, wanted) => expect(decided(...objects)).toEqual(wanted));

  it("an owner in another namespace is not there", () => {
    const place = (namespace: string, more: object = {}) => ({
      ...made("a"),
      kind: "Service",
      metadata: { ...made("a").metadata, namespace, ...more },
    });
    const owned = place("two", { uid: "other", ownerReferences: [refTo("a", { kind: "Service" })] });
    expect(decided(place("one"), owned)).toEqual(["delete a as it says"]);
    expect(decided(place("two"), { ...owned, metadata: { ...owned.metadata, name: "b" } })).toEqual([]);
  });
});

type Graph = {
  readonly edges: readonly (readonly { readonly to: number; readonly block: boolean }[])[];
  readonly removals: readonly { readonly of: number; readonly propagation: Propagation }[];
  /** After how many requests each crash comes. */
  readonly crashes: readonly number[];
};

const size = 8;
const graphs = (propagations: readonly Propagation[]): fc.Arbitrary<Graph> =>
  fc.record({
    // One more than there are: owners that never were.
    edges: fc.array(
      fc.uniqueArray(fc.record({ to: fc.nat(size), block: fc.boolean() }), { maxLength: 3, selector: ({ to }) => to }),
      { minLength: size, maxLength: size },
    ),
    removals: fc.uniqueArray(fc.record({ of: fc.nat(size - 1), propagation: fc.constantFrom(...propagations) }), {
      minLength: 1,
      maxLength: 4,
      selector: ({ of }) => of,
    }),
    crashes: fc.array(fc.nat(12), { maxLength: 4 }),
  });

const nameAt = (index: number): string => `n${index}`;
class Crash extends Error {}

async function world({ edges, removals }: Graph) {
  const ports = openMemory({ appliesOnAppend: true });
  await ports.objects.begin("life", 1_000);
  let budget = Number.POSITIVE_INFINITY;
  const spend = () => {
    budget -= 1;
    if (budget < 0) throw new Crash();
  };
  const log = {
    ...ports.log,
    appendMax: 4,
    compressAboveBytes: Number.POSITIVE_INFINITY,
    head: () => undefined,
    append: async (...args: Parameters<typeof ports.log.append>) => {
      spend();
      return ports.log.append(...args);
    },
    read: async (...args: Parameters<typeof ports.log.read>) => {
      spend();
      return ports.log.read(...args);
    },
    strip: (...args: Parameters<typeof ports.log.strip>) => ports.log.strip(...args),
  };
  const common = { objects: ports.objects, clock: systemClock, logger: silentLogger };
  const open = () => new Store({ ...common, log, uid: "life", registry, ids: systemIds, scope: "cluster" });
  const collector = () => new Collector({ ...common, store: open(), scope: "cluster" });
  const store = open();
  for (const [index, owners] of edges.entries()) {
    const ownerReferences = owners.map(({ to, block }) => refTo(nameAt(to), { blockOwnerDeletion: block }));
    await store.update((tx) => tx.nodes.create(node(nameAt(index), {}, { uid: uidOf(nameAt(index)), ownerReferences })), options);
  }
  for (const { of, propagation } of removals) {
    await store.update((tx) => {
      const there = tx.nodes.get(nameAt(of));
      if (there !== undefined) writeOrRemove(tx, nodeKind, dying(nodeKind, there, { propagation, now: 0 }));
    }, options);
  }
  const objects = async () => (await open().view((tx) => tx.nodes.find())).value as unknown as WindlassObject[];
  const entries = async (): Promise<Entry[]> => {
    const tail = await ports.log.read("life", { after: 999, limit: 10_000, consistent: true });
    return tail.kind === "entries" ? tail.entries.map(({ entry }) => entry) : [];
  };
  const withBudget = async (requests: number, act: () => Promise<unknown>) => {
    budget = requests;
    await act().catch((error: unknown) => {
      if (budget >= 0) throw error;
    });
    budget = Number.POSITIVE_INFINITY;
  };
  return { collector, objects, entries, withBudget };
}

async function settle(graph: Graph) {
  const { collector, objects, entries, withBudget } = await world(graph);
  for (const requests of graph.crashes) await withBudget(requests, () => collector().sweep());
  await Promise.all([collector().sweep(), collector().sweep()]);
  return { left: await objects(), entries: await entries() };
}

/** Without orphans: what loses all its owners goes, and so on; what never had one, or keeps one, stays. */
function survivors({ edges, removals }: Graph): string[] {
  const left = new Set(edges.keys());
  for (const { of } of removals) left.delete(of);
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const index of left) {
      const owners = edges[index] ?? [];
      if (owners.length > 0 && !owners.some(({ to }) => left.has(to))) left.delete(index);
    }
  }
  return [...left].map(nameAt).sort();
}

describe("the collector on random graphs of owners, cycles included", () => {
  it("background and foreground: at rest exactly what has no owner left is gone, wherever it was stopped", async () => {
    await fc.assert(
      fc.asyncProperty(graphs(["Background", "Foreground"]), async (graph) => {
        const { left } = await settle(graph);
        expect(left.map(({ metadata }) => metadata.name).sort()).toEqual(survivors(graph));
        expect(decide(left, registry, "cluster")).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("orphans, too: at rest nothing is left to do, and each deletion was right in the state it was made on", async () => {
    await fc.assert(
      fc.asyncProperty(graphs(["Background", "Foreground", "Orphan"]), async (graph) => {
        const { left, entries } = await settle(graph);
        expect(decide(left, registry, "cluster")).toEqual([]);
        expect(left.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)).toEqual([]);
        const asked = new Set(graph.removals.map(({ of }) => nameAt(of)));
        const there = new Map<string, WindlassObject>();
        for (const { changes } of entries) {
          for (const change of changes) {
            const object = change.action === "delete" ? undefined : (change.value as unknown as WindlassObject);
            const before = there.get(change.key);
            if (before !== undefined && !asked.has(before.metadata.name) && isEnd(before, object)) {
              expect(before.metadata.ownerReferences?.some(({ name }) => isSolid(there.get(`nodes/${name}`))) ?? true).toBe(
                false,
              );
            }
            if (object === undefined) there.delete(change.key);
            else there.set(change.key, object);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** A change that begins an object's deletion, or is all of it. */
const isEnd = ({ metadata }: WindlassObject, after: WindlassObject | undefined): boolean =>
  metadata.deletionTimestamp === undefined && (after === undefined || after.metadata.deletionTimestamp !== undefined);

const isSolid = (owner: WindlassObject | undefined): boolean =>
  owner !== undefined &&
  !(owner.metadata.deletionTimestamp !== undefined && (owner.metadata.finalizers ?? []).includes("foregroundDeletion"));
