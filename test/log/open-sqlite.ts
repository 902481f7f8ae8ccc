/** The SQLite adapter on a temporary folder that goes with it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "../../shared/log/sqlite/open.ts";
import type { OpenedPorts } from "../conformance/ports.ts";

export async function openTemporarySqlite(): Promise<OpenedPorts> {
  const folder = await mkdtemp(join(tmpdir(), "windlass-"));
  const { log, objects, cells, close } = openSqlite(folder, { pid: process.pid });
  const closeAndRemove = async () => {
    await close();
    await rm(folder, { recursive: true });
  };
  return { log, objects, cells, close: closeAndRemove };
}
