/** The contract of the Cells port (shared/log/ports.ts), a test a sentence. All times lie ahead, so that no store's own expiry interferes. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyBytesMax, storedObjectBytesMax } from "../../shared/base/limits.ts";
import type { Cell, CellPut, Cells } from "../../shared/log/ports.ts";
import {
  byBytes,
  type ConformanceOptions,
  first,
  newUid,
  type OpenedPorts,
  type OpenPorts,
  objectOf,
  oddValue,
  timeoutMs,
} from "./ports.ts";

/** Milliseconds that are no whole second: a store whose own expiry counts seconds must keep them. */
const soon = Math.floor(Date.now() / 1000) * 1000 + 24 * 3600 * 1000 + 123;

export function cellsConformance(name: string, open: OpenPorts, { runs = 50 }: ConformanceOptions = {}): void {
  describe(`cells: ${name}`, { timeout: timeoutMs }, () => {
    let ports: OpenedPorts;
    beforeAll(async () => {
      ports = await open();
    }, timeoutMs);
    afterAll(() => ports?.close());

    putCases(() => ports);
    deleteCases(() => ports);
    listCases(() => ports);
    if (runs > 0) {
      it("any sequence of puts and deletes agrees with a map", async () => {
        await fc.assert(
          fc.asyncProperty(steps, (sequence) => agrees(ports.cells, sequence)),
          { numRuns: runs, endOnFailure: runs < 20 },
        );
      });
    }
  });
}

