/** What the DynamoDB adapters make of failures and uneven answers, against a scripted server: LocalStack does not fail on demand. */
import { describe, expect, it } from "vitest";
import type { Clock } from "../../shared/base/clock.ts";
import { encodeEntry } from "../../shared/log/codec.ts";
import { DynamoCells } from "../../shared/log/dynamodb/cells.ts";
import { closeClients, type DynamoClients, openClients } from "../../shared/log/dynamodb/clients.ts";
import { DynamoLog } from "../../shared/log/dynamodb/log.ts";
import { DynamoObjects } from "../../shared/log/dynamodb/objects.ts";
import type { EncodedEntry, RowWrite } from "../../shared/log/ports.ts";
import { entryAt, first, newUid, plainTail } from "../conformance/ports.ts";
import { localConfig } from "../localstack/tables.ts";
import { failure, type ScriptedReply, type ScriptedRequest, scriptedDynamo, success } from "./scripted-dynamodb.ts";

const table = "Table";
const uid = newUid();
const after = first - 1;
/** Short where a hanging server is waited for; else no answer comes so late. */
const timeouts = { hanging: 150, answering: 30_000 } as const;

type World = {
  readonly log: DynamoLog;
  readonly objects: DynamoObjects;
  readonly cells: DynamoCells;
  readonly requests: readonly ScriptedRequest[];
  readonly slept: readonly number[];
};

async function withReplies<T>(replies: readonly ScriptedReply[], test: (world: World) => Promise<T>): Promise<T> {
  await using server = await scriptedDynamo(replies);
  const slept: number[] = [];
  const clock: Clock = { now: () => 0, monotonic: () => 0, sleep: async (ms) => void slept.push(ms) };
  const clients = clientsFor(server.endpoint, replies.includes("hang") ? timeouts.hanging : timeouts.answering);
  try {
    const ports = { clients, table, clock };
    const log = new DynamoLog(ports);
    return await test({
      log,
      objects: new DynamoObjects(ports),
      cells: new DynamoCells(ports),
      requests: server.requests,
      slept,
    });
  } finally {
    closeClients(clients);
  }
}

const clientsFor = (endpoint: string, requestTimeout: number): DynamoClients =>
  openClients({ ...localConfig(endpoint), requestHandler: { requestTimeout, throwOnRequestTimeout: true } });

const entry = (place = 0): EncodedEntry => encodeEntry(entryAt(first + place), 900);
/** The item of `encoded` as DynamoDB's JSON has it; without it a stub. */
const item = (place: number, encoded?: EncodedEntry) => ({
  c: { S: uid },
  r: { N: String(first + place) },
  ...(encoded && { b: { B: Buffer.from(encoded.bytes).toString("base64") } }),
});
const queried = (...items: readonly object[]): ScriptedReply => success({ Items: items });
const conditionFailed = (there?: object): ScriptedReply =>
  failure(400, "ConditionalCheckFailedException", there && { Item: there });

describe("append on DynamoDB", () => {
  const cases: readonly (readonly [string, ScriptedReply, string])[] = [
    ["a throttled put", failure(400, "ThrottlingException"), "refused"],
    ["a put above the table's throughput", failure(400, "ProvisionedThroughputExceededException"), "refused"],
    ["a put above the account's request rate", failure(400, "RequestLimitExceeded"), "refused"],
    ["an invalid put", failure(400, "ValidationException"), "refused"],
    ["a put without permission", failure(400, "AccessDeniedException"), "refused"],
    ["a put into no table", failure(400, "ResourceNotFoundException"), "refused"],
    ["a put that did not arrive whole", failure(408, "RequestTimeout"), "unknown"],
    ["an internal error", failure(500, "InternalServerError"), "unknown"],
    ["an unavailable service", failure(503, "ServiceUnavailable"), "unknown"],
    ["a connection that broke", "reset", "unknown"],
    ["no answer in time", "hang", "unknown"],
    ["a failed condition without the item", conditionFailed(), "unknown"],
    ["an item there that is no entry", conditionFailed({ ...item(0), b: { B: "/w==" } }), "refused"],
  ];
  it.each(cases)("%s: one try, and the answer says what is known", (_name, reply, kind) =>
    withReplies([reply], async ({ log, requests }) => {
      expect(await log.append(uid, [entry()])).toMatchObject({ kind, cause: expect.any(Error) });
      expect(requests.map(({ operation }) => operation)).toEqual(["PutItem"]);
    }),
  );

  it("nobody listens: certainly nothing was written", async () => {
    const { endpoint } = await withClosedServer();
    const clients = clientsFor(endpoint, timeouts.answering);
    const log = new DynamoLog({ clients, table, clock: {} as Clock });
    expect(await log.append(uid, [entry()])).toMatchObject({ kind: "refused" });
    closeClients(clients);
  });

  it("a stub at the revision is a conflict without an entry", () =>
    withReplies([conditionFailed(item(0))], async ({ log }) => {
      expect(await log.append(uid, [entry()])).toEqual({ kind: "conflict", entry: undefined });
    }));
});

