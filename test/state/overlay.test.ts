/** Searches through what a transaction has changed itself: they find what a search of all objects would, and cost what they find. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemIds } from "../../shared/base/ids.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { entryChangesMax } from "../../shared/base/limits.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import type { KindDefinition } from "../../shared/kinds/definition.ts";
import type { WindlassObject } from "../../shared/kinds/object.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { type Task, taskKind } from "../../shared/kinds/task.ts";
import { ObjectIndexes } from "../../shared/state/object-indexes.ts";
import { Overlay } from "../../shared/state/overlay.ts";
import { type ListOptions, Reader } from "../../shared/state/reader.ts";
import { Replica } from "../../shared/state/replica.ts";
import * as by from "../../shared/state/selector.ts";
import { Store } from "../../shared/state/store.ts";
import { task } from "../conformance/objects-of.ts";
import { QuickClock, uid, watchedPorts } from "./watched-ports.ts";

describe("searches over an overlay", () => {
  it("a batch whose steps look into an index and write asks of each change a few times, not of all changes each time", async () => {
    let asked = 0;
    const counted: KindDefinition<Task> = {
      ...taskKind,
      indexes: {
        ...taskKind.indexes,
        slot: (object) => {
          asked += 1;
          return taskKind.indexes["slot"]?.(object) ?? [];
        },
      },
    };
    const kinds = builtinKinds.map((kind) => (kind.plural === "tasks" ? (counted as unknown as KindDefinition) : kind));
    const ports = await watchedPorts();
    const options = { ...ports, uid, clock: new QuickClock(), ids: systemIds, logger: silentLogger };
    const store = new Store({ ...options, registry: createRegistry(kinds), scope: "cluster" });
    await store.view((tx) => tx.of(counted).find().length);
    const { changed } = await store.update(
      (tx) => {
        for (let slot = 1; slot <= entryChangesMax; slot += 1) {
          if (tx.of(counted).find(by.bySlot("default/web", slot)).length > 0) throw new Error("taken");
          tx.of(counted).create(task(`web.${slot}`, { service: "web", slot }));
        }
      },
      { actor: "tester" },
    );
    expect(changed).toBe(true);
    expect(asked).toBeLessThan(10 * entryChangesMax);
    store.close();
  });

  it("finds what a search of all objects finds, whatever was set and rolled back before", () => {
    fc.assert(fc.property(fc.array(rowArbitrary), fc.array(stepArbitrary), checkSearches), { numRuns: 300 });
  });
});

type Row = readonly [place: number, node: number];
const rowArbitrary = fc.tuple(fc.nat(11), fc.nat(2));
const stepArbitrary = fc.oneof(
  fc.record({ do: fc.constant("set" as const), place: fc.nat(11), node: fc.nat(2) }),
  fc.record({ do: fc.constant("remove" as const), place: fc.nat(11) }),
  fc.record({ do: fc.constantFrom("mark" as const, "rollback" as const, "search" as const) }),
);
type Step = typeof stepArbitrary extends fc.Arbitrary<infer S> ? S : never;

/** A dozen places in three namespaces. */
const spaceOf = (place: number): string => `space-${place % 3}`;
const keyAt = (place: number): string => `tasks/${spaceOf(place)}/task-${place}`;
function taskAt(place: number, node: number): JsonObject {
  const { metadata, ...rest } = task(`task-${place}`, { namespace: spaceOf(place), node: `node-${node}` });
  return { ...rest, metadata: { ...metadata, uid: `uid-${place}`, labels: { node: `${node}` } } } as unknown as JsonObject;
}

const selectors = [
  by.all,
  by.byNode("node-1"),
  by.byNamePrefix("task-1"),
  by.or(by.byNode("node-0"), by.byLabel("node", "2")),
  by.and(by.byNamespace("space-1"), by.byNode("node-2")),
  by.where(({ metadata }) => metadata.labels?.["node"] === "1"),
];

/** Whole, a namespace, and the rest after a key that is there or not, or lies outside the namespace. */
const ranges: readonly ListOptions[] = [
  {},
  { namespace: "space-1" },
  { after: keyAt(4) },
  { namespace: "space-1", after: keyAt(4) },
  { namespace: "space-1", after: keyAt(2) },
  { namespace: "space-1", after: keyAt(0) },
];

function checkSearches(rows: readonly Row[], steps: readonly Step[]): void {
  const indexes = new ObjectIndexes(taskKind as unknown as KindDefinition);
  const model = new Map<string, JsonObject>();
  const replica = replicaOf(indexes);
  for (const [place, node] of rows) {
    model.set(keyAt(place), taskAt(place, node));
    replica.table("tasks/").set({ key: keyAt(place), revision: 1, value: taskAt(place, node) });
  }
  replica.table("tasks/").cover("tasks/");
  const overlay = new Overlay();
  const marks: { readonly mark: number; readonly model: ReadonlyMap<string, JsonObject> }[] = [];
  for (const step of steps) {
    switch (step.do) {
      case "set":
        overlay.set(keyAt(step.place), taskAt(step.place, step.node));
        model.set(keyAt(step.place), taskAt(step.place, step.node));
        break;
      case "remove":
        overlay.set(keyAt(step.place), null);
        model.delete(keyAt(step.place));
        break;
      case "mark":
        marks.push({ mark: overlay.mark(), model: new Map(model) });
        break;
      case "rollback": {
        const last = marks.pop();
        if (last === undefined) break;
        overlay.rollback(last.mark);
        model.clear();
        for (const [key, value] of last.model) model.set(key, value);
        break;
      }
      case "search":
        expectFound(new Reader(replica, overlay), model, indexes);
        break;
      default:
        step satisfies never;
    }
  }
  expectFound(new Reader(replica, overlay), model, indexes);
}

/** One that is only looked into: it never asks its ports. */
function replicaOf(indexes: ObjectIndexes): Replica {
  const never = {} as never;
  const options = { uid, log: never, objects: never, clock: never, cachedBytesMax: 1, onEntry: () => undefined };
  return new Replica({ ...options, indexesOf: () => indexes, onDrop: () => undefined });
}

function expectFound(reader: Reader, model: ReadonlyMap<string, JsonObject>, indexes: ObjectIndexes): void {
  const kind = taskKind as unknown as KindDefinition;
  const all = [...model].sort(([one], [other]) => (one < other ? -1 : 1));
  for (const options of ranges) {
    const isIn = (key: string) => key.startsWith(`tasks/${options.namespace ?? ""}`) && key > (options.after ?? "");
    const objects = all.filter(([key]) => isIn(key)).map(([, value]) => value as unknown as WindlassObject);
    for (const selector of selectors) {
      const wanted = objects.filter((object) => by.matches(selector, object, indexes));
      expect(reader.find(kind, selector, options)).toEqual(wanted);
      expect(reader.find(kind, selector, { ...options, limit: 2 })).toEqual(wanted.slice(0, 2));
    }
    expect(reader.count(kind, options)).toBe(objects.length);
  }
}
