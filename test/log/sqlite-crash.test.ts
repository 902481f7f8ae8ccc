/**
 * What was acknowledged is on the disk: a process that writes is killed, or runs out of disk, at any moment; whoever opens the
 * folder next finds every acknowledged entry, no hole, and rows that are what the log comes to.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fold } from "../../shared/log/fold.ts";
import type { Row } from "../../shared/log/ports.ts";
import { openSqlite, type SqliteStore } from "../../shared/log/sqlite/open.ts";
import { byBytes, first, readAll } from "../conformance/ports.ts";

const writer = fileURLToPath(import.meta.resolve("./sqlite-writer.ts"));
const uids = ["life", "life/2"];
type Line = { readonly kind: string; readonly uid: string; readonly revision: number; readonly id: string };

describe("sqlite, crashes", () => {
  let folder: string;
  let child: ChildProcess | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "windlass-"));
  });
  afterEach(async () => {
    child?.kill("SIGKILL");
    await rm(folder, { recursive: true });
  });

  it("kill -9 in the middle of writing loses nothing that was acknowledged, time after time", async () => {
    const acknowledged: Line[] = [];
    for (const lines of [1, 3, 40, 300, 1_500, 4_000]) {
      child = spawn(process.execPath, [writer, folder], { stdio: ["ignore", "pipe", "inherit"] });
      acknowledged.push(...(await linesOf(child, lines)));
      await expectWhole(folder, acknowledged);
    }
    expect(acknowledged.every(({ kind }) => kind === "ok")).toBe(true);
  });

  it("a full disk fails appends as refused or unknown, never the whole store; what was acknowledged stays", async () => {
    // Files of this process and its children end at 4 MB: what a full disk is to SQLite.
    const limited = `ulimit -f ${(4 * 1024 * 1024) / 512}; exec "$@"`;
    child = spawn("/bin/sh", ["-c", limited, "sh", process.execPath, writer, folder, "3000"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = await linesOf(child, Number.POSITIVE_INFINITY);
    const failures = lines.filter(({ kind }) => kind !== "ok");
    expect(failures.length).toBeGreaterThan(0);
    for (const { kind } of failures) expect(["refused", "unknown"]).toContain(kind);
    const ids = await expectWhole(
      folder,
      lines.filter(({ kind }) => kind === "ok"),
    );
    for (const { kind, id } of failures) if (kind === "refused") expect(ids.has(id)).toBe(false);
  });
});

/** What `child` printed, up to its end; it is killed when it has printed `killAfter` lines. */
async function linesOf(child: ChildProcess, killAfter: number): Promise<Line[]> {
  const closed = once(child, "close");
  const lines: Line[] = [];
  if (child.stdout === null) throw new Error("the child has no output");
  for await (const line of createInterface({ input: child.stdout })) {
    const parts = /^(\w+) (\S+) (\d+) (\S{36})$/.exec(line);
    // The last line may be cut off by the kill.
    if (parts === null) continue;
    const [, kind = "", uid = "", revision, id = ""] = parts;
    lines.push({ kind, uid, revision: Number(revision), id });
    if (lines.length === killAfter) child.kill("SIGKILL");
  }
  await closed;
  return lines;
}

/** Opens the folder as the next process would; the ids of all entries. */
async function expectWhole(folder: string, acknowledged: readonly Line[]): Promise<Set<string>> {
  const store = openSqlite(folder, { pid: process.pid });
  const ids = new Set<string>();
  try {
    for (const uid of uids) for (const id of await expectLifeWhole(store, uid, acknowledged)) ids.add(id);
  } finally {
    await store.close();
  }
  return ids;
}

async function expectLifeWhole({ log, objects }: SqliteStore, uid: string, acknowledged: readonly Line[]): Promise<string[]> {
  const entries = (await readAll(log, uid, first - 1)).map(({ entry }) => entry);
  expect(entries.map(({ revision }) => revision)).toEqual(entries.map((_, place) => first + place));
  const own = acknowledged.filter((line) => line.uid === uid);
  expect(own.map(({ revision }) => entries[revision - first]?.id)).toEqual(own.map(({ id }) => id));
  const ids = entries.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);

  const rows = fold(entries).flatMap((write): Row[] =>
    write.action === "delete" ? [] : [{ key: write.key, revision: write.revision, value: write.value }],
  );
  const page = await objects.page(uid, { prefix: "", limit: 1_000 });
  expect(page.rows).toEqual(rows.sort((a, b) => byBytes(a.key, b.key)));
  if (entries.length > 0) expect((await objects.markers(uid))?.applied).toBe(first - 1 + entries.length);
  return ids;
}
