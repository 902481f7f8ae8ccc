/** The adapter on SQLite keeps the contract of the ports, and bounds what one answer holds. */
import { describe, expect, it } from "vitest";
import { objectBytesMax } from "../../shared/base/limits.ts";
import { encodeEntry } from "../../shared/log/codec.ts";
import { cellsConformance } from "../conformance/cells.ts";
import { logConformance } from "../conformance/log.ts";
import { objectsConformance } from "../conformance/objects.ts";
import { createOf, entryAt, first, objectOf } from "../conformance/ports.ts";
import { openTemporarySqlite as open, openTemporaryThreadedSqlite } from "./open-sqlite.ts";

for (const [name, openPorts] of [
  ["sqlite", open],
  ["sqlite, writes in a thread", openTemporaryThreadedSqlite],
] as const) {
  logConformance(name, openPorts);
  objectsConformance(name, openPorts);
  cellsConformance(name, openPorts);
}

describe("sqlite", () => {
  it("writes in a thread: what a read gives is never above the head, nor is a row above what a read after it gives", async () => {
    const { log, objects, close } = await openTemporaryThreadedSqlite();
    await objects.begin("life", first);
    let writing = true;
    const writer = (async () => {
      for (let revision = first; revision < first + 300; revision += 1) {
        await log.append("life", [encodeEntry(entryAt(revision, [createOf(`a/${revision}`, {})]), 900)]);
      }
      writing = false;
    })();
    while (writing) {
      const newest =
        (await objects.page("life", { prefix: `a/${log.head("life") ?? first}`, limit: 10 })).rows.at(-1)?.revision ?? 0;
      const tail = await log.read("life", { after: first - 1, limit: 1_000, consistent: true });
      if (tail.kind !== "entries") throw new Error("nothing was stripped");
      const last = tail.entries.at(-1)?.entry.revision ?? first - 1;
      expect([tail.end, last >= newest, log.head("life")]).toEqual([true, true, last]);
      await new Promise(setImmediate);
    }
    await writer;
    await close();
  });

  it("read and page: end with the entry or row that makes a megabyte, however many were asked for", async () => {
    const { log, objects, close } = await open();
    await objects.begin("life", first);
    const entries = Array.from({ length: 12 }, (_, place) =>
      entryAt(first + place, [createOf(`large/${10 + place}`, objectOf(objectBytesMax))]),
    );
    await log.append(
      "life",
      entries.map((entry) => encodeEntry(entry, Number.MAX_SAFE_INTEGER)),
    );
    const tail = await log.read("life", { after: first - 1, limit: 100, consistent: true });
    expect(tail).toMatchObject({ kind: "entries", end: false, entries: { length: 8 } });
    const page = await objects.page("life", { prefix: "", limit: 100 });
    // Characters count here, of which the odd text has some less than bytes.
    expect(page).toMatchObject({ rows: { length: 9 }, next: "large/18" });
    await close();
  });
});
