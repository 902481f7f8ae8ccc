/**
 * The rows and markers on DynamoDB: a row carries the revision that wrote it and takes only a higher one, by a condition on
 * the item itself, so that late, doubled and shuffled writes all come to the same. A deleted row's tombstone has no value.
 */
import {
  type AttributeValue,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";
import type { Clock } from "../../base/clock.ts";
import { tombstoneMs } from "../../base/limits.ts";
import { compareKeys } from "../key-order.ts";
import type { MarkerName, Markers, Objects, PageRange, Row, RowWrite } from "../ports.ts";
import { writeBatches } from "./batch.ts";
import type { DynamoClients } from "./clients.ts";
import { isConditionFailed, RowsUnclearError } from "./errors.ts";
import { bytesOf, type Item, number, numberOf, stringOf } from "./item.ts";
import { markerKey, objectAttributes, plainKey, rowKey } from "./tables.ts";
import { packValue, unpackValue } from "./value.ts";

const { cluster, key, revision, value, timeToLive } = objectAttributes;
/** Row writes in flight: below the SDK's 50 connections, so that none waits for one until its time-out. */
const writesInFlightMax = 32;

export type DynamoObjectsOptions = {
  readonly clients: DynamoClients;
  /** The Objects table's name. */
  readonly table: string;
  readonly clock: Clock;
};

export class DynamoObjects implements Objects {
  readonly #clients: DynamoClients;
  readonly #table: string;
  readonly #clock: Clock;

  constructor({ clients, table, clock }: DynamoObjectsOptions) {
    this.#clients = clients;
    this.#table = table;
    this.#clock = clock;
  }

  async begin(uid: string, first: number): Promise<Markers> {
    const markers: Markers = { first, applied: first - 1, published: first - 1, stripped: first - 1 };
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: { ...itemKey(uid, markerKey), ...markerItem(markers) },
      ConditionExpression: `attribute_not_exists(${key})`,
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    try {
      await this.#clients.single.send(put);
      return markers;
    } catch (error) {
      if (isConditionFailed(error) && error.Item !== undefined) return markersOf(error.Item);
      throw error;
    }
  }

  async markers(uid: string): Promise<Markers | undefined> {
    const item = await this.#get(uid, markerKey);
    return item && markersOf(item);
  }

  async move(uid: string, marker: MarkerName, { from, to }: { readonly from: number; readonly to: number }): Promise<boolean> {
    const attribute = objectAttributes[marker];
    return this.#isWritten(
      this.#clients.single.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: itemKey(uid, markerKey),
          UpdateExpression: `SET ${attribute} = :to`,
          ConditionExpression: `${attribute} = :from`,
          ExpressionAttributeValues: { ":from": number(from), ":to": number(to) },
        }),
      ),
    );
  }

  async get(uid: string, name: string): Promise<Row | undefined> {
    const item = await this.#get(uid, rowKey(name));
    return item && rowOf(item);
  }

  async page(uid: string, range: PageRange): Promise<{ readonly rows: readonly Row[]; readonly next?: string }> {
    const start = startOf(range);
    if (start === "beyond") return { rows: [] };
    const answer = await this.#clients.retrying.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: `${cluster} = :cluster AND begins_with(${key}, :prefix)`,
        ExpressionAttributeValues: { ":cluster": { S: uid }, ":prefix": { S: rowKey(range.prefix) } },
        ...(start !== undefined && { ExclusiveStartKey: itemKey(uid, rowKey(start)) }),
        Limit: range.limit,
        ConsistentRead: true,
      }),
    );
    const rows = (answer.Items ?? []).map(rowOf).filter((row) => row !== undefined);
    const last = answer.LastEvaluatedKey;
    return last ? { rows, next: plainKey(stringOf(last, key)) } : { rows };
  }

  async apply(uid: string, writes: readonly RowWrite[], now: number): Promise<void> {
    const waiting = writes.values();
    const failures: unknown[] = [];
    const worker = async () => {
      for (const write of waiting) await this.#write(uid, write, now).catch((cause: unknown) => failures.push(cause));
    };
    await Promise.all(Array.from({ length: Math.min(writesInFlightMax, writes.length) }, worker));
    if (failures.length > 0) throw new RowsUnclearError(uid, failures.length, writes.length, failures[0]);
  }

  async remove(uid: string, limit: number): Promise<boolean> {
    const answer = await this.#clients.retrying.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: `${cluster} = :cluster`,
        ExpressionAttributeValues: { ":cluster": { S: uid } },
        ProjectionExpression: `${cluster}, ${key}`,
        // One more than is removed: whether anything is left.
        Limit: limit + 1,
        ConsistentRead: true,
      }),
    );
    const found = answer.Items ?? [];
    const target = { client: this.#clients.retrying, table: this.#table, clock: this.#clock };
    await writeBatches(
      target,
      found.slice(0, limit).map((item): WriteRequest => ({ DeleteRequest: { Key: item } })),
    );
    return found.length <= limit && answer.LastEvaluatedKey === undefined;
  }

  /** A failed condition is a success: what is there is as new. */
  async #write(uid: string, write: RowWrite, now: number): Promise<boolean> {
    // An update without a row is of a life's past: its create was applied, so what is not there has been deleted since.
    const where = write.action === "update" ? `attribute_exists(${value}) AND` : `attribute_not_exists(${key}) OR`;
    // A delete over its own tombstone begins its time anew.
    const again = write.action === "delete" ? ` OR (${revision} = :revision AND attribute_not_exists(${value}))` : "";
    return this.#isWritten(
      this.#clients.single.send(
        new PutItemCommand({
          TableName: this.#table,
          Item: { ...itemKey(uid, rowKey(write.key)), [revision]: number(write.revision), ...rowBody(write, now) },
          ConditionExpression: `${where} ${revision} < :revision${again}`,
          ExpressionAttributeValues: { ":revision": number(write.revision) },
        }),
      ),
    );
  }

  async #isWritten(sent: Promise<unknown>): Promise<boolean> {
    try {
      await sent;
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  async #get(uid: string, sortKey: string): Promise<Item | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key: itemKey(uid, sortKey), ConsistentRead: true });
    return (await this.#clients.retrying.send(get)).Item;
  }
}

