/** The adapter on SQLite keeps the contract of the ports, and bounds what one answer holds. */
import { describe, expect, it } from "vitest";
import { storedObjectBytesMax } from "../../shared/base/limits.ts";
import { encodeEntry } from "../../shared/log/codec.ts";
import { cellsConformance } from "../conformance/cells.ts";
import { logConformance } from "../conformance/log.ts";
import { objectsConformance } from "../conformance/objects.ts";
import { createOf, entryAt, first, objectOf } from "../conformance/ports.ts";
import { openTemporarySqlite as open } from "./open-sqlite.ts";

logConformance("sqlite", open);
objectsConformance("sqlite", open);
cellsConformance("sqlite", open);

describe("sqlite", () => {
  it("read and page: end with the entry or row that makes a megabyte, however many were asked for", async () => {
    const { log, objects, close } = await open();
    await objects.begin("life", first);
    const entries = Array.from({ length: 12 }, (_, place) =>
      entryAt(first + place, [createOf(`large/${10 + place}`, objectOf(storedObjectBytesMax))]),
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
