/** Rules on the bus of a deployment, from another stack: what matches arrives, at least once, and nothing else does. */
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Client, group, node, service, unique } from "../cases/client.ts";
import { Deployment } from "./deployment.ts";
import { localConfig } from "./tables.ts";

type Place = { readonly endpoint: string; readonly bus: string };
type Listening = { readonly Queue: string; readonly Heard: string };
/** What EventBridge delivers, as far as it is looked at. */
type Delivered = {
  readonly source: string;
  readonly detail: {
    readonly specversion: string;
    readonly id: string;
    readonly data: {
      readonly name: string;
      readonly action: string;
      readonly revision: number;
      readonly object: { readonly metadata: { readonly resourceVersion: string } };
    };
  };
};

const nodes = `${group}/nodes`;
const listened = `${group}/namespaces/listened/services`;
const arrivalSecondsMax = 50;

/** `place` is asked when a case runs. */
export function deliveryCases(client: Client, place: () => Place): void {
  let listeners: Deployment<Listening>;
  let queues: Listening;
  let sqs: SQSClient;

  beforeAll(async () => {
    const { endpoint, bus } = place();
    sqs = new SQSClient(localConfig(endpoint));
    listeners = await Deployment.begin({ endpoint, stack: `${unique("Listeners")}`, app: "test/localstack/listeners.ts" });
    queues = await listeners.deploy(`bus=${bus}`);
  });
  afterAll(async () => {
    await listeners?.destroy(`bus=${place().bus}`);
    await listeners?.end();
    sqs?.destroy();
  });

  /** Reads the queue until each of `names` was told of; all that came, doubles once. */
  async function arrivals(queue: string, names: readonly string[]): Promise<Delivered["detail"][]> {
    const came = new Map<string, Delivered["detail"]>();
    const deadline = Date.now() + arrivalSecondsMax * 1_000;
    while (!names.every((name) => [...came.values()].some(({ data }) => data.name === name)) && Date.now() < deadline) {
      const receive = new ReceiveMessageCommand({ QueueUrl: queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 });
      for (const { Body: text = "", ReceiptHandle } of (await sqs.send(receive)).Messages ?? []) {
        const { source, detail } = JSON.parse(text) as Delivered;
        expect([source, detail.specversion]).toEqual(["windlass", "1.0"]);
        came.set(detail.id, detail);
        await sqs.send(new DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle }));
      }
    }
    return [...came.values()];
  }

  const told = (details: readonly Delivered["detail"][]): string[] =>
    details.map(({ data }) => `${data.action} ${data.name}`).sort();

  it("by label and by fields of both objects, to a queue", async () => {
    const mark = unique("node");
    const [first, second, other, unlabelled] = ["a", "b", "c", "d"].map((part) => `${mark}-${part}`);
    for (const name of [first, second, other]) await client.post(nodes, node(`${name}`, { listen: "yes" }));
    await client.post(nodes, node(`${unlabelled}`));
    await client.patch(`${nodes}/${other}`, { spec: { availability: "pause" } });
    for (const name of [unlabelled, first, other]) await client.patch(`${nodes}/${name}`, { spec: { availability: "drain" } });
    await client.delete(`${nodes}/${first}`);
    const { body } = await client.patch(`${nodes}/${second}`, { spec: { availability: "drain" } });
    const came = await arrivals(queues.Queue, [`${first}`, `${second}`]);
    expect(told(came)).toEqual([`update ${first}`, `update ${second}`]);
    const last = came.find(({ data }) => data.name === second);
    const { resourceVersion } = last?.data.object.metadata ?? {};
    expect(resourceVersion).toBe(body["metadata"]?.["resourceVersion"]);
    expect(last?.id).toMatch(new RegExp(`^[0-9a-f-]{36}/${last?.data.revision}/0$`));
  });

  it("by kind, namespace and action, to a function", async () => {
    const [gone, stays, elsewhere] = [unique("gone"), unique("stays"), unique("elsewhere")];
    const others = `${group}/namespaces/default/services`;
    for (const name of [gone, stays]) await client.post(listened, service(name, "listened"));
    await client.post(others, service(elsewhere, "default"));
    await client.delete(`${others}/${elsewhere}`);
    await client.delete(`${listened}/${gone}`);
    expect(told(await arrivals(queues.Heard, [gone]))).toEqual([`delete ${gone}`]);
  });
}
