/** Wake-ups in an SQS queue. */
import { SendMessageBatchCommand, SQSClient, type SQSClientConfig } from "@aws-sdk/client-sqs";
import { type Wake, type WakeQueue, wakesAtOnceMax } from "./wake-queue.ts";

const options: SQSClientConfig = {
  // A send takes milliseconds; what waits for a lost connection holds up the round.
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
  maxAttempts: 2,
  // The host in a queue's URL is not always one that is found: behind an endpoint of a VPC, or on LocalStack.
  useQueueUrlAsEndpoint: false,
};

export function sqsWakeQueue(url: string, client = new SQSClient(options)): WakeQueue {
  return {
    async send(wakes, delaySeconds = 0) {
      for (let from = 0; from < wakes.length; from += wakesAtOnceMax)
        await sendBatch(client, { url, delaySeconds, wakes: wakes.slice(from, from + wakesAtOnceMax) });
    },
  };
}

type Batch = { readonly url: string; readonly delaySeconds: number; readonly wakes: readonly Wake[] };

async function sendBatch(client: SQSClient, { url, delaySeconds, wakes }: Batch): Promise<void> {
  const Entries = wakes.map((wake, index) => ({
    Id: String(index),
    MessageBody: JSON.stringify(wake),
    DelaySeconds: delaySeconds,
  }));
  const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
  const [first] = Failed;
  if (first !== undefined)
    throw new Error(`${Failed.length} of ${wakes.length} wake-ups were refused: ${first.Message ?? first.Code}`);
}
