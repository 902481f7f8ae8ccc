/** The SDK's clients as the adapters beside this file need them. Whether a try was clear decides what may follow it, so no conditional write is tried twice. */
import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";

export type DynamoClients = {
  /** Conditional writes: what comes after an unclear answer is the caller's decision. */
  readonly single: DynamoDBClient;
  /** Reads, and writes that are harmless done twice: the SDK tries again by itself. */
  readonly retrying: DynamoDBClient;
};

const triesMax = 4;
/** DynamoDB answers in milliseconds; a Lambda that waits for a lost connection pays for it. */
const connectMsMax = 1_000;
/** A page of a megabyte over a slow line is still in time. */
const requestMsMax = 5_000;

/** Both with the same configuration (region, endpoint, credentials) and connections. End them with `closeClients`. */
export function openClients(config: DynamoDBClientConfig = {}): DynamoClients {
  const limits = { connectionTimeout: connectMsMax, requestTimeout: requestMsMax, throwOnRequestTimeout: true };
  const single = new DynamoDBClient({ requestHandler: limits, ...config, maxAttempts: 1 });
  const retrying = new DynamoDBClient({ ...config, requestHandler: single.config.requestHandler, maxAttempts: triesMax });
  return { single, retrying };
}

export function closeClients({ single, retrying }: DynamoClients): void {
  single.destroy();
  retrying.destroy();
}
