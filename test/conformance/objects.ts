/**
 * The contract of the Objects port (shared/log/ports.ts), a test a sentence. Rows are written through `apply` alone, except
 * where a marker is at stake: an adapter may move `applied` in the same write as an entry (SQLite).
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { keyBytesMax, storedObjectBytesMax } from "../../shared/base/limits.ts";
import { encodeEntry } from "../../shared/log/codec.ts";
import { fold } from "../../shared/log/fold.ts";
import type { MarkerName, Objects, PageRange, Row, RowWrite } from "../../shared/log/ports.ts";
import {
  byBytes,
  type ConformanceOptions,
  entryAt,
  first,
  lifeOf,
  newUid,
  type OpenedPorts,
  type OpenPorts,
  objectOf,
  oddValue,
  timeoutMs,
} from "./ports.ts";

const now = Date.now();
const begun = { first, applied: first - 1, published: first - 1, stripped: first - 1 };

export function objectsConformance(name: string, open: OpenPorts, { runs = 50 }: ConformanceOptions = {}): void {
  describe(`objects: ${name}`, { timeout: timeoutMs }, () => {
    let ports: OpenedPorts;
    beforeAll(async () => {
      ports = await open();
    }, timeoutMs);
    afterAll(() => ports?.close());

    markerCases(() => ports);
    applyCases(() => ports);
    pageCases(() => ports);
    removeCases(() => ports);
    if (runs > 0) {
      it("any sequence of writes in any order agrees with the row rules", async () => {
        await fc.assert(
          fc.asyncProperty(batches, (sequence) => agrees(ports, sequence)),
          { numRuns: runs, endOnFailure: runs < 20 },
        );
      });
    }
  });
}

function markerCases(ports: () => OpenedPorts): void {
  it("markers: a life that has not begun has none", async () => {
    expect(await ports().objects.markers(newUid())).toBeUndefined();
  });

  it("begin: a new life stands before its first revision in all markers", async () => {
    const { objects } = ports();
    const uid = newUid();
    expect(await objects.begin(uid, first)).toEqual(begun);
    expect(await objects.markers(uid)).toEqual(begun);
  });

  it("begin: a life begins once, where it first began; later calls get the markers that are there", async () => {
    const { objects } = ports();
    const { uid } = await lifeOf(ports(), 2);
    await objects.move(uid, "published", { from: first - 1, to: first });
    const markers = await objects.begin(uid, first + 1_000);
    expect(markers).toMatchObject({ first, published: first, stripped: first - 1 });
    expect(await objects.markers(uid)).toEqual(markers);
    const both = newUid();
    const [one, other] = await Promise.all([objects.begin(both, first), objects.begin(both, first + 5)]);
    expect(one).toEqual(other);
  });

  it("move: a marker moves from the value that was read, and from no other", async () => {
    const { objects } = ports();
    const { uid } = await lifeOf(ports(), 3);
    for (const marker of ["published", "stripped"] satisfies MarkerName[]) {
      expect(await objects.move(uid, marker, { from: first, to: first + 1 })).toBe(false);
      expect(await objects.move(uid, marker, { from: first - 1, to: first + 1 })).toBe(true);
      expect(await objects.move(uid, marker, { from: first - 1, to: first + 2 })).toBe(false);
      expect((await objects.markers(uid))?.[marker]).toBe(first + 1);
    }
  });

  it("move: applied comes to the head, by a move or with the entries themselves", async () => {
    const { objects } = ports();
    const { uid } = await lifeOf(ports(), 3);
    const { applied } = (await objects.markers(uid)) ?? begun;
    expect([first - 1, first + 2]).toContain(applied);
    expect(await objects.move(uid, "applied", { from: first - 1, to: first + 2 })).toBe(applied === first - 1);
    expect(await objects.move(uid, "applied", { from: first - 1, to: first + 2 })).toBe(false);
    expect(await objects.markers(uid)).toEqual({ ...begun, applied: first + 2 });
  });

  it("append: a seal does not take applied along, nor to itself: every cold reader meets it", async () => {
    const { log, objects } = ports();
    const { uid } = await lifeOf(ports(), 1);
    const seal = { ...entryAt(first + 1, []), seal: true as const };
    expect(await log.append(uid, [encodeEntry(seal, log.compressAboveBytes)])).toEqual({ kind: "committed" });
    expect([first - 1, first]).toContain((await objects.markers(uid))?.applied);
  });

  it("move: of two from one value one wins; the other markers stay", async () => {
    const { objects } = ports();
    const { uid } = await lifeOf(ports(), 3);
    const step = (to: number) => objects.move(uid, "published", { from: first - 1, to });
    expect((await Promise.all([step(first), step(first + 1), step(first + 2)])).filter(Boolean)).toHaveLength(1);
    expect(await objects.markers(uid)).toMatchObject({ first, stripped: first - 1 });
  });

  it("move: a life that has not begun has no marker to move", async () => {
    expect(await ports().objects.move(newUid(), "published", { from: first - 1, to: first })).toBe(false);
  });
}

function applyCases(ports: () => OpenedPorts): void {
  it("get: an absent key is undefined", async () => {
    const { uid } = await lifeOf(ports(), 0);
    expect(await ports().objects.get(uid, "absent")).toBeUndefined();
  });

  const states: readonly { readonly fact: string; readonly writes: readonly RowWrite[]; readonly left: Row | undefined }[] = [
    { fact: "a create is written over nothing", writes: [create("a", 5)], left: row("a", 5) },
    { fact: "a create is written over a lower row", writes: [create("a", 5), create("a", 6)], left: row("a", 6) },
    { fact: "an update is written over a lower row", writes: [create("a", 5), update("a", 7)], left: row("a", 7) },
    { fact: "an update over nothing changes nothing", writes: [update("a", 5)], left: undefined },
    {
      fact: "an update over a tombstone changes nothing",
      writes: [create("a", 5), remove("a", 6), update("a", 7)],
      left: undefined,
    },
    { fact: "a delete is written over a lower row", writes: [create("a", 5), remove("a", 6)], left: undefined },
    { fact: "a late create changes nothing", writes: [create("a", 6), create("a", 5)], left: row("a", 6) },
    { fact: "a late update changes nothing", writes: [create("a", 5), update("a", 7), update("a", 6)], left: row("a", 7) },
    { fact: "a late delete changes nothing", writes: [create("a", 6), remove("a", 5)], left: row("a", 6) },
    { fact: "a create below a tombstone is refused", writes: [create("a", 5), remove("a", 7), create("a", 6)], left: undefined },
    { fact: "a create at a tombstone's revision is refused", writes: [remove("a", 7), create("a", 7)], left: undefined },
    { fact: "a delete over nothing leaves a tombstone, too", writes: [remove("a", 7), create("a", 6)], left: undefined },
    {
      fact: "a create above a tombstone brings the key back",
      writes: [remove("a", 7), create("a", 8), update("a", 9)],
      left: row("a", 9),
    },
    {
      fact: "a late delete does not lower a tombstone",
      writes: [remove("a", 7), remove("a", 5), create("a", 6)],
      left: undefined,
    },
  ];
  it.each(states)("apply: $fact", async ({ writes, left }) => {
    const { objects } = ports();
    const uid = newUid();
    await objects.begin(uid, first);
    for (const write of writes) await objects.apply(uid, [write], now);
    // Each one done again, late, must find itself done.
    await Promise.all(writes.map((write) => objects.apply(uid, [write], now)));
    expect(await objects.get(uid, "a")).toEqual(left);
    expect(await pageAll(objects, uid, { prefix: "", limit: 10 })).toEqual(left === undefined ? [] : [left]);
  });

  it("apply: a run done twice is a run done once", async () => {
    const { objects } = ports();
    const uid = newUid();
    await objects.begin(uid, first);
    await objects.apply(uid, [create("b", 1), create("c", 1)], now);
    const run = [create("a", 2), update("b", 3), remove("c", 3), remove("d", 2)];
    for (let time = 0; time < 2; time++) {
      await objects.apply(uid, run, now);
      expect(await pageAll(objects, uid, { prefix: "", limit: 10 })).toEqual([row("a", 2), row("b", 3)]);
    }
  });

  it("apply: one write that is too late does not hold up the others, nothing to write is nothing", async () => {
    const { objects } = ports();
    const uid = newUid();
    await objects.begin(uid, first);
    await objects.apply(uid, [], now);
    await objects.apply(uid, [create("b", 9)], now);
    await objects.apply(uid, [create("a", 2), create("b", 2), update("none", 2), create("c", 2)], now);
    expect(await pageAll(objects, uid, { prefix: "", limit: 10 })).toEqual([row("a", 2), row("b", 9), row("c", 2)]);
  });

  it("apply: what a log's entries come to makes the rows, whether they were written with the entries or not", async () => {
    const { objects } = ports();
    const { uid, entries } = await lifeOf(ports(), 3);
    await objects.apply(uid, fold(entries.map(({ entry }) => entry)), now);
    expect(
      (await pageAll(objects, uid, { prefix: "things/", limit: 10 })).map(({ revision, value }) => [revision, value]),
    ).toEqual([first, first + 1, first + 2].map((revision) => [revision, { revision }]));
  });

  it("apply: a life's rows are its own, whatever its uid looks like", async () => {
    const { objects } = ports();
    const uid = newUid();
    const uids = [uid, `${uid}/`, `${uid}/a`, `${uid}#a`, `${uid}%`, `${uid} é\u{1F680}'"`, uid.toUpperCase()];
    await Promise.all(uids.map((each) => objects.begin(each, first)));
    await Promise.all(uids.map((each, place) => objects.apply(each, [create("a", place), create("/a", place)], now)));
    const rows = await Promise.all(uids.map((each) => pageAll(objects, each, { prefix: "", limit: 10 })));
    expect(rows).toEqual(uids.map((_, place) => [row("/a", place), row("a", place)]));
  });

  it("apply: an object of the greatest size, a key of the greatest length and odd text come back as they were", async () => {
    const { objects } = ports();
    const uid = newUid();
    await objects.begin(uid, first);
    const rows: Row[] = [
      { key: "large", revision: first, value: objectOf(storedObjectBytesMax) },
      { key: "k".repeat(keyBytesMax), revision: first, value: oddValue },
      { key: "é".repeat(keyBytesMax / 2), revision: first, value: {} },
      { key: "odd/ % _ # \" ' \\ \u{1F680}", revision: first, value: { list: [] } },
    ];
    await objects.apply(
      uid,
      rows.map((each) => ({ action: "create", ...each })),
      now,
    );
    expect(await Promise.all(rows.map(({ key }) => objects.get(uid, key)))).toEqual(rows);
    expect(await pageAll(objects, uid, { prefix: "", limit: 2 })).toEqual(rows.toSorted((a, b) => byBytes(a.key, b.key)));
  });

  it("get and page: values are frozen, all the way down", async () => {
    const { objects } = ports();
    const uid = newUid();
    await objects.begin(uid, first);
    await objects.apply(uid, [{ ...create("a", 1), value: { inner: { deep: [1] } } }], now);
    const values = [(await objects.get(uid, "a"))?.value, (await pageAll(objects, uid, { prefix: "", limit: 1 }))[0]?.value];
    expect(values.map((value) => Object.isFrozen(value) && Object.isFrozen(value?.["inner"]))).toEqual([true, true]);
  });
}

/** In the order of their UTF-8 bytes, which for the last two is not that of their UTF-16 units. */
const orderedKeys = ["A", "a", "a!", "a/", "a/1", "a/10", "a/2", "a/2/x", "a0", "aa", "b", "é", "\uFF5E", "\u{1F680}"];

