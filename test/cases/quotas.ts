/** Quotas: what a cluster may hold and do, refused in the words of Kubernetes' quotas. */
import { expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { type Client, group, node, unique } from "./client.ts";

export function quotaCases(client: Client): void {
  const made = async (quotas: Json) => {
    const name = unique("quota");
    const body = { apiVersion: "windlass.dev/v1", kind: "Cluster", metadata: { name }, spec: { quotas } };
    expect((await client.post(`${group}/clusters`, body)).status).toBe(201);
    return { path: `${group}/clusters/${name}`, nodes: `/clusters/${name}${group}/nodes` };
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

  it("commits a second: more are a 429 to be tried again, and another cluster is not held up", async () => {
    const [slow, other] = [await made({ commitsPerSecond: 2 }), await made({})];
    const all = await Promise.all(Array.from({ length: 20 }, (_, index) => client.post(slow.nodes, node(`n${index}`))));
    const refused = all.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(all.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
    expect([refused[0]?.body["reason"], refused[0]?.headers.get("retry-after")]).toEqual(["TooManyRequests", "1"]);
    const free = await Promise.all(Array.from({ length: 20 }, (_, index) => client.post(other.nodes, node(`n${index}`))));
    expect(free.every(({ status }) => status === 201)).toBe(true);
    expect((await client.get(slow.nodes)).status).toBe(200);
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
