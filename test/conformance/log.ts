/**
 * The contract of the Log port (shared/log/ports.ts), a test a sentence. An adapter calls `logConformance` once; it may keep
 * rows current in the same write (SQLite), so nothing here says that rows are not there.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { entryStoredBytesMax, keyBytesMax } from "../../shared/base/limits.ts";
import { encodeEntry } from "../../shared/log/codec.ts";
import type { EncodedEntry, Log } from "../../shared/log/ports.ts";
import {
  appendAll,
  type ConformanceOptions,
  createOf,
  entryAt,
  first,
  lifeOf,
  newUid,
  type OpenedPorts,
  type OpenPorts,
  objectOf,
  oddValue,
  plainAppended,
  plainOf,
  plainTail,
  readAll,
  runOf,
  timeoutMs,
} from "./ports.ts";

export function logConformance(name: string, open: OpenPorts, { runs = 50 }: ConformanceOptions = {}): void {
  describe(`log: ${name}`, { timeout: timeoutMs }, () => {
    let ports: OpenedPorts;
    beforeAll(async () => {
      ports = await open();
    }, timeoutMs);
    afterAll(() => ports?.close());

    appendCases(() => ports);
    readCases(() => ports);
    stripCases(() => ports);
    if (runs > 0) {
      it("any sequence of appends, reads and strips agrees with a list of entries", async () => {
        await fc.assert(
          fc.asyncProperty(steps, (sequence) => agrees(ports, sequence)),
          { numRuns: runs, endOnFailure: runs < 20 },
        );
      });
    }
  });
}

function appendCases(ports: () => OpenedPorts): void {
  it("append: the first entry of a life stands at its first revision, the next ones follow it", async () => {
    const { log } = ports();
    const { uid, entries } = await lifeOf(ports(), 3);
    const read = await readAll(log, uid, first - 1);
    expect(read.map(plainOf)).toEqual(entries.map(plainOf));
    expect(read.map(({ entry }) => entry.revision)).toEqual([first, first + 1, first + 2]);
  });

  it("append: where an entry stands it conflicts, hands over that entry with its bytes, and writes nothing", async () => {
    const { log } = ports();
    const { uid, entries } = await lifeOf(ports(), 2);
    const [winner] = entries.slice(1);
    expect(plainAppended(await log.append(uid, runOf(log, first + 1, 1)))).toEqual({ kind: "conflict", entry: plainOf(winner) });
    expect((await readAll(log, uid, first - 1)).map(plainOf)).toEqual(entries.map(plainOf));
  });

  it("append: the same bytes put again conflict with themselves", async () => {
    const { log } = ports();
    const { uid, entries } = await lifeOf(ports(), 1);
    expect(plainAppended(await log.append(uid, entries))).toEqual({ kind: "conflict", entry: plainOf(entries[0]) });
  });

  it("append: a loser that is several revisions behind gets the entry at its own revision", async () => {
    const { log } = ports();
    const { uid, entries } = await lifeOf(ports(), 4);
    expect(plainAppended(await log.append(uid, runOf(log, first, 1)))).toEqual({ kind: "conflict", entry: plainOf(entries[0]) });
  });

  it("append: of many at one revision one commits, and the others are handed its entry", async () => {
    const { log } = ports();
    const { uid } = await lifeOf(ports(), 1);
    const rivals = Array.from({ length: 8 }, () => runOf(log, first + 1, 1));
    const outcomes = await Promise.all(rivals.map((run) => log.append(uid, run)));
    const winner = rivals[outcomes.findIndex(({ kind }) => kind === "committed")]?.[0];
    expect(outcomes.filter(({ kind }) => kind === "committed")).toHaveLength(1);
    for (const outcome of outcomes.filter(({ kind }) => kind !== "committed")) {
      expect(plainAppended(outcome)).toEqual({ kind: "conflict", entry: plainOf(winner) });
    }
    expect((await readAll(log, uid, first)).map(plainOf)).toEqual([plainOf(winner)]);
  });

  it("append: a run that begins at a taken revision writes nothing, a run of appendMax entries is written whole", async () => {
    const { log } = ports();
    const { uid, entries } = await lifeOf(ports(), 1);
    const length = Math.min(log.appendMax, 300);
    expect((await log.append(uid, runOf(log, first, length))).kind).toBe("conflict");
    expect((await readAll(log, uid, first - 1)).map(plainOf)).toEqual(entries.map(plainOf));
    const run = runOf(log, first + 1, length);
    expect(await log.append(uid, run)).toEqual({ kind: "committed" });
    expect((await readAll(log, uid, first)).map(plainOf)).toEqual(run.map(plainOf));
  });

  it("append: runs for different lives do not see each other, whatever their uids look like", async () => {
    const { log, objects } = ports();
    const uid = newUid();
    const uids = [uid, `${uid}/`, `${uid}/log`, `${uid}#1`, `${uid}%`, `${uid} é\u{1F680}'"`, uid.toUpperCase()];
    const runs = uids.map(() => runOf(log, first, 1));
    await Promise.all(uids.map((each) => objects.begin(each, first)));
    const outcomes = await Promise.all(uids.map((each, place) => log.append(each, runs[place] ?? [])));
    expect(outcomes).toEqual(uids.map(() => ({ kind: "committed" })));
    const logs = await Promise.all(uids.map((each) => readAll(log, each, first - 1)));
    expect(logs.map((entries) => entries.map(plainOf))).toEqual(runs.map((run) => run.map(plainOf)));
  });

  it("append: an entry of exactly the stored maximum, a key of the greatest length, odd text and a seal come back as they were", async () => {
    const { log } = ports();
    const { uid } = await lifeOf(ports(), 0);
    const largest = largestEntry(first);
    expect(largest.bytes).toHaveLength(entryStoredBytesMax);
    const key = "é".repeat(keyBytesMax / 2);
    const odd = { ...entryAt(first + 1, [createOf(key, oddValue)]), actor: "Jürgen \u{1F680} '\"\u0000" };
    const seal = { ...entryAt(first + 2, []), seal: true as const };
    const entries = [largest, encodeEntry(odd, log.compressAboveBytes), encodeEntry(seal, log.compressAboveBytes)];
    await appendAll(log, uid, entries);
    expect((await readAll(log, uid, first - 1)).map(plainOf)).toEqual(entries.map(plainOf));
  });

  it("append: all three actions come back with value and previous", async () => {
    const { log } = ports();
    const { uid } = await lifeOf(ports(), 0);
    const run = [
      entryAt(first, [createOf("a", { n: 1 }), createOf("b", { n: 1 })]),
      entryAt(first + 1, [
        { action: "update", key: "a", value: { n: 2 }, previous: { n: 1 } },
        { action: "delete", key: "b", previous: { n: 1 } },
      ]),
    ].map((entry) => encodeEntry(entry, log.compressAboveBytes));
    await appendAll(log, uid, run);
    expect((await readAll(log, uid, first - 1)).map(plainOf)).toEqual(run.map(plainOf));
  });

  it("head: the last revision, or undefined where the adapter is not the only writer", async () => {
    const { log } = ports();
    const { uid } = await lifeOf(ports(), 3);
    expect([undefined, first + 2]).toContain(log.head(uid));
    await appendAll(log, uid, runOf(log, first + 3, 1));
    expect([undefined, first + 3]).toContain(log.head(uid));
    await log.strip(uid, { after: first - 1, upTo: first + 3 });
    expect([undefined, first + 3]).toContain(log.head(uid));
  });
}

function readCases(ports: () => OpenedPorts): void {
  it("read: a life without entries is at its end", async () => {
    const { log } = ports();
    const { uid } = await lifeOf(ports(), 0);
    expect(await log.read(uid, { after: first - 1, limit: 10, consistent: true })).toEqual({
      kind: "entries",
      entries: [],
      end: true,
    });
  });

  it("read: after the head there is nothing, and that is the end", async () => {
    const { log } = ports();
    const { uid } = await lifeOf(ports(), 2);
    expect(await log.read(uid, { after: first + 1, limit: 10, consistent: true })).toEqual({
      kind: "entries",
      entries: [],
      end: true,
    });
  });

  it("read: gives the dense run after `after`, at most `limit`, without end when more follow", async () => {
    const { log } = ports();
    const { uid, entries } = await lifeOf(ports(), 5);
    const tail = await log.read(uid, { after: first, limit: 2, consistent: true });
    expect(plainTail(tail)).toEqual(plainTail({ kind: "entries", entries: entries.slice(1, 3), end: false }));
    for (const limit of [1, 2, 4, 5])
      expect((await readAll(log, uid, first - 1, limit)).map(plainOf)).toEqual(entries.map(plainOf));
  });

  it("read: an eventually consistent answer is a prefix of the truth", async () => {
    const { log } = ports();
    const { uid, entries } = await lifeOf(ports(), 2);
    const tail = await log.read(uid, { after: first - 1, limit: 10, consistent: false });
    expect(tail.kind).toBe("entries");
    const read = tail.kind === "entries" ? tail.entries : [];
    expect(read.map(plainOf)).toEqual(entries.slice(0, read.length).map(plainOf));
  });

  it("read: more than a store hands over at once comes in runs, none of them empty before the end", async () => {
    const { log } = ports();
    const { uid } = await lifeOf(ports(), 0);
    const entries = Array.from({ length: 5 }, (_, place) => largestEntry(first + place));
    await appendAll(log, uid, entries);
    const read = await readAll(log, uid, first - 1);
    expect(read.map(({ entry }) => entry)).toEqual(entries.map(({ entry }) => entry));
  });

  it("read: entries are frozen, all the way down", async () => {
    const { log } = ports();
    const { uid } = await lifeOf(ports(), 1);
    const [read] = await readAll(log, uid, first - 1);
    const change = read?.entry.changes[0];
    const parts = [read?.entry, read?.entry.changes, change, change?.action === "create" ? change.value : undefined];
    expect(parts.map((part) => part !== undefined && Object.isFrozen(part))).toEqual([true, true, true, true]);
  });

  it("read: what lies before the log's first entry is trimmed", async () => {
    const { log } = ports();
    const { uid } = await lifeOf(ports(), 2);
    expect(await log.read(uid, { after: first - 2, limit: 10, consistent: true })).toEqual({ kind: "trimmed" });
    expect(await log.read(uid, { after: first - 1_000, limit: 1, consistent: true })).toEqual({ kind: "trimmed" });
  });
}

function stripCases(ports: () => OpenedPorts): void {
  it("strip: what was stripped is trimmed, what is above stays as it was", async () => {
    const { log } = ports();
    const { uid, entries } = await lifeOf(ports(), 5);
    await log.strip(uid, { after: first - 1, upTo: first + 2 });
    for (const after of [first - 1, first, first + 1]) {
      expect(await log.read(uid, { after, limit: 10, consistent: true })).toEqual({ kind: "trimmed" });
    }
    expect((await readAll(log, uid, first + 2)).map(plainOf)).toEqual(entries.slice(3).map(plainOf));
  });

  it("strip: done again, or again from the start, it changes nothing", async () => {
    const { log } = ports();
    const { uid, entries } = await lifeOf(ports(), 4);
    await log.strip(uid, { after: first - 1, upTo: first + 1 });
    await log.strip(uid, { after: first - 1, upTo: first + 1 });
    await log.strip(uid, { after: first - 1, upTo: first });
    expect((await readAll(log, uid, first + 1)).map(plainOf)).toEqual(entries.slice(2).map(plainOf));
    await log.strip(uid, { after: first + 1, upTo: first + 2 });
    expect((await readAll(log, uid, first + 2)).map(plainOf)).toEqual(entries.slice(3).map(plainOf));
  });

  it("strip: a stripped position is never free again; who puts there meets a stub", async () => {
    const { log } = ports();
    const { uid, entries } = await lifeOf(ports(), 3);
    await log.strip(uid, { after: first - 1, upTo: first + 1 });
    for (const revision of [first, first + 1]) {
      expect(await log.append(uid, runOf(log, revision, 1))).toEqual({ kind: "conflict", entry: undefined });
    }
    expect((await readAll(log, uid, first + 1)).map(plainOf)).toEqual(entries.slice(2).map(plainOf));
  });

  it("strip: a log stripped up to its head goes on above it", async () => {
    const { log } = ports();
    const { uid } = await lifeOf(ports(), 2);
    await log.strip(uid, { after: first - 1, upTo: first + 1 });
    expect(await log.read(uid, { after: first + 1, limit: 10, consistent: true })).toEqual({
      kind: "entries",
      entries: [],
      end: true,
    });
    expect(await log.append(uid, runOf(log, first + 1, 1))).toEqual({ kind: "conflict", entry: undefined });
    const next = runOf(log, first + 2, 1);
    expect(await log.append(uid, next)).toEqual({ kind: "committed" });
    expect((await readAll(log, uid, first + 1)).map(plainOf)).toEqual(next.map(plainOf));
  });

  it("strip: touches no other life", async () => {
    const { log } = ports();
    const { uid } = await lifeOf(ports(), 2);
    const other = await lifeOf(ports(), 2);
    await log.strip(uid, { after: first - 1, upTo: first + 1 });
    expect((await readAll(log, other.uid, first - 1)).map(plainOf)).toEqual(other.entries.map(plainOf));
  });

  it("entries stay when the rows and markers of their life go: its positions are never free again", async () => {
    const { log, objects } = ports();
    const { uid, entries } = await lifeOf(ports(), 2);
    for (let round = 0; round < 10 && !(await objects.remove(uid, 10)); round++);
    expect(plainAppended(await log.append(uid, runOf(log, first + 1, 1)))).toEqual({
      kind: "conflict",
      entry: plainOf(entries[1]),
    });
    expect((await readAll(log, uid, first - 1)).map(plainOf)).toEqual(entries.map(plainOf));
  });
}

/** Plain JSON of exactly entryStoredBytesMax bytes, the codec's byte included: three objects, the last one filled up. */
function largestEntry(revision: number): EncodedEntry {
  const filledTo = (lastBytes: number) => {
    const changes = [120_000, 120_000, lastBytes].map((bytes, place) => createOf(`large/${place}`, objectOf(bytes)));
    return encodeEntry({ ...entryAt(revision, changes), time: first }, Number.MAX_SAFE_INTEGER);
  };
  const lastBytes = 100_000;
  return filledTo(lastBytes + entryStoredBytesMax - filledTo(lastBytes).bytes.length);
}