describe("read on DynamoDB", () => {
  const options = { after, limit: 10, consistent: true };

  it("an answer with a gap is cut there and is not the end", () =>
    withReplies([queried(item(0, entry(0)), item(2, entry(2)))], async ({ log }) => {
      expect(await log.read(uid, options)).toMatchObject({
        kind: "entries",
        end: false,
        entries: [{ entry: { revision: first } }],
      });
    }));

  it("an answer with a stub behind entries is cut there and is not the end", () =>
    withReplies([queried(item(0, entry(0)), item(1))], async ({ log }) => {
      expect(await log.read(uid, options)).toMatchObject({
        kind: "entries",
        end: false,
        entries: [{ entry: { revision: first } }],
      });
    }));

  it.each([true, false])(
    "an answer without the first entry is read again, consistently (asked for consistency: %s)",
    (consistent) => {
      const [one, two] = [entry(0), entry(1)];
      return withReplies([queried(item(1, two)), queried(item(0, one), item(1, two))], async ({ log, requests }) => {
        expect(plainTail(await log.read(uid, { ...options, consistent }))).toEqual(
          plainTail({ kind: "entries", entries: [one, two], end: true }),
        );
        expect(requests.map(({ input }) => input["ConsistentRead"])).toEqual([consistent, true]);
      });
    },
  );

  it("what is missing in a second, consistent answer lies before the log's first entry: trimmed", () =>
    withReplies([queried(item(1, entry(1))), queried(item(1, entry(1)))], async ({ log }) => {
      expect(await log.read(uid, options)).toEqual({ kind: "trimmed" });
    }));

  it("an empty page that is not the last is followed, so that no answer is empty before the end", () =>
    withReplies([success({ Items: [], LastEvaluatedKey: item(-1) }), queried(item(0, entry(0)))], async ({ log, requests }) => {
      expect(await log.read(uid, options)).toMatchObject({
        kind: "entries",
        end: true,
        entries: [{ entry: { revision: first } }],
      });
      expect(requests[1]?.input["ExclusiveStartKey"]).toEqual(item(-1));
    }));

  it("reads are tried again: an internal error is not the caller's concern", () =>
    withReplies([failure(500, "InternalServerError"), "reset", queried()], async ({ log }) => {
      expect(await log.read(uid, options)).toEqual({ kind: "entries", entries: [], end: true });
    }));
});

describe("strip on DynamoDB", () => {
  const stub = (place: number) => ({ PutRequest: { Item: item(place) } });

  it("what DynamoDB leaves undone is put again, after a wait that grows", () => {
    const undone = (place: number) => success({ UnprocessedItems: { [table]: [stub(place)] } });
    return withReplies([undone(1), undone(1), success()], async ({ log, requests, slept }) => {
      await log.strip(uid, { after, upTo: first + 1 });
      const sent = requests.map(({ input }) => input["RequestItems"]);
      expect(sent).toEqual([{ [table]: [stub(0), stub(1)] }, { [table]: [stub(1)] }, { [table]: [stub(1)] }]);
      expect(slept).toEqual([50, 100]);
    });
  });

  it("after eight tries it rejects and says how many are undone", () => {
    const undone = success({ UnprocessedItems: { [table]: [stub(0)] } });
    return withReplies(Array(9).fill(undone), async ({ log, requests }) => {
      await expect(log.strip(uid, { after, upTo: first })).rejects.toThrow(
        "1 items of a batch on Table are undone after 8 tries",
      );
      expect(requests).toHaveLength(8);
    });
  });

  it("the oldest go first, 25 at a time", () =>
    withReplies([success(), success()], async ({ log, requests }) => {
      await log.strip(uid, { after, upTo: first + 25 });
      const sizes = requests.map(({ input }) => (input["RequestItems"] as Record<string, unknown[]>)[table]?.length);
      expect(sizes).toEqual([25, 1]);
    }));
});

describe("apply on DynamoDB", () => {
  const writes = (count: number): RowWrite[] =>
    Array.from({ length: count }, (_, place) => ({
      action: "create",
      key: `nodes/${place}`,
      revision: first + place,
      value: {},
    }));

  it("each row is tried once, all are settled, then it rejects with what was unclear", () =>
    withReplies([failure(400, "ThrottlingException"), "reset", conditionFailed(), success()], async ({ objects, requests }) => {
      await expect(objects.apply(uid, writes(4), 0)).rejects.toThrow(`2 of 4 rows of ${uid} have no clear answer`);
      expect(requests).toHaveLength(4);
    }));

  it("more rows than go at once are all written, each once", () => {
    const replies = Array<ScriptedReply>(100).fill(success());
    return withReplies(replies, async ({ objects, requests }) => {
      await objects.apply(uid, writes(100), 0);
      const keys = requests.map(({ input }) => (input["Item"] as { k: { S: string } }).k.S);
      expect(new Set(keys).size).toBe(100);
      expect(keys).toHaveLength(100);
    });
  });
});

describe("markers and cells on DynamoDB", () => {
  it("an unclear move or put is tried once and rejects: a second try would take the first for somebody else's", () =>
    withReplies(["reset", "reset", "reset", "reset"], async ({ objects, cells, requests }) => {
      await expect(objects.move(uid, "applied", { from: 1, to: 2 })).rejects.toThrow();
      await expect(cells.put(uid, { key: "a", value: {}, when: "absent" })).rejects.toThrow();
      await expect(cells.put(uid, { key: "a", value: {}, when: { version: 1 } })).rejects.toThrow();
      await expect(cells.delete(uid, "a", 1)).rejects.toThrow();
      expect(requests).toHaveLength(4);
    }));

  it("an item that is not what the adapter writes is refused by its key, without its values", () =>
    withReplies([success({ Item: { c: { S: uid }, k: { S: "c/a" }, v: { S: "secret" }, n: { N: "1" } } })], async ({ cells }) => {
      await expect(cells.get(uid, "a")).rejects.toThrow(`item ${uid}/c/a lacks attribute v`);
    }));
});

/** The endpoint of a server that has ended: its port refuses connections. */
async function withClosedServer(): Promise<{ readonly endpoint: string }> {
  await using server = await scriptedDynamo([]);
  return { endpoint: server.endpoint };
}
