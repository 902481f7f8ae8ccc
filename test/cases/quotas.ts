/** Quotas: what a cluster may hold and do, refused in the words of Kubernetes' quotas. */
import { expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { type Answer, type Client, group, node, unique } from "./client.ts";

export function quotaCases(client: Client): void {
  const made = async (quotas: Json) => {
    const name = unique("quota");
    const body = { apiVersion: "windlass.dev/v1", kind: "Cluster", metadata: { name }, spec: { quotas } };
    expect((await client.post(`${group}/clusters`, body)).status).toBe(201);
    return {
      path: `${group}/clusters/${name}`,
      nodes: `/clusters/${name}${group}/nodes`,
      import: `/clusters/${name}/windlass/v1/import`,
    };
  };

  it("objects: so many and not one more, however many come at once; deletions and changes pass", async () => {
    const { nodes } = await made({ objects: 5 });
    const all = await Promise.all(Array.from({ length: 12 }, (_, index) => client.post(nodes, node(`n${index}`))));
    expect(all.filter(({ status }) => status === 201)).toHaveLength(5);
    const refused = all.find(({ status }) => status !== 201);
    expect([refused?.status, refused?.body["reason"]]).toEqual([403, "Forbidden"]);
    expect(refused?.body["message"]).toContain(
      "exceeded quota: cluster, requested: objects=1, used: objects=5, limited: objects=5",
    );
    expect((await client.post(`${nodes}?dryRun=All`, node("dry"))).status).toBe(403);
    const held = [...((await client.get(nodes)).body["items"] ?? [])];
    expect(held).toHaveLength(5);
    const name = String(held[0]?.["metadata"]?.["name"]);
    expect((await client.patch(`${nodes}/${name}`, { metadata: { labels: { a: "1" } } })).status).toBe(200);
    expect((await client.delete(`${nodes}/${name}`)).status).toBe(200);
    expect((await client.post(nodes, node("next"))).status).toBe(201);
    expect((await client.post(nodes, node("over"))).status).toBe(403);
  });

  it("bytes: an object that does not fit is refused, one that shrinks or goes makes room", async () => {
    const { nodes } = await made({ bytes: "4Ki" });
    const large = (name: string, bytes: number): Json => ({
      ...(node(name) as object),
      metadata: { name, annotations: { filler: "x".repeat(bytes) } },
    });
    expect((await client.post(nodes, large("a", 2_500))).status).toBe(201);
    const { status, body } = await client.post(nodes, large("b", 2_500));
    expect([status, body["reason"]]).toEqual([403, "Forbidden"]);
    expect(body["message"]).toMatch(/exceeded quota: cluster, requested: bytes=\d+, used: bytes=\d+, limited: bytes=4096$/);
    expect((await client.patch(`${nodes}/a`, { metadata: { annotations: { filler: "x".repeat(4_000) } } })).status).toBe(403);
    expect((await client.patch(`${nodes}/a`, { metadata: { annotations: null } })).status).toBe(200);
    expect((await client.post(nodes, large("b", 2_000))).status).toBe(201);
    expect((await client.delete(`${nodes}/b`)).status).toBe(200);
  });

  /** Writes `count` at once; where each had a process of its own, which counts for itself, one after the other until one is refused. */
  async function crowd(nodes: string, count: number): Promise<readonly Answer[]> {
    const all = await Promise.all(Array.from({ length: count }, (_, index) => client.post(nodes, node(`n${index}`))));
    for (let more = 0; more < 2 * count && all.every(({ status }) => status !== 429); more += 1) {
      all.push(await client.post(nodes, node(`m${more}`)));
    }
    return all;
  }

  it("commits a second: more are a 429 to be tried again, and another cluster is not held up", async () => {
    const [slow, other] = [await made({ commitsPerSecond: 2 }), await made({})];
    const all = await crowd(slow.nodes, 20);
    const refused = all.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(all.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
    expect([refused[0]?.body["reason"], refused[0]?.headers.get("retry-after")]).toEqual(["TooManyRequests", "1"]);
    const free = await Promise.all(Array.from({ length: 20 }, (_, index) => client.post(other.nodes, node(`n${index}`))));
    expect(free.every(({ status }) => status === 201)).toBe(true);
    expect((await client.get(slow.nodes)).status).toBe(200);
  });

  /** As an export has them. */
  const exported = (count: number, bytes = 0): Json =>
    Array.from({ length: count }, (_, index) => ({
      ...(node(`i${index}`) as object),
      metadata: {
        name: `i${index}`,
        uid: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
        generation: 1,
        creationTimestamp: "2026-01-02T03:04:05Z",
        annotations: { filler: "x".repeat(bytes) },
      },
    }));

  it("an import is held to objects and bytes: what fits comes in, what does not is refused and says why", async () => {
    const few = await made({ objects: 5 });
    const fits = await client.post(few.import, { items: exported(5) });
    expect([fits.status, fits.body["created"]]).toEqual([200, 5]);
    expect((await client.post(few.import, { items: exported(5) })).body["created"]).toBe(0);
    const { status, body } = await client.post(few.import, { items: exported(6) });
    expect([status, body["reason"]]).toEqual([403, "Forbidden"]);
    expect(body["message"]).toContain("exceeded quota: cluster, requested: objects=1, used: objects=5, limited: objects=5");
    const small = await made({ bytes: "64Ki" });
    const large = await client.post(small.import, { items: exported(4, 30_000) });
    expect([large.status, large.body["message"]]).toEqual([403, expect.stringContaining("limited: bytes=65536")]);
    expect((await client.get(small.nodes)).body["items"]).toEqual([]);
    const many = await made({ objects: 210 });
    const parted = await client.post(many.import, { items: exported(250) });
    expect(parted.status).toBe(403);
    expect(parted.body["message"]).toContain("; the first 200 of these 250 objects are imported");
    expect([...((await client.get(many.nodes)).body["items"] ?? [])]).toHaveLength(200);
  });

  it("an import waits for the commits that it may do, and takes them from others", async () => {
    const slow = await made({ commitsPerSecond: 2 });
    const { status, body } = await client.post(slow.import, { items: exported(450) });
    expect([status, body["created"]]).toEqual([200, 450]);
    const others = await crowd(slow.nodes, 8);
    expect(others.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
  });

  it("a quota can be given, raised and taken away later", async () => {
    const { path, nodes } = await made({});
    for (const name of ["a", "b"]) await client.post(nodes, node(name));
    const over = async () => (await client.post(`${nodes}?dryRun=All`, node("c"))).status;
    const soon = { timeout: 10_000, interval: 50 };
    await client.patch(path, { spec: { quotas: { objects: 2 } } });
    await expect.poll(over, soon).toBe(403);
    await client.patch(path, { spec: { quotas: { objects: 3 } } });
    await expect.poll(over, soon).toBe(201);
    await client.patch(path, { spec: { quotas: null } });
    await expect.poll(over, soon).toBe(201);
    expect((await client.patch(path, { spec: { quotas: { commitsPerSecond: 0 } } })).status).toBe(422);
  });
}
