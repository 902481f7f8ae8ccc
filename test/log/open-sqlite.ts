/** The SQLite adapter on a temporary folder that goes with it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "../../shared/log/sqlite/open.ts";
import { openSqliteThreaded } from "../../shared/log/sqlite/threaded.ts";
import type { OpenedPorts } from "../conformance/ports.ts";

export const openTemporarySqlite = (): Promise<OpenedPorts> => open(async (folder) => openSqlite(folder, { pid: process.pid }));
/** With its writes in a thread of their own. */
export const openTemporaryThreadedSqlite = (): Promise<OpenedPorts> =>
  open((folder) => openSqliteThreaded(folder, { pid: process.pid }));

async function open(openAt: (folder: string) => Promise<OpenedPorts>): Promise<OpenedPorts> {
  const folder = await mkdtemp(join(tmpdir(), "windlass-"));
  const { log, objects, cells, close } = await openAt(folder);
  const closeAndRemove = async () => {
    await close();
    await rm(folder, { recursive: true });
  };
  return { log, objects, cells, close: closeAndRemove };
}
