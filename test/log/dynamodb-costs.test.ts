/** What the DynamoDB adapters cost, in requests and capacity units, and what only this store has: expiry attributes. */
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { encodeEntry } from "../../shared/log/codec.ts";
import { DynamoCells } from "../../shared/log/dynamodb/cells.ts";
import { closeClients, type DynamoClients, openClients } from "../../shared/log/dynamodb/clients.ts";
import { DynamoLog } from "../../shared/log/dynamodb/log.ts";
import { DynamoObjects } from "../../shared/log/dynamodb/objects.ts";
import { cellKey, rowKey } from "../../shared/log/dynamodb/tables.ts";
import type { EncodedEntry } from "../../shared/log/ports.ts";
import { DynamoMeter, totalCost } from "../bench/dynamodb-units.ts";
import { localStack } from "../component.ts";
import { appendAll, createOf, entryAt, first, newUid, runOf } from "../conformance/ports.ts";
import { createTables, localConfig } from "../localstack/tables.ts";

const endpoint = await localStack();

describe.skipIf(endpoint === undefined)("costs on DynamoDB", () => {
  const meter = new DynamoMeter();
  let tables: Awaited<ReturnType<typeof createTables>>;
  let clients: DynamoClients;
  let log: DynamoLog;
  let objects: DynamoObjects;
  let cells: DynamoCells;

  beforeAll(async () => {
    tables = await createTables(endpoint ?? "");
    clients = openClients(localConfig(endpoint ?? ""));
    for (const client of [clients.single, clients.retrying]) meter.attach(client);
    log = new DynamoLog({ clients, table: tables.names.log, clock: systemClock });
    objects = new DynamoObjects({ clients, table: tables.names.objects, clock: systemClock });
    cells = new DynamoCells({ clients, table: tables.names.objects });
  });
  beforeEach(() => void meter.take());
  afterAll(async () => {
    closeClients(clients);
    await tables.drop();
    expect(meter.differences).toEqual([]);
  });

  const rawItem = async (uid: string, key: string) => {
    const get = new GetItemCommand({
      TableName: tables.names.objects,
      Key: { c: { S: uid }, k: { S: key } },
      ConsistentRead: true,
    });
    return (await clients.single.send(get)).Item;
  };

  it("a commit is one request and one write unit: at the most that is stored plain, and compressed above it", async () => {
    const plain = entryOfBytes(log.compressAboveBytes);
    const packed = entryOfBytes(log.compressAboveBytes + 1);
    expect([plain.bytes[0], packed.bytes[0]]).toEqual([1, 2]);
    for (const entry of [plain, packed]) {
      expect(await log.append(newUid(), [entry])).toEqual({ kind: "committed" });
      expect(meter.take()).toEqual({ PutItem: { requests: 1, readUnits: 0, writeUnits: 1 } });
    }
  });

  it("a commit of many objects is one request, and a write unit a compressed kilobyte", async () => {
    const changes = Array.from({ length: 100 }, (_, n) =>
      createOf(`nodes/${n}`, { spec: { address: `10.0.0.${n}`, role: "worker" } }),
    );
    const entry = encodeEntry(entryAt(first, changes), log.compressAboveBytes);
    await log.append(newUid(), [entry]);
    expect(meter.take()).toEqual({
      PutItem: { requests: 1, readUnits: 0, writeUnits: Math.ceil((entry.bytes.length + 50) / 1024) },
    });
  });

  it("a conflict is one request and brings the winner: no read follows", async () => {
    const uid = newUid();
    await log.append(uid, runOf(log, first, 1));
    meter.take();
    expect(await log.append(uid, runOf(log, first, 1))).toMatchObject({
      kind: "conflict",
      entry: { entry: { revision: first } },
    });
    expect(meter.take()).toEqual({ PutItem: { requests: 1, readUnits: 0, writeUnits: 1 } });
  });

  it("a read at the head is one request and one read unit, half a one when eventually consistent", async () => {
    const uid = newUid();
    await log.append(uid, runOf(log, first, 1));
    meter.take();
    await log.read(uid, { after: first, limit: 1_000, consistent: true });
    expect(meter.take()).toEqual({ Query: { requests: 1, readUnits: 1, writeUnits: 0 } });
    await log.read(uid, { after: first, limit: 1_000, consistent: false });
    expect(meter.take()).toEqual({ Query: { requests: 1, readUnits: 0.5, writeUnits: 0 } });
  });

  it("a read of a few entries is one request and a read unit for four kilobytes of them", async () => {
    const uid = newUid();
    await appendAll(log, uid, runOf(log, first, 20));
    meter.take();
    await log.read(uid, { after: first - 1, limit: 1_000, consistent: true });
    expect(meter.take()).toEqual({ Query: { requests: 1, readUnits: 2, writeUnits: 0 } });
  });

  it("a strip of 25 entries is one request, a unit an entry", async () => {
    const uid = newUid();
    await appendAll(log, uid, runOf(log, first, 26));
    meter.take();
    await log.strip(uid, { after: first - 1, upTo: first + 24 });
    expect(meter.take()).toEqual({ BatchWriteItem: { requests: 1, readUnits: 0, writeUnits: 25 } });
    await log.strip(uid, { after: first - 1, upTo: first + 25 });
    expect(meter.take()["BatchWriteItem"]?.requests).toBe(2);
  });

  it("a row is one request and one write unit, written, late or deleted", async () => {
    const uid = newUid();
    for (const revision of [first + 1, first]) {
      await objects.apply(uid, [{ action: "create", key: "nodes/a", revision, value: { text: "x".repeat(600) } }], Date.now());
      expect(totalCost(meter.take())).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    }
    await objects.apply(uid, [{ action: "delete", key: "nodes/a", revision: first + 2 }], Date.now());
    expect(totalCost(meter.take())).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
  });

  it("a page of rows is one request", async () => {
    const uid = newUid();
    const rows = Array.from({ length: 50 }, (_, n) => ({
      action: "create" as const,
      key: `nodes/${n}`,
      revision: first + n,
      value: { n },
    }));
    await objects.apply(uid, rows, Date.now());
    meter.take();
    expect((await objects.page(uid, { prefix: "nodes/", limit: 100 })).rows).toHaveLength(50);
    expect(meter.take()).toEqual({ Query: { requests: 1, readUnits: 1, writeUnits: 0 } });
  });

  it("a tombstone may go a day after the delete, a second later at the most; a row never", async () => {
    const uid = newUid();
    const now = Date.now();
    await objects.apply(uid, [{ action: "delete", key: "a", revision: first }], now);
    expect((await rawItem(uid, rowKey("a")))?.["t"]).toEqual({ N: String(Math.ceil(now / 1000) + 24 * 3600) });
    await objects.apply(uid, [{ action: "create", key: "a", revision: first + 1, value: {} }], now);
    expect((await rawItem(uid, rowKey("a")))?.["t"]).toBeUndefined();
  });

  it("a cell may go an hour after its expiry; one put again without expiry never", async () => {
    const uid = newUid();
    const expires = Date.now() + 60_001;
    await cells.put(uid, { key: "a", value: {}, expires, when: "absent" });
    expect((await rawItem(uid, cellKey("a")))?.["t"]).toEqual({ N: String(Math.ceil(expires / 1000) + 3600) });
    await cells.put(uid, { key: "a", value: {}, expires: expires + 1_000, when: { version: 1 } });
    expect((await rawItem(uid, cellKey("a")))?.["t"]).toEqual({ N: String(Math.ceil(expires / 1000) + 3601) });
    await cells.put(uid, { key: "a", value: {}, when: { version: 2 } });
    const forEver = await rawItem(uid, cellKey("a"));
    expect([forEver?.["e"], forEver?.["t"]]).toEqual([undefined, undefined]);
  });

  it("a cell is one request and one write unit, taken or lost", async () => {
    const uid = newUid();
    for (const when of ["absent", "absent", { version: 1 }, { version: 1 }] as const) {
      await cells.put(uid, { key: "a", value: { owner: "x" }, when });
      expect(totalCost(meter.take())).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
    }
  });

  /** One change, filled up until its JSON has exactly `bytes` bytes. */
  function entryOfBytes(bytes: number): EncodedEntry {
    const entry = (fill: number) => entryAt(first, [createOf("nodes/a", { fill: "x".repeat(fill) })]);
    const empty = encodeEntry(entry(0), bytes).bytes.length - 1;
    return encodeEntry(entry(bytes - empty), log.compressAboveBytes);
  }
});
