/** The doctor on data folders that the test has broken: each fault is named, mended, and gone; a restored folder begins new lives. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { Tokens } from "../../shared/access/tokens.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openSqlite } from "../../shared/log/sqlite/open.ts";
import { Clusters, installationUid } from "../../shared/state/clusters.ts";
import { checkInstallation } from "../../shared/state/doctor/installation-check.ts";
import type { Store } from "../../shared/state/store.ts";
import { newFolder } from "../local/folder.ts";
import { type Typed, type } from "./terminal.ts";

const doctor = (folder: string, ...flags: string[]): Promise<Typed> =>
  type({ home: folder, environment: { WINDLASS_DATA: folder } }, "doctor", ...flags);

async function open<T>(folder: string, run: (clusters: Clusters, tokens: Tokens) => Promise<T>): Promise<T> {
  const sqlite = openSqlite(folder, { pid: process.pid });
  const common = { clock: systemClock, ids: systemIds, logger: silentLogger, registry: createRegistry(builtinKinds) };
  const clusters = await Clusters.open({ ...common, ...sqlite });
  try {
    return await run(clusters, new Tokens({ ...common, cells: sqlite.cells, rootUid: installationUid, newSecret }));
  } finally {
    clusters.close();
    await sqlite.close();
  }
}

const spec = nodeKind.spec.parse({ address: "tcp://127.0.0.1:2375" });
const create = (store: Store | undefined, name: string) =>
  store?.update((tx) => tx.nodes.create({ apiVersion, kind: "Node", metadata: { name }, spec }), { actor: "me" });
const names = (store: Store | undefined) => store?.view((tx) => tx.nodes.find().map(({ metadata }) => metadata.name));

/** Three nodes, one of them changed, and one that was deleted. */
async function filled(): Promise<string> {
  const folder = join(await newFolder(), "data");
  await open(folder, async (clusters) => {
    const store = await clusters.resolve("default");
    for (const name of ["a", "b", "c", "gone"]) await create(store, name);
    await store?.update((tx) => tx.nodes.delete("gone"), { actor: "me" });
    const drained = { ...spec, availability: "drain" } as const;
    const changed = { apiVersion, kind: "Node", metadata: { name: "b" }, spec: drained };
    await store?.update((tx) => tx.nodes.update(changed), { actor: "me" });
  });
  return folder;
}

function breakIt(folder: string, sql: string): void {
  const database = new DatabaseSync(join(folder, "windlass.db"));
  database.exec(sql);
  database.close();
}

const cluster = "(SELECT life FROM objects WHERE key = 'nodes/a')";

