/**
 * The Log on DynamoDB: one item an entry; a commit is one conditional put of entry N+1 where no item N+1 is. Entries are never
 * deleted, only stripped to stubs, so a position that was taken stays taken and "no item N+1" means one thing for ever.
 */
import { strict as assert } from "node:assert";
import { PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { Clock } from "../../base/clock.ts";
import { decodeEntry } from "../codec.ts";
import type { Appended, EncodedEntry, Log, ReadOptions, Tail } from "../ports.ts";
import { batchItemsMax, writeBatches } from "./batch.ts";
import type { DynamoClients } from "./clients.ts";
import { classify, isConditionFailed } from "./errors.ts";
import { bytesOf, type Item, number, numberOf } from "./item.ts";
import { logAttributes } from "./tables.ts";

const { cluster, revision, body } = logAttributes;

/** DynamoDB may answer a page that is empty and not the last; the reader must get entries or the end. */
const emptyPagesMax = 10;

export type DynamoLogOptions = {
  readonly clients: DynamoClients;
  /** The Log table's name. */
  readonly table: string;
  readonly clock: Clock;
};

export class DynamoLog implements Log {
  readonly appendMax = 1;
  /** With the codec's byte and 60 of keys and names the item stays within 1 KB: one write unit. */
  readonly compressAboveBytes = 900;
  readonly #clients: DynamoClients;
  readonly #table: string;
  readonly #clock: Clock;

  constructor({ clients, table, clock }: DynamoLogOptions) {
    this.#clients = clients;
    this.#table = table;
    this.#clock = clock;
  }

  async append(uid: string, run: readonly EncodedEntry[]): Promise<Appended> {
    const [next] = run;
    assert(next !== undefined && run.length === 1, "the caller keeps to appendMax");
    try {
      await this.#put(uid, next);
      return { kind: "committed" };
    } catch (error) {
      return isConditionFailed(error) ? conflict(error.Item, next.entry.revision) : { kind: classify(error), cause: error };
    }
  }

  async read(uid: string, options: ReadOptions): Promise<Tail> {
    const items = await this.#query(uid, options);
    const [first] = items.list;
    if (first === undefined || numberOf(first, revision) === options.after + 1) return tail(options.after, items);
    // What follows was seen and `after + 1` was not. Entries are dense, so it was there before what follows, and none is ever
    // deleted: a consistent read that begins now finds it, unless it lies before the log's first entry.
    const again = await this.#query(uid, { ...options, consistent: true });
    const [certain] = again.list;
    const isThere = certain !== undefined && numberOf(certain, revision) === options.after + 1;
    return isThere ? tail(options.after, again) : { kind: "trimmed" };
  }

  async strip(uid: string, { after, upTo }: { readonly after: number; readonly upTo: number }): Promise<void> {
    const target = { client: this.#clients.retrying, table: this.#table, clock: this.#clock };
    for (let start = after + 1; start <= upTo; start += batchItemsMax) {
      const count = Math.min(batchItemsMax, upTo - start + 1);
      const stubs = Array.from({ length: count }, (_, index) => ({ PutRequest: { Item: itemKey(uid, start + index) } }));
      await writeBatches(target, stubs);
    }
  }

  head(): undefined {
    return undefined;
  }

  async #put(uid: string, { entry, bytes }: EncodedEntry): Promise<void> {
    await this.#clients.single.send(
      new PutItemCommand({
        TableName: this.#table,
        Item: { ...itemKey(uid, entry.revision), [body]: { B: bytes } },
        ConditionExpression: `attribute_not_exists(${revision})`,
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
  }

  async #query(uid: string, { after, limit, consistent }: ReadOptions): Promise<Items> {
    let start: Item | undefined;
    for (let pages = 0; pages < emptyPagesMax; pages++) {
      const answer = await this.#clients.retrying.send(
        new QueryCommand({
          TableName: this.#table,
          KeyConditionExpression: `${cluster} = :cluster AND ${revision} > :after`,
          ExpressionAttributeValues: { ":cluster": { S: uid }, ":after": number(after) },
          Limit: limit,
          ConsistentRead: consistent,
          ExclusiveStartKey: start,
        }),
      );
      const list = answer.Items ?? [];
      start = answer.LastEvaluatedKey;
      if (list.length > 0 || start === undefined) return { list, end: start === undefined };
    }
    throw new Error(`${emptyPagesMax} pages of ${uid} after ${after} are empty, and there are more`);
  }
}

type Items = { readonly list: readonly Item[]; readonly end: boolean };

const itemKey = (uid: string, at: number): Item => ({ [cluster]: { S: uid }, [revision]: number(at) });

function conflict(item: Item | undefined, at: number): Appended {
  if (item === undefined) return { kind: "unknown", cause: new Error("a failed condition came without the item that is there") };
  try {
    return { kind: "conflict", entry: entryOf(item, at) };
  } catch (cause) {
    return { kind: "refused", cause };
  }
}

/** undefined: a stub. @throws DamagedEntryError when the bytes are not an entry. */
const entryOf = (item: Item, at: number): EncodedEntry | undefined =>
  item[body] === undefined ? undefined : decodeEntry(at, bytesOf(item, body));

/** A query is not a snapshot, and stubs are no entries: the run is what is dense from `after + 1`; what lies past a gap is read again. */
function tail(after: number, items: Items): Tail {
  const entries: EncodedEntry[] = [];
  for (const item of items.list) {
    const at = numberOf(item, revision);
    const entry = at === after + entries.length + 1 ? entryOf(item, at) : undefined;
    if (entry === undefined) return entries.length > 0 ? { kind: "entries", entries, end: false } : { kind: "trimmed" };
    entries.push(entry);
  }
  return { kind: "entries", entries, end: items.end };
}
