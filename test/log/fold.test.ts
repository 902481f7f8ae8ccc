/** Folding: several entries as one write a key come to what the entries come to one by one, however runs are cut, doubled, cut short or late. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deepFreeze, type JsonObject } from "../../shared/base/json.ts";
import { fold } from "../../shared/log/fold.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import type { Change, Entry, Row, RowWrite } from "../../shared/log/ports.ts";
import { byBytes, entryAt, first } from "../conformance/ports.ts";

const value = (n: number): JsonObject => deepFreeze({ n });
const create = (key: string, n: number): Change => ({ action: "create", key, value: value(n) });
const update = (key: string, n: number): Change => ({ action: "update", key, value: value(n), previous: value(n - 1) });
const remove = (key: string, n: number): Change => ({ action: "delete", key, previous: value(n) });

describe("fold", () => {
  const table: readonly {
    readonly fact: string;
    readonly run: readonly Change[];
    readonly write: { readonly action: RowWrite["action"]; readonly value?: JsonObject };
  }[] = [
    { fact: "a create alone", run: [create("a", 1)], write: { action: "create", value: value(1) } },
    {
      fact: "a create that is updated is a create",
      run: [create("a", 1), update("a", 2)],
      write: { action: "create", value: value(2) },
    },
    { fact: "updates are the last of them", run: [update("a", 2), update("a", 3)], write: { action: "update", value: value(3) } },
    { fact: "an update that is deleted is a delete", run: [update("a", 2), remove("a", 2)], write: { action: "delete" } },
    {
      fact: "a create that is deleted is a delete: it leaves a tombstone",
      run: [create("a", 1), remove("a", 1)],
      write: { action: "delete" },
    },
    {
      fact: "a delete that is created again is a create",
      run: [remove("a", 1), create("a", 2)],
      write: { action: "create", value: value(2) },
    },
    {
      fact: "deleted, created and updated is a create",
      run: [remove("a", 1), create("a", 2), update("a", 3)],
      write: { action: "create", value: value(3) },
    },
  ];
  it.each(table)("$fact, in entries of their own and in one", ({ run, write }) => {
    const apart = run.map((change, place) => entryAt(first + place, [change]));
    expect(fold(apart)).toEqual([{ key: "a", revision: first + run.length - 1, ...write }]);
    expect(fold([entryAt(first, run)])).toEqual([{ key: "a", revision: first, ...write }]);
  });

  it("nothing comes to nothing, an entry without changes too", () => {
    expect(fold([])).toEqual([]);
    expect(fold([entryAt(first, [])])).toEqual([]);
  });

  it("one write a key, each with the revision of its last change, in the order of first touch", () => {
    const entries = [
      entryAt(first, [create("b", 1), create("a", 1)]),
      entryAt(first + 1, [create("c", 1), update("a", 2)]),
      entryAt(first + 2, [update("b", 2)]),
    ];
    expect(fold(entries).map(({ key, revision }) => [key, revision - first])).toEqual([
      ["b", 2],
      ["a", 1],
      ["c", 1],
    ]);
  });

  it("however a log is cut into runs, and whoever writes them late, twice or in part, the rows come to its state", async () => {
    await fc.assert(
      fc.asyncProperty(logs, fc.array(step, { maxLength: 12 }), async (entries, steps) => {
        const { objects } = openMemory();
        await objects.begin("life", first);
        let applied = 0;
        for (const { back, length, order, part } of steps) {
          // A run begins at or before the marker; the marker moves when all of it is written.
          const from = Math.max(0, applied - back);
          const upTo = Math.min(entries.length, from + length);
          const writes = shuffled(fold(entries.slice(from, upTo)), order);
          for (const write of writes.slice(0, part ?? writes.length)) await objects.apply("life", [write], 0);
          if (part === undefined) applied = Math.max(applied, upTo);
        }
        await objects.apply("life", fold(entries.slice(applied)), 0);
        expect((await objects.page("life", { prefix: "", limit: 100 })).rows).toEqual(stateOf(entries));
      }),
      { numRuns: 1_000 },
    );
  });
});

type Step = { readonly back: number; readonly length: number; readonly order: number; readonly part: number | undefined };
const step: fc.Arbitrary<Step> = fc.record({
  back: fc.nat(8),
  length: fc.integer({ min: 1, max: 8 }),
  order: fc.nat(1_000),
  part: fc.option(fc.nat(3), { nil: undefined }),
});

/** Logs that a store could have made: each touch of a key does what can be done to it. */
const logs: fc.Arbitrary<Entry[]> = fc
  .array(fc.array(fc.record({ key: fc.constantFrom("a", "b", "c"), removes: fc.boolean() }), { minLength: 1, maxLength: 3 }), {
    maxLength: 12,
  })
  .map((touches) => {
    const there = new Map<string, JsonObject>();
    return touches.map((entry, place) => {
      const changes = entry.map((touch, at) => changeOf(there, touch, place * 10 + at));
      return entryAt(first + place, changes);
    });
  });

function changeOf(there: Map<string, JsonObject>, { key, removes }: { key: string; removes: boolean }, n: number): Change {
  const previous = there.get(key);
  if (previous !== undefined && removes) {
    there.delete(key);
    return { action: "delete", key, previous };
  }
  there.set(key, value(n));
  return previous === undefined ? create(key, n) : { action: "update", key, value: value(n), previous };
}

/** The state by its definition: every change in turn. */
function stateOf(entries: readonly Entry[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { revision, changes } of entries) {
    for (const change of changes) {
      if (change.action === "delete") rows.delete(change.key);
      else rows.set(change.key, { key: change.key, revision, value: change.value });
    }
  }
  return [...rows.values()].sort((a, b) => byBytes(a.key, b.key));
}

/** The same order for the same number. */
function shuffled<T>(values: readonly T[], order: number): T[] {
  const rest = [...values];
  const result: T[] = [];
  for (let left = order; rest.length > 0; left = Math.floor(left / 3) + 7) result.push(...rest.splice(left % rest.length, 1));
  return result;
}
