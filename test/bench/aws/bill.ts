/** What a deployment used, counted at the client, and what that costs. */
import { prices } from "./prices.ts";

export type FunctionName = "api" | "publisher" | "healer" | "reconciler";

/** As cdk/api.ts, cdk/workers.ts and cdk/fleets.ts give them. */
export const memoryMb: Readonly<Record<FunctionName, number>> = {
  api: 1_769,
  publisher: 1_024,
  healer: 1_024,
  reconciler: 1_769,
};

export type Invocation = { readonly of: FunctionName; readonly ms: number };

export type Usage = {
  /** To DynamoDB, of which so many by operation (`PutItem`). */
  readonly requests: number;
  readonly byOperation: Readonly<Record<string, number>>;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly apiRequests: number;
  readonly invocations: readonly Invocation[];
  /** As EventBridge counts them: one for each 64 KB. */
  readonly events: number;
  readonly eventBytes: number;
  /** To SQS, by whomever; polls that find nothing are not of an operation. */
  readonly queueRequests: number;
  readonly streamRecords: number;
  readonly bytesOut: number;
  readonly logBytes: number;
};

export const nothing: Usage = {
  requests: 0,
  byOperation: {},
  readUnits: 0,
  writeUnits: 0,
  apiRequests: 0,
  invocations: [],
  events: 0,
  eventBytes: 0,
  queueRequests: 0,
  streamRecords: 0,
  bytesOut: 0,
  logBytes: 0,
};

const gigabyte = 1e9;

export function dollars(usage: Usage): number {
  const { readUnits, writeUnits, apiRequests, invocations, events, eventBytes, queueRequests, bytesOut, logBytes } = usage;
  const gigabyteSeconds = invocations.reduce((sum, { of, ms }) => sum + (memoryMb[of] / 1_024) * (ms / 1_000), 0);
  return (
    readUnits * prices.readUnit.usd +
    writeUnits * prices.writeUnit.usd +
    apiRequests * prices.apiRequest.usd +
    invocations.length * prices.invocation.usd +
    gigabyteSeconds * prices.gigabyteSecond.usd +
    events * prices.event.usd +
    queueRequests * prices.queueRequest.usd +
    (eventBytes / gigabyte) * prices.archivedGigabyte.usd +
    (bytesOut / gigabyte) * prices.gigabyteOut.usd +
    (logBytes / gigabyte) * prices.logGigabyte.usd
  );
}

/** `$0.42`, `$3.10`, `$183`: cents where they matter. */
export const money = (usd: number): string => `$${usd >= 100 ? usd.toFixed(0) : usd.toFixed(usd < 0.1 ? 4 : 2)}`;
