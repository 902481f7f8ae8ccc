/** The status subresource: only there does a status change, and nothing else does. */
import { expect, it } from "vitest";
import { type Client, group, node, unique } from "./client.ts";

const nodes = `${group}/nodes`;

export function statusCases(client: Client): void {
  it("a status is written through its own path and left alone by the object's", async () => {
    const name = unique("status");
    const { body: made } = await client.post(nodes, node(name));
    const put = await client.put(`${nodes}/${name}/status`, {
      ...(made as object),
      metadata: { ...(made["metadata"] as object), labels: { dropped: "true" } },
      spec: { address: "tcp://127.0.0.1:9" },
      status: { state: "ready" },
    });
    expect(put.status).toBe(200);
    expect(put.body).toMatchObject({ status: { state: "ready" }, spec: made["spec"], metadata: { generation: 1 } });
    expect(put.body["metadata"]?.["labels"] ?? {}).toEqual({});
    const replaced = await client.put(`${nodes}/${name}`, { ...(node(name, { a: "1" }) as object), status: { state: "down" } });
    expect(replaced.body).toMatchObject({ status: { state: "ready" }, metadata: { labels: { a: "1" } } });
    const patched = await client.patch(`${nodes}/${name}`, { status: { state: "down" } });
    expect(patched.body).toEqual(replaced.body);
  });

  it("a merge patch of the status changes what it names; the body need not be a whole object", async () => {
    const name = unique("status");
    await client.post(nodes, node(name));
    await client.put(`${nodes}/${name}/status`, { metadata: { name }, status: { state: "ready", message: "fine" } });
    const { body } = await client.patch(`${nodes}/${name}/status`, { status: { message: null }, spec: { address: "nonsense" } });
    expect(body["status"]).toEqual({ state: "ready" });
    expect(body["spec"]?.["address"]).toBe("tcp://127.0.0.1:2375");
    expect((await client.get(`${nodes}/${name}/status`)).body).toEqual(body);
  });

  it("a stale version is a conflict there, too, and a wrong status names its field", async () => {
    const name = unique("status");
    const { body: made } = await client.post(nodes, node(name));
    await client.patch(`${nodes}/${name}`, { metadata: { labels: { a: "1" } } });
    const stale = await client.put(`${nodes}/${name}/status`, { ...(made as object), status: { state: "ready" } });
    expect([stale.status, stale.body["reason"]]).toEqual([409, "Conflict"]);
    const wrong = await client.patch(`${nodes}/${name}/status`, { status: { state: "tired" } });
    expect([wrong.status, wrong.body["details"]?.["causes"]?.[0]?.["field"]]).toEqual([422, "status.state"]);
    expect((await client.delete(`${nodes}/${name}/status`)).status).toBe(405);
  });
}
