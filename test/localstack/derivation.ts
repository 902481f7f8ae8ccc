/**
 * What derives from the logs of a deployment, whatever becomes of the wake-ups: rows, markers and events end as the log says. The stream's
 * mapping is off while they are given by hand, and while the schedule has to repair what nobody was woken for.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Client, group, node, unique } from "../cases/client.ts";
import { entriesOf, eventIds } from "../functions/settled.ts";
import { recordOf, type StreamRecord } from "../functions/stream.ts";
import { Backstage, type Place } from "./backstage.ts";
import { BusQueue } from "./bus-queue.ts";
import { headOf, type MadeCluster, makeCluster, settled } from "./cluster.ts";

/** The healer looks once a minute, and leaves the youngest seconds to the publisher. */
const repairSecondsMax = 100;
const nobodyElse = { batchItemFailures: [] };

/** `place` is asked when a case runs. `meanwhile` tells cases that need no publisher: they run while the schedule is waited for. */
export function derivationCases(client: Client, place: () => Place, meanwhile: () => void): void {
  let backstage: Backstage;
  let queue: BusQueue;
  let [a, b] = [
    { path: "", uid: "" },
    { path: "", uid: "" },
  ];

  beforeAll(async () => {
    const { endpoint, outputs } = place();
    backstage = await Backstage.open(place());
    const names = [unique("derived"), unique("derived")];
    queue = await BusQueue.open({ endpoint, bus: outputs.Bus, data: { cluster: names } });
    [a, b] = [await makeCluster(client, `${names[0]}`), await makeCluster(client, `${names[1]}`)];
  });
  afterAll(async () => {
    await backstage?.wakePublisher(true);
    await queue?.close();
    backstage?.close();
  });

  /** Makes `count` nodes, changes each, and deletes every second one. */
  async function write({ path }: MadeCluster, count: number): Promise<void> {
    const nodes = `${path}${group}/nodes`;
    for (let index = 0; index < count; index += 1) {
      const name = unique("node");
      expect((await client.post(nodes, node(name))).status).toBe(201);
      await client.patch(`${nodes}/${name}`, { spec: { availability: index % 3 === 0 ? "drain" : "pause" } });
      if (index % 2 === 1) await client.delete(`${nodes}/${name}`);
    }
  }

  const recordsOf = async ({ uid }: MadeCluster): Promise<StreamRecord[]> =>
    (await entriesOf(backstage.ports, uid)).map(({ revision }) => recordOf(uid, revision));
  const isBehind = async ({ uid }: MadeCluster): Promise<boolean> =>
    ((await backstage.ports.objects.markers(uid))?.published ?? 0) < (await headOf(backstage, uid));

  it("the stream wakes the publisher", async () => {
    await write(a, 3);
    await settled(backstage, queue, a);
  });

  it("wake-ups that are lost: one that comes brings forward all that nobody was woken for", async () => {
    await backstage.wakePublisher(false);
    await write(a, 4);
    expect(await isBehind(a)).toBe(true);
    const [oldest] = await recordsOf(a);
    expect(await backstage.publish([oldest ?? {}])).toEqual(nobodyElse);
    await settled(backstage, queue, a);
  });

  it("wake-ups that are doubled and shuffled, in two runs at once", async () => {
    await write(a, 2);
    await write(b, 3);
    const records = [...(await recordsOf(a)), ...(await recordsOf(b))];
    const mixed = records.toSorted((one, other) => (revisionOf(one) % 7) - (revisionOf(other) % 7));
    const runs = [backstage.publish([...mixed, ...records]), backstage.publish([...mixed.toReversed(), ...mixed])];
    expect(await Promise.all(runs)).toEqual([nobodyElse, nobodyElse]);
    for (const each of [a, b]) await settled(backstage, queue, each);
  });

  it("wake-ups that come late, when all is done, do nothing; those of what is no cluster hold up nothing", async () => {
    await queue.read(() => true);
    const before = queue.came.length;
    const late = [...(await recordsOf(b)), recordOf("no-such-life", 1), { eventName: "INSERT" }, ...(await recordsOf(a))];
    expect(await backstage.publish(late)).toEqual(nobodyElse);
    await queue.read(() => true);
    expect(queue.came).toHaveLength(before);
    for (const each of [a, b]) await settled(backstage, queue, each);
  });

  it("a publisher that is off leaves what is written behind", async () => {
    await write(b, 3);
    await write(a, 1);
    expect(await isBehind(a)).toBe(true);
  });

  meanwhile();

  it(
    "the schedule repairs what a publisher that is off left behind",
    async () => {
      for (const { uid } of [a, b]) await settled(backstage, queue, { uid, seconds: repairSecondsMax });
    },
    2 * repairSecondsMax * 1_000,
  );

  it("a publisher that is on again works, whatever its stream tells it once more", async () => {
    await backstage.wakePublisher(true);
    await write(b, 2);
    await settled(backstage, queue, b);
  });

  it("a rule is handed every change that matches, and nothing else, with an id that is the change's own", async () => {
    const { endpoint, outputs } = place();
    const name = unique("ruled");
    const object = { metadata: { labels: { case: ["a", "b"] } }, spec: { availability: [{ "anything-but": "drain" }] } };
    const data = { cluster: [name], kind: ["Node"], action: ["create", "update"], object };
    await using stack = new AsyncDisposableStack();
    const matching = stack.adopt(await BusQueue.open({ endpoint, bus: outputs.Bus, data }), (opened) => opened.close());
    const whole = stack.adopt(await BusQueue.open({ endpoint, bus: outputs.Bus, data: { cluster: [name] } }), (opened) =>
      opened.close(),
    );
    const { path, uid } = await makeCluster(client, name);
    const nodes = `${path}${group}/nodes`;
    for (let index = 0; index < 24; index += 1) {
      const one = `node-${index % 5}`;
      const spec = { availability: ["active", "pause", "drain"][index % 3] ?? "" };
      const labels = { case: ["a", "b", "c"][((index * 5) % 7) % 3] ?? "" };
      if (index % 8 === 7) await client.delete(`${nodes}/${one}`);
      else if ((await client.patch(`${nodes}/${one}`, { metadata: { labels }, spec })).status === 404) {
        expect((await client.post(nodes, node(one, labels, spec))).status).toBe(201);
      }
    }
    const entries = await entriesOf(backstage.ports, uid);
    const wanted = entries.flatMap(({ revision, changes }) =>
      changes.flatMap((change, index) => (isWanted(change) ? [`${uid}/${revision}/${index}`] : [])),
    );
    expect(wanted.length).toBeGreaterThan(3);
    expect(wanted.length).toBeLessThan(entries.length);
    expect(await whole.readIds(eventIds(uid, entries))).toEqual(eventIds(uid, entries));
    expect(await matching.readIds(new Set(wanted))).toEqual(new Set(wanted));
  });
}

const revisionOf = ({ dynamodb }: StreamRecord): number => Number(dynamodb.Keys.r.N);

/** What the rule says, said once more. */
function isWanted(change: { readonly action: string; readonly value?: unknown }): boolean {
  if (change.action === "delete") return false;
  const { metadata, spec } = change.value as { metadata: { labels?: { case?: string } }; spec: { availability: string } };
  return ["a", "b"].includes(metadata.labels?.case ?? "") && spec.availability !== "drain";
}
