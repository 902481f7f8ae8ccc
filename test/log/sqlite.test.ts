/** The adapter on SQLite keeps the contract of the ports. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "../../shared/log/sqlite/open.ts";
import { cellsConformance } from "../conformance/cells.ts";
import { logConformance } from "../conformance/log.ts";
import { objectsConformance } from "../conformance/objects.ts";
import type { OpenedPorts } from "../conformance/ports.ts";

async function open(): Promise<OpenedPorts> {
  const folder = await mkdtemp(join(tmpdir(), "windlass-"));
  const { log, objects, cells, close } = openSqlite(folder, { pid: process.pid });
  const closeAndRemove = async () => {
    await close();
    await rm(folder, { recursive: true });
  };
  return { log, objects, cells, close: closeAndRemove };
}

logConformance("sqlite", open);
objectsConformance("sqlite", open);
cellsConformance("sqlite", open);
