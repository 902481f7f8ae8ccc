/** What a failed request says about the act: certainly not done, or not known. And what the adapters beside this file throw. */
import { ConditionalCheckFailedException, DynamoDBServiceException } from "@aws-sdk/client-dynamodb";

/** Failures of one try that came before any byte of the request was sent. */
const unsentCodes: readonly unknown[] = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];
/** The one status below 500 by which a server tells that it did not get the request in time, or not whole. */
const requestTimeoutStatus = 408;

/**
 * refused: certainly nothing was written: DynamoDB answers every throttling, validation, access or table error with 4xx, and by then
 * has not touched the item. unknown: all else, first of all time-outs, 5xx and connections that broke.
 */
export function classify(error: unknown): "refused" | "unknown" {
  if (error instanceof DynamoDBServiceException) {
    const status = error.$metadata.httpStatusCode ?? 0;
    return status >= 400 && status < 500 && status !== requestTimeoutStatus ? "refused" : "unknown";
  }
  if (!(error instanceof Error)) return "unknown";
  if (error.name === "CredentialsProviderError") return "refused";
  return "code" in error && unsentCodes.includes(error.code) ? "refused" : "unknown";
}

export const isConditionFailed = (error: unknown): error is ConditionalCheckFailedException =>
  error instanceof ConditionalCheckFailedException;

/** Some rows were not, or not clearly, written; all tries have ended. Applying the same again is safe. */
export class RowsUnclearError extends Error {
  override readonly name = "RowsUnclearError";
  readonly uid: string;
  constructor(uid: string, failed: number, all: number, cause: unknown) {
    super(`${failed} of ${all} rows of ${uid} have no clear answer`, { cause });
    this.uid = uid;
  }
}

/** DynamoDB left some items of a batch undone too often (throttled). Doing the same again is safe. */
export class BatchUnprocessedError extends Error {
  override readonly name = "BatchUnprocessedError";
  constructor(table: string, items: number, tries: number) {
    super(`${items} items of a batch on ${table} are undone after ${tries} tries`);
  }
}

/** An item of a table is not what the adapter writes: it is damaged or foreign. Trying again is useless. */
export class ForeignItemError extends Error {
  override readonly name = "ForeignItemError";
  constructor(key: string, attribute: string) {
    super(`item ${key} lacks attribute ${attribute}`);
  }
}