function pageCases(ports: () => OpenedPorts): void {
  const filled = async (keys: readonly string[]) => {
    const { objects } = ports();
    const uid = newUid();
    await objects.begin(uid, first);
    await objects.apply(
      uid,
      keys.toReversed().map((key) => create(key, 1)),
      now,
    );
    return { objects, uid };
  };

  it("page: keys come in the order of their bytes, pages of any size give the same", async () => {
    const { objects, uid } = await filled(orderedKeys);
    for (const limit of [1, 3, orderedKeys.length, 100]) {
      expect((await pageAll(objects, uid, { prefix: "", limit })).map(({ key }) => key)).toEqual(orderedKeys);
    }
  });

  it("page: a prefix gives the keys that start with it and no other, also where it starts another prefix", async () => {
    const { objects, uid } = await filled(orderedKeys);
    const table = ["a", "a/", "a/1", "a/2/", "é", "\uFF5E", "\u{1F680}", "c", "a/3"];
    const pages = await Promise.all(table.map((prefix) => pageAll(objects, uid, { prefix, limit: 4 })));
    expect(pages.map((rows) => rows.map(({ key }) => key))).toEqual(
      table.map((prefix) => orderedKeys.filter((key) => key.startsWith(prefix))),
    );
  });

  it("page: after gives what is above it only, also where it is no key or lies outside the prefix", async () => {
    const { objects, uid } = await filled(orderedKeys);
    const table = [
      { prefix: "a/", after: "a/10" },
      { prefix: "a/", after: "a/1zzz" },
      { prefix: "a/", after: "A" },
      { prefix: "a/", after: "b" },
      { prefix: "", after: "b" },
      { prefix: "", after: "\u{1F680}" },
    ];
    const pages = await Promise.all(table.map((range) => pageAll(objects, uid, { ...range, limit: 2 })));
    expect(pages.map((rows) => rows.map(({ key }) => key))).toEqual(
      table.map(({ prefix, after }) => orderedKeys.filter((key) => key.startsWith(prefix) && byBytes(key, after) > 0)),
    );
  });

  it("page: holds no deleted keys, and goes on past a run of them", async () => {
    const { objects, uid } = await filled(orderedKeys);
    const gone = orderedKeys.slice(1, 12);
    await objects.apply(
      uid,
      gone.map((key) => remove(key, 2)),
      now,
    );
    const left = orderedKeys.filter((key) => !gone.includes(key));
    expect((await pageAll(objects, uid, { prefix: "", limit: 2 })).map(({ key }) => key)).toEqual(left);
  });

  it("page: more than a store hands over at once comes in pages", async () => {
    const { objects } = ports();
    const uid = newUid();
    await objects.begin(uid, first);
    const rows = Array.from(
      { length: 10 },
      (_, place): Row => ({ key: `large/${place}`, revision: 1, value: objectOf(storedObjectBytesMax) }),
    );
    await objects.apply(
      uid,
      rows.map((each) => ({ action: "create", ...each })),
      now,
    );
    const read = await pageAll(objects, uid, { prefix: "large/", limit: 100 });
    expect(read).toEqual(rows);
  });

  it("page: a range without rows is at its end", async () => {
    const { objects, uid } = await filled([]);
    expect(await objects.page(uid, { prefix: "none/", limit: 1 })).toEqual({ rows: [] });
  });
}