function putCases(ports: () => OpenedPorts): void {
  it("get: an absent cell is undefined", async () => {
    expect(await ports().cells.get(newUid(), "absent")).toBeUndefined();
  });

  it("put when absent: the first one makes version 1, the next one is lost and gets what is there", async () => {
    const { cells } = ports();
    const uid = newUid();
    const cell: Cell = { key: "lease/a", version: 1, value: { owner: "one" }, expires: soon };
    expect(await cells.put(uid, { key: "lease/a", value: { owner: "one" }, expires: soon, when: "absent" })).toEqual({
      kind: "put",
      cell,
    });
    expect(await cells.put(uid, { key: "lease/a", value: { owner: "two" }, when: "absent" })).toEqual({ kind: "lost", cell });
    expect(await cells.get(uid, "lease/a")).toEqual(cell);
  });

  it("put when absent: an expired cell is there all the same", async () => {
    const { cells } = ports();
    const uid = newUid();
    await cells.put(uid, { key: "a", value: {}, expires: soon - 3_600_000, when: "absent" });
    expect(await cells.put(uid, { key: "a", value: {}, when: "absent" })).toMatchObject({ kind: "lost", cell: { version: 1 } });
  });

  it("put when expired: taken at its expiry, not a millisecond before; the version grows", async () => {
    const { cells } = ports();
    const uid = newUid();
    await cells.put(uid, { key: "a", value: { n: 1 }, expires: soon, when: "absent" });
    const early = await cells.put(uid, { key: "a", value: { n: 2 }, expires: soon + 5, when: { expiredAt: soon - 1 } });
    expect(early).toEqual({ kind: "lost", cell: { key: "a", version: 1, value: { n: 1 }, expires: soon } });
    const taken: Cell = { key: "a", version: 2, value: { n: 2 }, expires: soon + 5 };
    expect(await cells.put(uid, { key: "a", value: { n: 2 }, expires: soon + 5, when: { expiredAt: soon } })).toEqual({
      kind: "put",
      cell: taken,
    });
    expect(await cells.get(uid, "a")).toEqual(taken);
  });

  it("put when expired: lost where nothing is, and where what is there never expires", async () => {
    const { cells } = ports();
    const uid = newUid();
    expect(await cells.put(uid, { key: "a", value: {}, when: { expiredAt: soon } })).toEqual({ kind: "lost", cell: undefined });
    expect(await cells.get(uid, "a")).toBeUndefined();
    await cells.put(uid, { key: "a", value: {}, when: "absent" });
    expect(await cells.put(uid, { key: "a", value: {}, when: { expiredAt: soon } })).toEqual({
      kind: "lost",
      cell: { key: "a", version: 1, value: {} },
    });
  });

  it("put when of a version: replaces that version only; no expiry means never", async () => {
    const { cells } = ports();
    const uid = newUid();
    expect(await cells.put(uid, { key: "a", value: {}, when: { version: 1 } })).toEqual({ kind: "lost", cell: undefined });
    await cells.put(uid, { key: "a", value: { n: 1 }, expires: soon, when: "absent" });
    const second: Cell = { key: "a", version: 2, value: { n: 2 } };
    expect(await cells.put(uid, { key: "a", value: { n: 2 }, when: { version: 1 } })).toEqual({ kind: "put", cell: second });
    expect(await cells.put(uid, { key: "a", value: { n: 3 }, when: { version: 1 } })).toEqual({ kind: "lost", cell: second });
    expect(await cells.put(uid, { key: "a", value: { n: 3 }, when: { version: 3 } })).toEqual({ kind: "lost", cell: second });
    expect(await cells.get(uid, "a")).toEqual(second);
  });

  it("put: of many at once one wins", async () => {
    const { cells } = ports();
    const uid = newUid();
    const puts = (when: CellPut["when"]) =>
      Promise.all([1, 2, 3, 4].map((n) => cells.put(uid, { key: "a", value: { n }, expires: soon, when })));
    for (const when of ["absent", { version: 1 }, { expiredAt: soon }] satisfies CellPut["when"][]) {
      const outcomes = await puts(when);
      // Those that expire at once may each take what the one before them took.
      const wins = outcomes.filter(({ kind }) => kind === "put");
      expect(wins.length).toBeGreaterThanOrEqual(1);
      if (typeof when === "string" || "version" in when) expect(wins).toHaveLength(1);
      expect(await cells.get(uid, "a")).toMatchObject({ version: Math.max(...wins.map(({ cell }) => cell?.version ?? 0)) });
    }
  });

  it("put: large values, odd text and long keys come back as they were", async () => {
    const { cells } = ports();
    const uid = newUid();
    const puts: CellPut[] = [
      { key: "k".repeat(keyBytesMax), value: oddValue, when: "absent" },
      { key: "odd/ % _ # \" ' \\ \u{1F680}", value: objectOf(storedObjectBytesMax), expires: soon, when: "absent" },
    ];
    for (const put of puts) {
      const { when: _, ...cell } = put;
      expect(await cells.put(uid, put)).toEqual({ kind: "put", cell: { ...cell, version: 1 } });
      expect(await cells.get(uid, put.key)).toEqual({ ...cell, version: 1 });
    }
  });

  it("put: a life's cells are its own, and no rows", async () => {
    const { cells, objects } = ports();
    const uid = newUid();
    const uids = [uid, `${uid}/`, `${uid}/a`, `${uid}#a`, `${uid} é\u{1F680}'"`];
    await Promise.all(uids.map((each) => objects.begin(each, first)));
    for (const [n, each] of uids.entries()) await cells.put(each, { key: "a", value: { n }, when: "absent" });
    const values = await Promise.all(uids.map(async (each) => (await cells.list(each, "", 10)).map(({ value }) => value)));
    expect(values).toEqual(uids.map((_, n) => [{ n }]));
    expect(await objects.page(uid, { prefix: "", limit: 10 })).toEqual({ rows: [] });
    expect(await objects.get(uid, "a")).toBeUndefined();
  });
}

function deleteCases(ports: () => OpenedPorts): void {
  it("delete: removes the version it names and no other", async () => {
    const { cells } = ports();
    const uid = newUid();
    expect(await cells.delete(uid, "a", 1)).toBe(false);
    await cells.put(uid, { key: "a", value: {}, when: "absent" });
    await cells.put(uid, { key: "a", value: {}, when: { version: 1 } });
    expect(await cells.delete(uid, "a", 1)).toBe(false);
    expect(await cells.get(uid, "a")).toMatchObject({ version: 2 });
    expect(await cells.delete(uid, "a", 2)).toBe(true);
    expect(await cells.get(uid, "a")).toBeUndefined();
    expect(await cells.delete(uid, "a", 2)).toBe(false);
  });

  it("delete: what was deleted can be put again", async () => {
    const { cells } = ports();
    const uid = newUid();
    await cells.put(uid, { key: "a", value: { n: 1 }, when: "absent" });
    await cells.delete(uid, "a", 1);
    expect(await cells.put(uid, { key: "a", value: { n: 2 }, when: "absent" })).toMatchObject({
      kind: "put",
      cell: { version: 1 },
    });
  });
}

