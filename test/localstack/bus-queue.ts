/** A queue behind a rule on the bus of a deployment: every message that came, doubles too. */
import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { unique } from "../cases/client.ts";
import { localConfig } from "./tables.ts";

export type BusQueueOptions = {
  readonly endpoint: string;
  readonly bus: string;
  /** What `detail.data` must match, as EventBridge's patterns say it. */
  readonly data: object;
};

/** A CloudEvent, as far as it is looked at. */
export type Detail = { readonly id: string; readonly data: { readonly uid: string; readonly revision: number } };

const messagesAtOnce = 10;
const arrivalSecondsMax = 50;

export class BusQueue {
  /** In the order in which they came. */
  readonly came: Detail[] = [];
  readonly #bus: string;
  readonly #rule = unique("all");
  readonly #events: EventBridgeClient;
  readonly #sqs: SQSClient;
  #url = "";

  private constructor({ endpoint, bus }: BusQueueOptions) {
    this.#bus = bus;
    this.#events = new EventBridgeClient(localConfig(endpoint));
    this.#sqs = new SQSClient(localConfig(endpoint));
  }

  /** Listens from when this resolves. Close it before its bus goes. */
  static async open(options: BusQueueOptions): Promise<BusQueue> {
    const queue = new BusQueue(options);
    await queue.#listen(options.data);
    return queue;
  }

  async #listen(data: object): Promise<void> {
    const { QueueUrl: url = "" } = await this.#sqs.send(new CreateQueueCommand({ QueueName: this.#rule }));
    this.#url = url;
    const asked = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] });
    const { QueueArn } = (await this.#sqs.send(asked)).Attributes ?? {};
    const rule = { EventBusName: this.#bus, EventPattern: JSON.stringify({ source: ["windlass"], detail: { data } }) };
    await this.#events.send(new PutRuleCommand({ ...rule, Name: this.#rule }));
    const Targets = [{ Id: "queue", Arn: QueueArn }];
    await this.#events.send(new PutTargetsCommand({ EventBusName: this.#bus, Rule: this.#rule, Targets }));
  }

  /** Reads until `isEnough` and nothing more is there, or it took too long. */
  async read(isEnough: () => boolean): Promise<void> {
    const deadline = performance.now() + arrivalSecondsMax * 1_000;
    for (let last = 1; (!isEnough() || last > 0) && performance.now() < deadline; ) last = await this.#receive();
  }

  /** Reads until all of `ids` came; the ids of all that came until then. */
  async readIds(ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const cameIds = () => new Set(this.came.map(({ id }) => id));
    await this.read(() => new Set([...ids, ...cameIds()]).size === cameIds().size);
    return cameIds();
  }

  async close(): Promise<void> {
    const rule = { EventBusName: this.#bus, Rule: this.#rule };
    await this.#events.send(new RemoveTargetsCommand({ ...rule, Ids: ["queue"] }));
    await this.#events.send(new DeleteRuleCommand({ EventBusName: this.#bus, Name: this.#rule }));
    await this.#sqs.send(new DeleteQueueCommand({ QueueUrl: this.#url }));
    this.#events.destroy();
    this.#sqs.destroy();
  }

  async #receive(): Promise<number> {
    const receive = new ReceiveMessageCommand({ QueueUrl: this.#url, MaxNumberOfMessages: messagesAtOnce, WaitTimeSeconds: 1 });
    const { Messages: messages = [] } = await this.#sqs.send(receive);
    if (messages.length === 0) return 0;
    for (const { Body: text = "" } of messages) this.came.push((JSON.parse(text) as { readonly detail: Detail }).detail);
    const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await this.#sqs.send(new DeleteMessageBatchCommand({ QueueUrl: this.#url, Entries }));
    return messages.length;
  }
}