function removeCases(ports: () => OpenedPorts): void {
  it("remove: in bounded steps rows, cells and markers go, then it is true; other lives stay", async () => {
    const { objects, cells } = ports();
    const uid = newUid();
    const others = [newUid(), `${uid}/`, `${uid}0`, uid.slice(0, -1)];
    for (const each of [uid, ...others]) {
      await objects.begin(each, first);
      await objects.apply(each, [create("a", 1), create("b/1", 1), create("b/2", 1), remove("gone", 1), create("z", 1)], now);
      for (const key of ["lease/a", "token/b"]) await cells.put(each, { key, value: {}, when: "absent" });
    }
    expect(await objects.remove(uid, 2)).toBe(false);
    const left = (await pageAll(objects, uid, { prefix: "", limit: 10 })).length + (await cells.list(uid, "", 10)).length;
    expect(left).toBeGreaterThanOrEqual(4);
    let calls = 1;
    while (calls < 20 && !(await objects.remove(uid, 2))) calls++;
    expect(calls).toBeLessThan(20);
    expect(await pageAll(objects, uid, { prefix: "", limit: 10 })).toEqual([]);
    expect(await cells.list(uid, "", 10)).toEqual([]);
    expect(await objects.markers(uid)).toBeUndefined();
    expect(await objects.remove(uid, 2)).toBe(true);
    for (const other of others) {
      expect((await pageAll(objects, other, { prefix: "", limit: 10 })).map(({ key }) => key)).toEqual(["a", "b/1", "b/2", "z"]);
      expect(await cells.list(other, "", 10)).toHaveLength(2);
      expect(await objects.markers(other)).toEqual(begun);
    }
  });

  it("remove: a life that never was is gone at once", async () => {
    expect(await ports().objects.remove(newUid(), 1)).toBe(true);
  });
}