function listCases(ports: () => OpenedPorts): void {
  it("list: cells of a prefix in the order of their keys' bytes, at most limit, expired ones too", async () => {
    const { cells } = ports();
    const uid = newUid();
    const keys = ["a", "a/", "a/1", "a/2", "ab", "b", "\uFF5E", "\u{1F680}"];
    for (const key of keys.toReversed()) await cells.put(uid, { key, value: { key }, expires: soon - 3_600_000, when: "absent" });
    const listed = async (prefix: string, limit: number) => (await cells.list(uid, prefix, limit)).map(({ key }) => key);
    expect(await listed("", 100)).toEqual(keys);
    expect(await listed("", 3)).toEqual(keys.slice(0, 3));
    expect(await listed("a/", 100)).toEqual(["a/", "a/1", "a/2"]);
    expect(await listed("a/", 1)).toEqual(["a/"]);
    expect(await listed("c", 100)).toEqual([]);
    expect((await cells.list(uid, "a/1", 1))[0]).toEqual({
      key: "a/1",
      version: 1,
      value: { key: "a/1" },
      expires: soon - 3_600_000,
    });
  });

  it("list: goes on past what a store hands over at once", async () => {
    const { cells } = ports();
    const uid = newUid();
    const keys = Array.from({ length: 10 }, (_, place) => `large/${place}`);
    const value = objectOf(storedObjectBytesMax);
    await Promise.all(keys.map((key) => cells.put(uid, { key, value, when: "absent" })));
    expect((await cells.list(uid, "large/", 100)).map(({ key }) => key)).toEqual(keys);
  });
}

const modelKeys = ["a", "a/", "a/b", "\u{1F680}"];
const key = fc.constantFrom(...modelKeys);
const time = fc.integer({ min: 0, max: 5 }).map((ms) => soon + ms);
const when: fc.Arbitrary<CellPut["when"]> = fc.oneof(
  fc.constant("absent" as const),
  fc.record({ expiredAt: time }),
  fc.record({ version: fc.integer({ min: 1, max: 4 }) }),
);
type Step = { readonly put: CellPut } | { readonly delete: { readonly key: string; readonly version: number } };
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        put: fc.record(
          { key, value: fc.record({ n: fc.nat() }), when, expires: time },
          { requiredKeys: ["key", "value", "when"] },
        ),
      }),
    },
    { weight: 1, arbitrary: fc.record({ delete: fc.record({ key, version: fc.integer({ min: 1, max: 4 }) }) }) },
  ),
  { minLength: 1, maxLength: 20 },
);

async function agrees(cells: Cells, sequence: readonly Step[]): Promise<void> {
  const uid = newUid();
  const model = new Map<string, Cell>();
  for (const step of sequence) {
    if ("delete" in step) {
      const { key, version } = step.delete;
      const hit = model.get(key)?.version === version;
      expect(await cells.delete(uid, key, version)).toBe(hit);
      if (hit) model.delete(key);
      continue;
    }
    const { when, ...rest } = step.put;
    const there = model.get(rest.key);
    const cell: Cell = { ...rest, version: (there?.version ?? 0) + 1 };
    const wins = holds(when, there);
    expect(await cells.put(uid, step.put)).toEqual(wins ? { kind: "put", cell } : { kind: "lost", cell: there });
    if (wins) model.set(cell.key, cell);
  }
  expect(await cells.list(uid, "", 100)).toEqual([...model.values()].toSorted((a, b) => byBytes(a.key, b.key)));
}

function holds(when: CellPut["when"], there: Cell | undefined): boolean {
  if (when === "absent") return there === undefined;
  if ("version" in when) return there?.version === when.version;
  return there?.expires !== undefined && there.expires <= when.expiredAt;
}
