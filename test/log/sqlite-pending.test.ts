/** Rows that wait for their entries' sake: nobody sees that they lag, and neither a crash nor a rollback loses them. */
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import { SqliteLog } from "../../shared/log/sqlite/log.ts";
import { SqliteObjects } from "../../shared/log/sqlite/objects.ts";
import { partsOf } from "../../shared/log/sqlite/open.ts";
import type { SqliteParts } from "../../shared/log/sqlite/parts.ts";
import { pendingEntriesMax } from "../../shared/log/sqlite/pending-rows.ts";
import { schemaSql } from "../../shared/log/sqlite/schema.ts";
import { first, runOf } from "../conformance/ports.ts";

describe("sqlite, rows that wait", () => {
  let database: DatabaseSync;
  let parts: SqliteParts;
  let log: SqliteLog;
  let objects: SqliteObjects;
  /** As a process that finds the file: what the one before it had in memory is gone. */
  const reopen = () => {
    parts = partsOf(database);
    log = new SqliteLog(parts);
    objects = new SqliteObjects(parts);
  };
  beforeEach(async () => {
    database = new DatabaseSync(":memory:");
    database.exec(`PRAGMA foreign_keys = ON; ${schemaSql}
      CREATE TABLE parents (id INTEGER PRIMARY KEY); CREATE TABLE children (id REFERENCES parents DEFERRABLE INITIALLY DEFERRED);`);
    reopen();
    await objects.begin("life", first);
  });
  const stored = () => Number(database.prepare("SELECT count(*) AS count FROM objects").get()?.["count"]);
  const page = async () => (await objects.page("life", { prefix: "", limit: 2_000 })).rows.length;

  it("an append writes none; whoever reads rows or markers finds them", async () => {
    await log.append("life", runOf(log, first, 3));
    expect(stored()).toBe(0);
    expect((await objects.markers("life"))?.applied).toBe(first + 2);
    expect(stored()).toBe(await page());
    expect(await page()).toBeGreaterThan(0);
  });

  it("a crash loses none: they follow from the log", async () => {
    await log.append("life", runOf(log, first, 3));
    reopen();
    expect(log.head("life")).toBe(first + 2);
    expect((await objects.markers("life"))?.applied).toBe(first + 2);
    expect(await page()).toBeGreaterThan(0);
  });

  it("a rollback loses none of those before it, and brings none of its own", async () => {
    await log.append("life", runOf(log, first, 2));
    const [, lost] = await Promise.all([
      parts.commits.write(() => database.exec("INSERT INTO children VALUES (1)")).catch(() => undefined),
      log.append("life", runOf(log, first + 2, 1)),
    ]);
    expect(lost.kind).not.toBe("committed");
    expect(log.head("life")).toBe(first + 1);
    expect((await objects.markers("life"))?.applied).toBe(first + 1);
    const [row] = (await objects.page("life", { prefix: "", limit: 2_000 })).rows.map(({ revision }) => revision);
    expect(row).toBeLessThanOrEqual(first + 1);
  });

  it("they have a bound, over all lives", async () => {
    await objects.begin("other", first);
    for (const [place, uid] of ["life", "other"].entries()) {
      for (let at = 0; at < pendingEntriesMax / 2; at += 100) {
        expect(stored()).toBe(0);
        await log.append(uid, runOf(log, first + at, 100));
      }
      expect(stored() > 0).toBe(place === 1);
    }
  });

  it("the head outlives entries that are stripped, all of them", async () => {
    await log.append("life", runOf(log, first, 3));
    await log.strip("life", { after: first - 1, upTo: first + 2 });
    reopen();
    expect(log.head("life")).toBe(first + 2);
    expect(await log.append("life", runOf(log, first + 2, 1))).toMatchObject({ kind: "conflict" });
    expect(await log.append("life", runOf(log, first + 3, 1))).toEqual({ kind: "committed" });
  });
});