async function pageAll(objects: Objects, uid: string, range: PageRange): Promise<Row[]> {
  const rows: Row[] = [];
  let from: PageRange = range;
  for (let pages = 0; pages < 1_000; pages++) {
    const page = await objects.page(uid, from);
    expect(page.rows.length).toBeLessThanOrEqual(range.limit);
    rows.push(...page.rows);
    if (page.next === undefined) return rows;
    from = { ...range, after: page.next };
  }
  throw new Error("a thousand pages and no end");
}

function valueAt(key: string, place: number): JsonObject {
  return { key, place };
}
/** Writes are told apart by the place of their revision in the life. */
function create(key: string, place: number): RowWrite & { action: "create" | "update" } {
  return { action: "create", key, revision: first + place, value: valueAt(key, place) };
}
function update(key: string, place: number): RowWrite {
  return { ...create(key, place), action: "update" };
}
function remove(key: string, place: number): RowWrite {
  return { action: "delete", key, revision: first + place };
}
function row(key: string, place: number): Row {
  return { key, revision: first + place, value: valueAt(key, place) };
}

const modelKeys = ["a", "a/", "a/b", "ab", "\uFF5E", "\u{1F680}"];
const write = fc
  .record({
    action: fc.constantFrom(create, update, remove),
    key: fc.constantFrom(...modelKeys),
    place: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ action, key, place }) => action(key, place));
