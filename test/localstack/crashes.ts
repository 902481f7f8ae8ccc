/**
 * Functions that are killed in the middle of what they do, by a proxy that holds the request that matters, and the end of their process:
 * nothing is left half-done, and who asks again learns what became of it.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { type Answer, type Client, group, node, unique } from "../cases/client.ts";
import { entriesOf } from "../functions/settled.ts";
import { Backstage, type Place } from "./backstage.ts";
import { BusQueue } from "./bus-queue.ts";
import { type MadeCluster, makeCluster, settled } from "./cluster.ts";
import { type Asked, HoldingProxy } from "./holding-proxy.ts";

/** `place` is asked when a case runs. */
export function crashCases(client: Client, place: () => Place): void {
  let backstage: Backstage;
  let proxy: HoldingProxy;
  let queue: BusQueue;
  let cluster: MadeCluster;
  let nodes: string;
  const restore: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    const { endpoint, outputs } = place();
    const name = unique("crash");
    backstage = await Backstage.open(place());
    proxy = await HoldingProxy.open(endpoint);
    queue = await BusQueue.open({ endpoint, bus: outputs.Bus, data: { cluster: [name] } });
    const variables = { AWS_ENDPOINT_URL_DYNAMODB: proxy.url };
    for (const each of ["api", "publisher"] as const) restore.push(await backstage.giveVariables(each, variables));
    cluster = await makeCluster(client, name);
    nodes = `${cluster.path}${group}/nodes`;
  });
  afterAll(async () => {
    for (const each of restore) await each();
    await proxy?.close();
    await queue?.close();
    backstage?.close();
  });

  const isCommit = ({ operation, body }: Asked): boolean =>
    operation === "PutItem" && body["TableName"] === place().outputs.LogTable && keyOf(body["Item"]) === cluster.uid;
  const isPublished = ({ operation, body }: Asked): boolean =>
    operation === "UpdateItem" && keyOf(body["Key"]) === cluster.uid && String(body["UpdateExpression"]).startsWith("SET p =");

  /** Asks, and kills the function's one process while its commit, or the answer to it, is under way. */
  async function killed(when: "before" | "after", ask: () => Promise<Answer>): Promise<number> {
    const hold = proxy.hold(when, isCommit);
    const answer = ask();
    await hold.reached;
    expect(await backstage.kill("api")).toBe(1);
    hold.drop();
    return (await answer).status;
  }

  /** How often the log says that the node was made or changed. */
  async function writesOf(name: string): Promise<number> {
    const changes = (await entriesOf(backstage.ports, cluster.uid)).flatMap((entry) => entry.changes);
    return changes.filter(({ key }) => key === `nodes/${name}`).length;
  }

  /** The node as it was made, with another availability, for exactly the version that it had. */
  async function changedNode(name: string): Promise<Json> {
    const { status, body } = await client.post(nodes, node(name));
    expect(status).toBe(201);
    const { resourceVersion, uid } = body["metadata"] as unknown as Record<string, string>;
    const metadata = { name, labels: {}, resourceVersion: `${resourceVersion}`, uid: `${uid}` };
    return { ...(node(name, {}, { availability: "drain" }) as object), metadata };
  }

  it("the API after its put: the client gets a 5xx, the write is there once, and cannot be made a second time", async () => {
    const name = unique("put");
    expect(await killed("after", () => client.post(nodes, node(name)))).toBeGreaterThanOrEqual(500);
    expect(await writesOf(name)).toBe(1);
    expect(await client.get(`${nodes}/${name}`)).toMatchObject({ status: 200, body: { metadata: { name } } });
    expect(await client.post(nodes, node(name))).toMatchObject({ status: 409, body: { reason: "AlreadyExists" } });
    expect(await writesOf(name)).toBe(1);
  });

  it("the API after its put of a change for one version: tried again it is a conflict, and the change is there once", async () => {
    const name = unique("changed");
    const changed = await changedNode(name);
    const ask = () => client.put(`${nodes}/${name}`, changed);
    expect(await killed("after", ask)).toBeGreaterThanOrEqual(500);
    expect(await ask()).toMatchObject({ status: 409, body: { reason: "Conflict" } });
    expect(await client.get(`${nodes}/${name}`)).toMatchObject({ body: { spec: { availability: "drain" } } });
    expect(await writesOf(name)).toBe(2);
  });

  it("the API before its put: nothing is there, and tried again it is done", async () => {
    const name = unique("early");
    const changed = await changedNode(name);
    const ask = () => client.put(`${nodes}/${name}`, changed);
    expect(await killed("before", ask)).toBeGreaterThanOrEqual(500);
    expect(await writesOf(name)).toBe(1);
    expect(await ask()).toMatchObject({ status: 200, body: { spec: { availability: "drain" } } });
    expect(await writesOf(name)).toBe(2);
  });

  it("only the answer to its put is lost: the function finds its own entry, and the client hears that it is done", async () => {
    const name = unique("unclear");
    const hold = proxy.hold("after", isCommit);
    const answer = client.post(nodes, node(name));
    await hold.reached;
    hold.drop();
    expect((await answer).status).toBe(201);
    expect(await writesOf(name)).toBe(1);
  });

  it("rows, markers and events follow what was put, whoever heard of it", () => settled(backstage, queue, cluster));

  it("the publisher between its events and its marker: they come again, and their ids tell it", async () => {
    const hold = proxy.hold("before", isPublished);
    const { status, body } = await client.post(nodes, node(unique("doubled")));
    expect(status).toBe(201);
    await hold.reached;
    expect(await backstage.kill("publisher")).toBe(1);
    hold.drop();
    await settled(backstage, queue, cluster);
    const revision = Math.floor(Number(body["metadata"]?.["resourceVersion"]) / 1_000);
    const doubles = () => queue.came.filter(({ id }) => id === `${cluster.uid}/${revision}/0`);
    await queue.read(() => doubles().length > 1);
    expect(doubles()).toEqual([doubles()[0], doubles()[0]]);
  });
}

/** The cluster's uid in an item, or in its key. */
const keyOf = (item: unknown): string | undefined => (item as { readonly c?: { readonly S?: string } } | undefined)?.c?.S;
