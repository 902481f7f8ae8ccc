/** A data folder is used by one process, and only if everything in it is ours, known and sound; else it stays as it is. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataFolderError, type FolderProblem } from "../../shared/log/sqlite/errors.ts";
import { openFolder } from "../../shared/log/sqlite/folder.ts";
import { openSqlite } from "../../shared/log/sqlite/open.ts";
import { first, readAll, runOf } from "../conformance/ports.ts";

const writer = fileURLToPath(import.meta.resolve("./sqlite-writer.ts"));
const pid = process.pid;

describe("sqlite, data folder", () => {
  let base: string;
  let folder: string;
  let child: ChildProcess | undefined;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "windlass-"));
    folder = join(base, "data");
  });
  afterEach(() => {
    child?.kill("SIGKILL");
    rmSync(base, { recursive: true });
  });

  it("open: makes the folder and its files for their owner alone", async () => {
    const store = openSqlite(folder, { pid });
    await fill(store);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const files = readdirSync(folder);
    expect(files).toContain("windlass.db-wal");
    expect(files.map((name) => [name, statSync(join(folder, name)).mode & 0o777])).toEqual(files.map((name) => [name, 0o600]));
    await store.close();
    expect(readdirSync(folder).sort()).toEqual(["windlass.db", "windlass.lock"]);
  });

  it("open: what was written before is there, whether the folder was closed or not", async () => {
    const store = openSqlite(folder, { pid });
    await fill(store);
    const abandoned = join(base, "abandoned");
    cpSync(folder, abandoned, { recursive: true });
    await store.close();
    for (const path of [folder, abandoned]) {
      const again = openSqlite(path, { pid });
      expect(await readAll(again.log, "life", first - 1)).toHaveLength(200);
      expect(again.log.head("life")).toBe(first + 199);
      expect((await again.objects.markers("life"))?.applied).toBe(first + 199);
      await again.close();
    }
  });

  it("open: commits are synced before they are answered, and nobody else can open the file", () => {
    const { database, lock } = openFolder(folder, pid);
    const pragma = (name: string) => database.prepare(`PRAGMA ${name}`).get()?.[name];
    // 2 is FULL.
    expect([pragma("synchronous"), pragma("journal_mode"), pragma("locking_mode")]).toEqual([2, "wal", "exclusive"]);
    database.close();
    lock.release();
  });

  it("open: a draft that a crash left behind is made anew", async () => {
    const store = openSqlite(folder, { pid });
    await store.close();
    rmSync(join(folder, "windlass.db"));
    writeFileSync(join(folder, "windlass.db.new"), "half a dra");
    await openSqlite(folder, { pid }).close();
    expect(readdirSync(folder).sort()).toEqual(["windlass.db", "windlass.lock"]);
  });

  it("lock: a second open in the process that has it is refused and takes nothing from the first", async () => {
    const store = openSqlite(folder, { pid });
    expect(refusal(folder)).toMatchObject({ problem: "locked", pid });
    const { status, stderr } = spawnSync(process.execPath, [writer, folder], { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toContain(`data folder ${folder}: in use by process ${pid}`);
    await store.close();
    await openSqlite(folder, { pid }).close();
  });

  it("lock: goes with the process that held it, also by kill -9", async () => {
    child = spawn(process.execPath, [writer, folder], { stdio: ["ignore", "pipe", "inherit"] });
    if (child.stdout === null) throw new Error("the child has no output");
    await once(child.stdout, "data");
    child.stdout.resume();
    expect(refusal(folder)).toMatchObject({
      problem: "locked",
      pid: child.pid,
      message: `data folder ${folder}: in use by process ${child.pid}`,
    });
    child.kill("SIGKILL");
    await once(child, "close");
    expect(existsSync(join(folder, "windlass.pid"))).toBe(true);
    await openSqlite(folder, { pid }).close();
  });

  const database = () => join(folder, "windlass.db");
  const refused: readonly {
    readonly fact: string;
    readonly problem: FolderProblem;
    readonly make: () => Promise<void> | void;
  }[] = [
    {
      fact: "a file that is not SQLite",
      problem: "foreign",
      make: () => writeFileSync(database(), "a letter to my aunt\n".repeat(100)),
    },
    { fact: "an empty file", problem: "foreign", make: () => writeFileSync(database(), "") },
    {
      fact: "a folder of that name",
      problem: "foreign",
      make: () => {
        rmSync(database());
        mkdirSync(database());
      },
    },
    { fact: "a file cut off in its first bytes", problem: "foreign", make: () => truncateSync(database(), 50) },
    {
      fact: "a database of another application",
      problem: "foreign",
      make: () => {
        rmSync(database());
        execute(database(), "CREATE TABLE bookmarks (url TEXT)");
      },
    },
    {
      fact: "a database of another application with a write-ahead log",
      problem: "foreign",
      make: () => {
        rmSync(database());
        const other = new DatabaseSync(join(base, "other"));
        other.exec("PRAGMA application_id = 7; PRAGMA journal_mode = WAL; CREATE TABLE bookmarks (url TEXT)");
        for (const suffix of ["", "-wal"]) cpSync(join(base, `other${suffix}`), `${database()}${suffix}`);
        other.close();
      },
    },
    { fact: "a version newer than this program's", problem: "newer", make: () => execute(database(), "PRAGMA user_version = 3") },
    {
      fact: "a version before the first release's",
      problem: "damaged",
      make: () => execute(database(), "PRAGMA user_version = 0"),
    },
    { fact: "other tables than ours", problem: "damaged", make: () => execute(database(), "CREATE TABLE bookmarks (url TEXT)") },
    {
      fact: "a database cut off in the middle",
      problem: "damaged",
      make: () => truncateSync(database(), statSync(database()).size / 2),
    },
    { fact: "pages written over", problem: "damaged", make: () => overwritePages(database()) },
    {
      fact: "pages written over, with a write-ahead log beside them",
      problem: "damaged",
      make: async () => {
        const store = openSqlite(folder, { pid });
        await store.log.append("life", runOf(store.log, first + 200, 1));
        const copy = join(base, "copy");
        cpSync(folder, copy, { recursive: true });
        await store.close();
        rmSync(folder, { recursive: true });
        cpSync(copy, folder, { recursive: true });
        rmSync(join(folder, "windlass.pid"));
        overwritePages(database());
      },
    },
    {
      fact: "a log without its end",
      problem: "damaged",
      make: () => execute(database(), "DELETE FROM log WHERE revision > 1790000000100"),
    },
    {
      fact: "a write-ahead log without its database",
      problem: "damaged",
      make: () => {
        rmSync(database());
        writeFileSync(`${database()}-wal`, "frames");
      },
    },
    {
      fact: "a lock file with something in it",
      problem: "foreign",
      make: () => writeFileSync(join(folder, "windlass.lock"), "locked by aunt"),
    },
  ];
  it.each(refused)("open: $fact is refused as $problem, and no byte is changed", async ({ problem, make }) => {
    const store = openSqlite(folder, { pid });
    await fill(store);
    await store.close();
    await make();
    const before = contentOf(folder);
    for (let time = 0; time < 2; time++) {
      const error = refusal(folder);
      expect(error).toMatchObject({ problem, folder });
      expect(error.message).toContain(`data folder ${folder}: `);
      expect(contentOf(folder)).toEqual(before);
    }
  });

  it("open: a folder that can't be made or written is refused as unwritable", () => {
    writeFileSync(join(base, "file"), "");
    expect(refusal(join(base, "file"))).toMatchObject({ problem: "unwritable" });
    expect(refusal(join(base, "file", "data"))).toMatchObject({ problem: "unwritable" });
    expect(refusal("/proc/windlass")).toMatchObject({ problem: "unwritable" });
  });
});

function refusal(folder: string): DataFolderError {
  try {
    openSqlite(folder, { pid });
  } catch (error) {
    if (error instanceof DataFolderError) return error;
    throw error;
  }
  throw new Error(`${folder} was opened`);
}

async function fill({ log, objects }: ReturnType<typeof openSqlite>): Promise<void> {
  await objects.begin("life", first);
  expect(await log.append("life", runOf(log, first, 200))).toEqual({ kind: "committed" });
}

function execute(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

/** All but the first page, which alone tells whose file it is. */
function overwritePages(file: string): void {
  const descriptor = openSync(file, "r+");
  for (let at = 4096; at < statSync(file).size; at += 4096) writeSync(descriptor, Buffer.alloc(64, 0xa5), 0, 64, at);
  closeSync(descriptor);
}

/** Of every file but those that say who has the folder open. */
function contentOf(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile() && name !== "windlass.pid");
  return Object.fromEntries(
    names.map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  );
}