const batches = fc.array(fc.uniqueArray(write, { selector: ({ key }) => key, minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 8,
});

async function agrees({ objects }: OpenedPorts, sequence: readonly (readonly RowWrite[])[]): Promise<void> {
  const uid = newUid();
  await objects.begin(uid, first);
  const model = new Map<string, RowWrite>();
  for (const batch of sequence) {
    await objects.apply(uid, batch, now);
    for (const each of batch) applyToModel(model, each);
  }
  const rows = [...model.values()].flatMap((each) => (each.action === "delete" ? [] : [rowOf(each)]));
  const sorted = rows.toSorted((a, b) => byBytes(a.key, b.key));
  expect(await pageAll(objects, uid, { prefix: "", limit: 3 })).toEqual(sorted);
  expect(await pageAll(objects, uid, { prefix: "a/", limit: 1 })).toEqual(sorted.filter(({ key }) => key.startsWith("a/")));
  expect(await Promise.all(modelKeys.map((key) => objects.get(uid, key)))).toEqual(
    modelKeys.map((key) => rows.find((each) => each.key === key)),
  );
}

function applyToModel(model: Map<string, RowWrite>, write: RowWrite): void {
  const there = model.get(write.key);
  if (there !== undefined && there.revision >= write.revision) return;
  if (write.action === "update" && (there === undefined || there.action === "delete")) return;
  model.set(write.key, write);
}

function rowOf({ key, revision, value }: RowWrite & { action: "create" | "update" }): Row {
  return { key, revision, value };
}
