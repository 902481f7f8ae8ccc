/**
 * A process that writes to a data folder until it is killed, or until a write fails: several writers a life, more than one life.
 * It prints `ok <uid> <revision> <id>` for what was acknowledged, and `<kind> <uid> <revision> <id>` for the first that was not.
 */
import { randomUUID } from "node:crypto";
import { deepFreeze } from "../../shared/base/json.ts";
import { encodeEntry } from "../../shared/log/codec.ts";
import type { Change, Log, Row } from "../../shared/log/ports.ts";
import { openSqlite } from "../../shared/log/sqlite/open.ts";

const first = 1_790_000_000_000;
const [folder = "", padBytes = "0"] = process.argv.slice(2);
const { log, objects, close } = openSqlite(folder, { pid: process.pid });
let failed = false;

await Promise.all(["life", "life/2"].flatMap((uid) => ["a", "b", "c", "d"].map((name) => writeAll(uid, name))));
await close();

async function writeAll(uid: string, name: string): Promise<void> {
  await objects.begin(uid, first);
  const { rows } = await objects.page(uid, { prefix: `${name}/`, limit: 100 });
  const there = new Map<string, Row["value"]>(rows.map(({ key, value }) => [key, value]));
  for (let turn = 0; !failed; turn++) {
    const changes = [0, 1].map((place) => nextChange(there, `${name}/${(turn + place * 7) % 20}`, turn));
    await appendAtHead(log, uid, changes);
    for (const change of changes) {
      if (change.action === "delete") there.delete(change.key);
      else there.set(change.key, change.value);
    }
  }
}

/** A key is created, updated twice and deleted, in turns. */
function nextChange(there: ReadonlyMap<string, Row["value"]>, key: string, turn: number): Change {
  const previous = there.get(key);
  const value = deepFreeze({ turn, pad: "x".repeat(Number(padBytes)) });
  if (previous === undefined) return { action: "create", key, value };
  return turn % 3 === 0 ? { action: "delete", key, previous } : { action: "update", key, value, previous };
}

async function appendAtHead(log: Log, uid: string, changes: readonly Change[]): Promise<void> {
  const id = randomUUID();
  for (let revision = (log.head(uid) ?? first - 1) + 1; !failed; revision++) {
    const entry = deepFreeze({ revision, id, time: Date.now(), actor: "writer", changes });
    const { kind } = await log.append(uid, [encodeEntry(entry, log.compressAboveBytes)]);
    if (kind === "conflict") continue;
    process.stdout.write(`${kind === "committed" ? "ok" : kind} ${uid} ${revision} ${id}\n`);
    if (kind === "committed") return;
    failed = true;
  }
}
