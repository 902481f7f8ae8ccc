/** Group commit: writes that wait share a transaction and nothing else; a failed commit is never answered as done. */
import { DatabaseSync } from "node:sqlite";
import { setImmediate as immediate } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { tombstoneMs } from "../../shared/base/limits.ts";
import { NotWrittenError, UnclearWriteError } from "../../shared/log/sqlite/errors.ts";
import { type GroupCommit, waitingMax } from "../../shared/log/sqlite/group-commit.ts";
import { type Lives, livesKeptMax } from "../../shared/log/sqlite/lives.ts";
import { SqliteLog } from "../../shared/log/sqlite/log.ts";
import { partsOf } from "../../shared/log/sqlite/open.ts";
import type { Rows } from "../../shared/log/sqlite/rows.ts";
import { schemaSql } from "../../shared/log/sqlite/schema.ts";
import { first, plainAppended, plainOf, readAll, runOf } from "../conformance/ports.ts";

describe("sqlite, group commit", () => {
  let database: DatabaseSync;
  let lives: Lives;
  let rows: Rows;
  let commits: GroupCommit;
  let log: SqliteLog;
  beforeEach(() => {
    database = new DatabaseSync(":memory:");
    // A reference that is only checked at the commit: how a test makes a commit fail.
    database.exec(`PRAGMA foreign_keys = ON; ${schemaSql} CREATE TABLE words (word TEXT);
      CREATE TABLE parents (id INTEGER PRIMARY KEY); CREATE TABLE children (id REFERENCES parents DEFERRABLE INITIALLY DEFERRED);`);
    const parts = partsOf(database);
    ({ lives, rows, commits } = parts);
    log = new SqliteLog(parts);
  });

  const say = (word: string) => database.prepare("INSERT INTO words VALUES (?)").run(word);
  const words = () =>
    database
      .prepare("SELECT word FROM words ORDER BY rowid")
      .all()
      .map(({ word }) => word);
  const failCommit = () => commits.write(() => database.exec("INSERT INTO children VALUES (1)"));
  const failDisk = () => commits.write(() => database.exec("INSERT INTO children VALUES (1); PRAGMA query_only = ON"));

  it("writes that wait are one transaction: all of them are done, and told of, at once", async () => {
    let told = 0;
    const writes = Array.from({ length: 64 }, async (_, place) => {
      await commits.write(() => say(String(place)));
      told++;
    });
    expect([told, words()]).toEqual([0, []]);
    await immediate();
    expect([told, words().length]).toEqual([64, 64]);
    await Promise.all(writes);
  });

  it("who gathers writes into the group that is about to be written, however often it waits without leaving the turn", async () => {
    let told = 0;
    const gathered = async (waits: number) => {
      await commits.gather();
      for (let wait = 0; wait < waits; wait += 1) await undefined;
      await commits.write(() => say(String(waits)));
      told++;
    };
    const writes = [gathered(0), gathered(20), commits.write(() => say("first"))];
    await immediate();
    expect([told, words()]).toEqual([2, ["first", "0", "20"]]);
    await Promise.all(writes);
  });

  it("who gathers and writes nothing keeps nobody waiting, and is not left waiting by the end", async () => {
    await commits.gather();
    await commits.write(() => say("a"));
    const gathering = commits.gather();
    commits.close(() => say("last"));
    await gathering;
    await commits.gather();
    expect(words()).toEqual(["a", "last"]);
  });

  it("a write sees what those before it in its group wrote", async () => {
    const runs = [0, 1, 2].map((place) => runOf(log, first + place, 1));
    const outcomes = await Promise.all(runs.map((run) => log.append("life", run)));
    expect(outcomes).toEqual(runs.map(() => ({ kind: "committed" })));
    expect((await readAll(log, "life", first - 1)).map(plainOf)).toEqual(runs.flat().map(plainOf));
  });

  it("a run that loses does not fail the others of its group", async () => {
    const [winner, loser, other] = [runOf(log, first, 1), runOf(log, first, 1), runOf(log, first, 1)];
    const outcomes = await Promise.all([log.append("life", winner), log.append("life", loser), log.append("other", other)]);
    expect(outcomes.map(plainAppended)).toEqual([
      { kind: "committed" },
      { kind: "conflict", entry: plainOf(winner[0]) },
      { kind: "committed" },
    ]);
  });

  it("a write that throws is undone and told so; the others of its group are done", async () => {
    const outcomes = await Promise.allSettled([
      commits.write(() => say("a")),
      commits.write(() => {
        say("b");
        throw new Error("no");
      }),
      commits.write(() => say("c")),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(outcomes[1]).toMatchObject({ reason: expect.any(NotWrittenError) });
    expect(words()).toEqual(["a", "c"]);
  });

  it("a commit that fails, and certainly left nothing, refuses the whole group; heads are read again", async () => {
    const run = runOf(log, first, 1);
    const [appended, said, failed] = await Promise.allSettled([
      log.append("life", run),
      commits.write(() => say("a")),
      failCommit(),
    ]);
    expect(appended).toMatchObject({ status: "fulfilled", value: { kind: "refused", cause: expect.any(NotWrittenError) } });
    expect([said, failed]).toMatchObject([{ reason: expect.any(NotWrittenError) }, { reason: expect.any(NotWrittenError) }]);
    expect([words(), log.head("life")]).toEqual([[], undefined]);
    expect(await log.append("life", run)).toEqual({ kind: "committed" });
    expect(log.head("life")).toBe(first);
  });

  it("a commit that fails on a disk that goes on failing is unknown, and the same bytes may be put again", async () => {
    await log.append("life", runOf(log, first, 1));
    const run = runOf(log, first + 1, 1);
    const [appended, failed] = await Promise.allSettled([log.append("life", run), failDisk()]);
    expect(appended).toMatchObject({ status: "fulfilled", value: { kind: "unknown", cause: expect.any(UnclearWriteError) } });
    expect(failed).toMatchObject({ reason: expect.any(UnclearWriteError) });
    expect(log.head("life")).toBe(first);
    expect((await log.append("life", run)).kind).toBe("refused");
    database.exec("PRAGMA query_only = OFF");
    expect(await log.append("life", run)).toEqual({ kind: "committed" });
  });

  it("of more writes than may wait the last one is refused, the others are done", async () => {
    const writes = Array.from({ length: waitingMax }, () => commits.write(() => undefined));
    await expect(commits.write(() => say("a"))).rejects.toThrow(NotWrittenError);
    expect(await Promise.all(writes)).toHaveLength(waitingMax);
    await commits.write(() => say("b"));
    expect(words()).toEqual(["b"]);
  });

  it("close: what waits is written, what comes later is refused", async () => {
    const waiting = Promise.all([commits.write(() => say("a")), commits.write(() => say("b"))]);
    commits.close(() => say("last"));
    expect(words()).toEqual(["a", "b", "last"]);
    await waiting;
    expect((await log.append("life", runOf(log, first, 1))).kind).toBe("refused");
  });

  it("append: a run that does not follow the head, is empty or too long, is refused", async () => {
    await log.append("life", runOf(log, first, 1));
    for (const run of [runOf(log, first + 2, 1), [], runOf(log, first + 1, log.appendMax + 1)]) {
      expect((await log.append("life", run)).kind).toBe("refused");
    }
    expect(log.head("life")).toBe(first);
  });

  it("tombstones go as others come, once their time is over", () => {
    const remove = (key: string, now: number) => rows.write(1, [{ action: "delete", key, revision: first }], now);
    const keys = () =>
      database
        .prepare("SELECT key FROM objects ORDER BY key")
        .all()
        .map(({ key }) => key);
    for (const key of ["a", "b", "c"]) remove(key, 0);
    remove("d", tombstoneMs - 1);
    expect(keys()).toEqual(["a", "b", "c", "d"]);
    remove("e", tombstoneMs);
    remove("f", tombstoneMs);
    expect(keys()).toEqual(["d", "e", "f"]);
  });

  it("heads are right for more lives than are kept in memory", () => {
    for (let place = 0; place <= livesKeptMax; place++) {
      const uid = `life ${place}`;
      lives.begin(uid, first + 1 + place);
    }
    expect([lives.find("life 0")?.head, lives.find(`life ${livesKeptMax}`)?.head]).toEqual([first, first + livesKeptMax]);
    expect(lives.find("life")).toBeUndefined();
  });
});