describe("doctor", () => {
  test("a sound folder: nothing is wrong, and nothing is written", async () => {
    const folder = await filled();
    expect(await doctor(folder)).toEqual({ code: 0, out: "nothing is wrong\n", err: "" });
    expect(await doctor(folder, "--json")).toMatchObject({ code: 0, out: "[]\n" });
  });

  test.each([
    ["a row is missing", "DELETE FROM objects WHERE key = 'nodes/b'", /nodes\/b is missing/],
    [
      "a row differs",
      "UPDATE objects SET value = replace(value, 'drain', 'pause') WHERE key = 'nodes/b'",
      /nodes\/b differs from its entry/,
    ],
    ["a row is old", "UPDATE objects SET revision = revision - 1 WHERE key = 'nodes/b'", /nodes\/b is of revision/],
    [
      "a row was deleted",
      "UPDATE objects SET value = (SELECT value FROM objects WHERE key = 'nodes/a'), expires = NULL WHERE key = 'nodes/gone'",
      /nodes\/gone was deleted at revision/,
    ],
    [
      "a row comes from nowhere",
      "INSERT INTO objects (life, key, revision, value) SELECT life, 'nodes/x', revision, value FROM objects WHERE key = 'nodes/a'",
      /nodes\/x is of revision \d+, at which the log has nothing of it/,
    ],
    ["a marker is above the head", `UPDATE lives SET published = head + 5 WHERE number = ${cluster}`, /published is \d+, not/],
    [
      "a token is none",
      "INSERT INTO cells (life, key, version, value) SELECT number, 'token/x', 1, '{}' FROM lives WHERE uid = 'installation'",
      /does not hold a token/,
    ],
  ])("%s: said, mended, gone", async (_what, sql, problem) => {
    const folder = await filled();
    const before = await open(folder, async (clusters) => (await clusters.resolve("default"))?.save());
    breakIt(folder, sql);
    const found = await doctor(folder);
    expect(found).toMatchObject({ code: 1, out: expect.stringMatching(problem), err: "windlass: 1 problem found\n" });
    expect((await doctor(folder)).out).toBe(found.out);
    expect(await doctor(folder, "--fix")).toEqual({ code: 0, out: "nothing is wrong\n", err: "1 problem mended\n" });
    expect(await open(folder, async (clusters) => (await clusters.resolve("default"))?.save())).toEqual(before);
  });

  test("a state that is written while it is looked at: nothing is wrong", async () => {
    const folder = await filled();
    const sqlite = openSqlite(folder, { pid: process.pid });
    onTestFinished(() => sqlite.close());
    const common = { clock: systemClock, ids: systemIds, logger: silentLogger, registry: createRegistry(builtinKinds) };
    const clusters = await Clusters.open({ ...common, ...sqlite });
    onTestFinished(() => clusters.close());
    const store = await clusters.resolve("default");
    let isOver = false;
    const writer = (async () => {
      for (let count = 0; !isOver; count += 1) {
        await create(store, `n${count}`);
        if (count % 3 === 0) await store?.update((tx) => tx.nodes.delete(`n${count}`), { actor: "me" });
      }
    })();
    for (let looks = 0; looks < 30; looks += 1) expect(await checkInstallation(sqlite, async () => [])).toEqual([]);
    isOver = true;
    await writer;
  });

  test("a token of a cluster that is gone is swept", async () => {
    const folder = await filled();
    await open(folder, (_clusters, tokens) => tokens.create({ name: "old", role: "viewer", clusterUid: systemIds.uuid() }));
    expect((await doctor(folder)).out).toMatch(/the token of old is for a cluster that is gone/);
    expect(await doctor(folder, "--fix")).toMatchObject({ code: 0 });
  });

  test("a log with a hole, or an entry that can't be read, is not mended; new lives keep the objects", async () => {
    for (const sql of [
      `DELETE FROM log WHERE life = ${cluster} AND revision = (SELECT max(revision) - 2 FROM log WHERE life = ${cluster})`,
      `UPDATE log SET entry = x'00' WHERE life = ${cluster} AND revision = (SELECT max(revision) - 2 FROM log WHERE life = ${cluster})`,
    ]) {
      const folder = await filled();
      breakIt(folder, sql);
      expect((await doctor(folder)).out).toMatch(/the entry at revision \d+ (is missing|can't be read) +--restored/);
      expect(await doctor(folder, "--fix")).toMatchObject({ code: 1, err: expect.stringContaining("0 problems mended") });
      expect(await doctor(folder, "--restored")).toMatchObject({ code: 0 });
      expect((await open(folder, async (clusters) => names(await clusters.resolve("default"))))?.value).toEqual(["a", "b", "c"]);
    }
  });

  test("a folder in use, or without state, is left alone", async () => {
    const folder = await filled();
    await open(folder, async () => expect((await doctor(folder)).err).toContain(`in use by process ${process.pid}`));
    const empty = await newFolder();
    expect(await doctor(empty)).toMatchObject({ code: 1, err: expect.stringContaining("there is no state in it") });
    expect((await doctor(empty, "--fix", "--restored")).code).toBe(2);
  });
});

describe("doctor --restored", () => {
  test("every revision that was handed out after the backup lies below the new lives; objects and tokens are as they were", async () => {
    const folder = await filled();
    const backup = await newFolder();
    const text = await open(folder, async (clusters, tokens) => {
      const uid = (await clusters.resolve("default"))?.uid ?? "";
      return (await tokens.create({ name: "ci", role: "editor", clusterUid: uid })).text;
    });
    await cp(folder, backup, { recursive: true });
    const saved = await open(backup, async (clusters) => (await clusters.resolve("default"))?.save());
    // What the backup does not know of, and clients do.
    const lost = await open(folder, async (clusters) => {
      const store = await clusters.resolve("default");
      for (let count = 0; count < 200; count += 1) await create(store, `late-${count}`);
      return store?.revision ?? 0;
    });
    expect(await doctor(backup, "--restored")).toEqual({
      code: 0,
      out: "nothing is wrong\n",
      err: "new lives begun for the root and 1 cluster: clients list afresh\n",
    });
    await open(backup, async (clusters, tokens) => {
      const store = await clusters.resolve("default");
      const now = await store?.save();
      expect(store?.first).toBeGreaterThan(lost);
      const plain = (objects: NonNullable<typeof saved>["objects"] = []) =>
        objects.map(({ metadata: { resourceVersion: _, ...metadata }, ...object }) => ({ ...object, metadata }));
      expect(plain(now?.objects)).toEqual(plain(saved?.objects));
      await expect(store?.watchFrom({ revision: lost, place: 999 })).rejects.toThrow("can't be continued");
      expect(await tokens.verify(text)).toMatchObject({ name: "ci", clusterUid: store?.uid });
      await create(store, "goes-on");
    });
    expect(await doctor(backup)).toMatchObject({ code: 0 });
  });

  test("one that broke off before the root moved counts for nothing; after it, it is finished", async () => {
    const folder = await filled();
    const uid = await open(folder, async (clusters) => (await clusters.resolve("default"))?.uid ?? "");
    const root = await open(folder, async (clusters) => clusters.root.uid);
    const note = (to: string) =>
      `INSERT INTO cells (life, key, version, value) SELECT number, 'moved', 1, '${JSON.stringify({ [uid]: uid, former: to })}' FROM lives WHERE uid = 'installation'`;
    breakIt(folder, note("nobody"));
    expect(await doctor(folder)).toMatchObject({ code: 0 });
    breakIt(folder, `DELETE FROM cells WHERE key = 'moved'; ${note(root)}`);
    expect((await doctor(folder)).out).toContain("a move to new lives was not finished");
  });
});