type Step =
  | { readonly do: "append"; readonly count: number }
  | { readonly do: "lose"; readonly back: number }
  | { readonly do: "read"; readonly back: number; readonly limit: number }
  | { readonly do: "strip"; readonly count: number; readonly again: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("lose" as const), back: fc.nat(6) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("read" as const), back: fc.nat(10), limit: fc.integer({ min: 1, max: 6 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("strip" as const), count: fc.integer({ min: 1, max: 3 }), again: fc.nat(2) }),
    },
  ),
  { minLength: 1, maxLength: 24 },
);

async function agrees(ports: OpenedPorts, sequence: readonly Step[]): Promise<void> {
  const { log } = ports;
  const { uid } = await lifeOf(ports, 0);
  const model: Model = { entries: [], stripped: 0 };
  for (const step of sequence) {
    await stepAgrees({ log, uid, model }, step);
    expect([undefined, first - 1 + model.entries.length]).toContain(log.head(uid));
  }
}

/** entries[n] stands at revision first + n; the `stripped` first ones are stubs. */
type Model = { readonly entries: EncodedEntry[]; stripped: number };

async function stepAgrees({ log, uid, model }: { log: Log; uid: string; model: Model }, step: Step): Promise<void> {
  const head = first - 1 + model.entries.length;
  switch (step.do) {
    case "append": {
      const run = runOf(log, head + 1, Math.min(step.count, log.appendMax));
      expect(await log.append(uid, run)).toEqual({ kind: "committed" });
      model.entries.push(...run);
      return;
    }
    case "lose": {
      if (model.entries.length === 0) return;
      const place = Math.max(0, model.entries.length - 1 - step.back);
      const entry = place < model.stripped ? undefined : model.entries[place];
      const outcome = await log.append(uid, runOf(log, first + place, 1));
      expect(plainAppended(outcome)).toEqual({ kind: "conflict", entry: plainOf(entry) });
      return;
    }
    case "read": {
      const from = Math.max(0, model.entries.length - step.back);
      const tail = await log.read(uid, { after: first - 1 + from, limit: step.limit, consistent: true });
      if (from < model.stripped) expect(tail).toEqual({ kind: "trimmed" });
      else expectPrefix(tail, model.entries.slice(from), step.limit);
      return;
    }
    case "strip": {
      const upTo = Math.min(model.entries.length, model.stripped + step.count);
      if (upTo === model.stripped) return;
      const from = Math.max(0, model.stripped - step.again);
      await log.strip(uid, { after: first - 1 + from, upTo: first - 1 + upTo });
      model.stripped = upTo;
      return;
    }
  }
}

/** A run may be shorter than asked for; when it ends with the last entry because of its limit, it may know of the end or not. */
function expectPrefix(tail: Awaited<ReturnType<Log["read"]>>, expected: readonly EncodedEntry[], limit: number): void {
  if (tail.kind === "trimmed") throw new Error("trimmed, though every entry is there");
  const { length } = tail.entries;
  expect(tail.entries.map(plainOf)).toEqual(expected.slice(0, length).map(plainOf));
  expect(length).toBeLessThanOrEqual(limit);
  expect(length).toBeGreaterThanOrEqual(Math.min(1, expected.length));
  if (length < expected.length) expect(tail.end).toBe(false);
  else if (length < limit) expect(tail.end).toBe(true);
}