const itemKey = (uid: string, sortKey: string): Item => ({ [cluster]: { S: uid }, [key]: { S: sortKey } });

const markerItem = ({ first, applied, published, stripped }: Markers): Item => ({
  [objectAttributes.first]: number(first),
  [objectAttributes.applied]: number(applied),
  [objectAttributes.published]: number(published),
  [objectAttributes.stripped]: number(stripped),
});

const markersOf = (item: Item): Markers => ({
  first: numberOf(item, objectAttributes.first),
  applied: numberOf(item, objectAttributes.applied),
  published: numberOf(item, objectAttributes.published),
  stripped: numberOf(item, objectAttributes.stripped),
});

function rowBody(write: RowWrite, now: number): Record<string, AttributeValue> {
  if (write.action !== "delete") return { [value]: { B: packValue(write.value) } };
  return { [timeToLive]: number(Math.ceil((now + tombstoneMs) / 1000)) };
}

/** undefined: a tombstone. */
function rowOf(item: Item): Row | undefined {
  if (item[value] === undefined) return undefined;
  return {
    key: plainKey(stringOf(item, key)),
    revision: numberOf(item, revision),
    value: unpackValue(bytesOf(item, value)),
  };
}

/** DynamoDB refuses a start outside the range: one before it is left out, one past it means that nothing is left. */
function startOf({ prefix, after }: PageRange): string | undefined | "beyond" {
  if (after === undefined || after.startsWith(prefix)) return after;
  return compareKeys(after, prefix) < 0 ? undefined : "beyond";
}
