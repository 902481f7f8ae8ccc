/**
 * Durable commits of one object on SQLite, beside the bare floor in the same rounds: the same bytes, in as large groups, by bare
 * SQLite with one fsync a group.
 */
import assert from "node:assert";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { jsonText } from "../../../shared/base/json.ts";
import { openSqlite } from "../../../shared/log/sqlite/open.ts";
import type { Store } from "../../../shared/state/store.ts";
import { measure, median, medianRatio, type Timed, type Timing } from "../measure.ts";
import { type Context, type Group, type Row, range, timeBar, whole } from "../report.ts";
import { beginStore, byBench, createNodes, first, nodeName, nodeOf, type Ports } from "./open.ts";

type Act = "update" | "create";
type Case = { readonly name: string; readonly act: Act; readonly writers: number; readonly barPerSecond?: number };

const cases: readonly Case[] = (["update", "create"] as const).flatMap((act): Case[] => [
  { name: `${act}, 1 writer`, act, writers: 1, barPerSecond: 2_500 },
  { name: `${act}, 64 writers`, act, writers: 64, barPerSecond: 20_000 },
  { name: `${act}, 256 writers`, act, writers: 256 },
]);

const nodes = 1_000;
const annotationBytes = 256;
const perSecond = (us: number): number => 1_000_000 / us;

export const durableGroup: Group = {
  title: "durable commits of one object, SQLite",
  workloads: cases.map(({ name }) => name),
  async run(wanted, context) {
    const chosen = cases.filter(({ name }) => wanted.has(name));
    const ports = openSqlite(join(context.folder, `store-${randomUUID()}`), { pid: process.pid });
    const floor = openFloor(join(context.folder, `floor-${randomUUID()}.db`));
    try {
      const store = await beginStore(ports);
      await createNodes(store, nodes);
      await store.view((transaction) => transaction.nodes.find());
      const sample = await sampleOf(ports, store);
      const timed = chosen.flatMap((one) => {
        const operations = operationsOf(one, context);
        return [storeWorkload(store, one, operations), floorWorkload(floor, { ...one, ...sample, operations })];
      });
      const timings = await measure(timed, context);
      store.close();
      return {
        title: this.title,
        columns: ["commits a second", "all rounds", "bare SQLite", "of that"],
        rows: chosen.map((one, index) => row(one, timings[2 * index] ?? [], timings[2 * index + 1] ?? [])),
        notes: [
          `Writers wait for their commit before the next: an annotation of ${annotationBytes} bytes on one of ${whole(nodes)} nodes, or a node with it. Bare SQLite: an entry of ${sample.entry.length} bytes inserted and a row of ${sample.row.length} replaced for each, as many in a transaction as there are writers; WAL, synchronous=FULL.`,
        ],
      };
    } finally {
      floor.close();
      await ports.close();
    }
  },
};

function operationsOf({ writers }: Case, { quick }: Context): number {
  if (quick) return 2 * writers;
  return writers === 1 ? 3_000 : 20_480;
}

function storeWorkload(store: Store, { name, act, writers }: Case, operations: number): Timed {
  let count = 0;
  const prefix = `created-${writers}`;
  const commit = (): Promise<unknown> => {
    count += 1;
    const annotations = { text: String(count).padEnd(annotationBytes, "x") };
    const created = act === "create" ? nodeOf(nodeName(count).replace("node", prefix), { annotations }) : undefined;
    const updated = nodeOf(nodeName(count % nodes), { annotations });
    return store.update(({ nodes: table }) => (created ? table.create(created) : table.update(updated)), byBench);
  };
  const writer = async (): Promise<void> => {
    for (let done = 0; done < operations / writers; done += 1) await commit();
  };
  return {
    name,
    operations,
    run: async () => {
      await Promise.all(Array.from({ length: writers }, writer));
    },
  };
}

type Sample = { readonly entry: Uint8Array; readonly row: string };

/** What one such commit stores. */
async function sampleOf(ports: Ports, store: Store): Promise<Sample> {
  const annotations = { text: "x".repeat(annotationBytes) };
  const { value, revision } = await store.update(
    (transaction) => transaction.nodes.update(nodeOf(nodeName(0), { annotations })),
    byBench,
  );
  assert(revision > first);
  const tail = await ports.log.read(store.uid, { after: revision - 1, limit: 1, consistent: true });
  const encoded = tail.kind === "entries" ? tail.entries[0] : undefined;
  assert(encoded !== undefined, "what was committed can be read");
  return { entry: encoded.bytes, row: jsonText(value) };
}

function openFloor(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 2000;
    CREATE TABLE log (revision INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;
    CREATE TABLE objects (key TEXT NOT NULL, value TEXT NOT NULL) STRICT;
    CREATE UNIQUE INDEX objects_by_key ON objects (key);
  `);
  return database;
}

type FloorCase = Case & Sample & { readonly operations: number };

function floorWorkload(database: DatabaseSync, { name, act, writers, operations, entry, row: text }: FloorCase): Timed {
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const insert = database.prepare("INSERT INTO log (entry) VALUES (?)");
  const replace = database.prepare(
    "INSERT INTO objects (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  let count = 0;
  return {
    name: `${name}, bare`,
    operations,
    run: () => {
      for (let done = 0; done < operations; done += writers) {
        begin.run();
        for (let writer = 0; writer < writers; writer += 1) {
          count += 1;
          insert.run(entry);
          replace.run(act === "create" ? `created-${writers}-${count}` : nodeName(count % nodes), text);
        }
        commit.run();
      }
    },
  };
}

function row({ name, barPerSecond }: Case, rounds: Timing, floor: Timing): Row {
  const rate = perSecond(median(rounds));
  const floorRate = perSecond(median(floor));
  const share = medianRatio(floor, rounds);
  return {
    workload: name,
    cells: [whole(rate), range(rounds.map(perSecond), whole), whole(floorRate), `${Math.round(share * 100)} %`],
    figures: { commitsPerSecond: rate, floorPerSecond: floorRate, shareOfFloor: share },
    bars: barPerSecond === undefined ? [] : [timeBar(`at least ${whole(barPerSecond)} a second`, rate >= barPerSecond)],
  };
}
