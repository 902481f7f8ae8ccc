/** BatchWriteItem with all it takes: at most 25 items a request, and what DynamoDB leaves undone is sent again, bounded. Only for idempotent writes. */
import { BatchWriteItemCommand, type DynamoDBClient, type WriteRequest } from "@aws-sdk/client-dynamodb";
import type { Clock } from "../../base/clock.ts";
import { BatchUnprocessedError } from "./errors.ts";

/** DynamoDB: items a BatchWriteItem takes. */
export const batchItemsMax = 25;
const triesMax = 8;
/** Doubled with each try: 6 s in all before giving up. */
const firstWaitMs = 50;

export type BatchTarget = { readonly client: DynamoDBClient; readonly table: string; readonly clock: Clock };

/** Sends `requests`, 25 at a time, in their order. @throws BatchUnprocessedError when some stay undone; any may be done then. */
export async function writeBatches(target: BatchTarget, requests: readonly WriteRequest[]): Promise<void> {
  for (let start = 0; start < requests.length; start += batchItemsMax) {
    await writeBatch(target, requests.slice(start, start + batchItemsMax));
  }
}

async function writeBatch({ client, table, clock }: BatchTarget, requests: readonly WriteRequest[]): Promise<void> {
  let left = [...requests];
  for (let tries = 0; tries < triesMax; tries++) {
    if (tries > 0) await clock.sleep(firstWaitMs * 2 ** (tries - 1));
    const { UnprocessedItems } = await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: left } }));
    left = UnprocessedItems?.[table] ?? [];
    if (left.length === 0) return;
  }
  throw new BatchUnprocessedError(table, left.length, triesMax);
}
