/** What Kubernetes has no path for: tokens, history, export and import, metrics. */
import { expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { type Body, type Client, group, node, unique } from "./client.ts";
import { tokenOf } from "./reviews.ts";

const own = "/clusters/default/windlass/v1";
const nodes = `${group}/nodes`;

const linesOf = (text: string): Body[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Body);

export function tokenCases(client: Client): void {
  it("a token is shown once, works until it is revoked, and is listed without its secret", async () => {
    const name = unique("ci");
    const made = await client.post(`${own}/tokens`, { name, role: "viewer", expires: "2100-01-01T00:00:00Z" });
    expect(made.body).toMatchObject({ kind: "Token", name, role: "viewer", expires: "2100-01-01T00:00:00Z" });
    const token = String(made.body["token"]);
    expect((await client.get(nodes, { token })).status).toBe(200);
    expect((await client.post(nodes, node(unique("no")), { token })).status).toBe(403);
    for (const base of [own, "/windlass/v1"]) {
      const { text, body } = await client.get(`${base}/tokens`);
      expect([...(body["items"] ?? [])].map((item) => item["name"])).toContain(name);
      expect(text).not.toContain(token.slice(-43));
    }
    const id = String(made.body["id"]);
    expect((await client.delete(`${own}/tokens/${id}`)).status).toBe(200);
    expect((await client.get(nodes, { token })).status).toBe(401);
    expect((await client.delete(`${own}/tokens/${id}`)).status).toBe(404);
  });

  it("only an admin deals with tokens, and a cluster's only with its own", async () => {
    const [editor, admin] = [await tokenOf(client, "editor"), await tokenOf(client, "admin")];
    expect((await client.get(`${own}/tokens`, { token: editor })).status).toBe(403);
    expect((await client.post(`${own}/tokens`, { name: "x", role: "viewer" }, { token: editor })).status).toBe(403);
    expect((await client.get("/windlass/v1/tokens", { token: admin })).status).toBe(403);
    const { body } = await client.post("/windlass/v1/tokens", { name: unique("root"), role: "viewer" });
    const { body: list } = await client.get(`${own}/tokens`, { token: admin });
    expect(new Set([...(list["items"] ?? [])].map((item) => item["clusterUid"])).size).toBe(1);
    expect((await client.delete(`${own}/tokens/${body["id"]}`, { token: admin })).status).toBe(404);
    expect((await client.delete(`/windlass/v1/tokens/${body["id"]}`)).status).toBe(200);
  });

  it.each([
    [{ name: "a b", role: "viewer" }, 422],
    [{ name: "a", role: "king" }, 400],
    [{ name: "a", role: "viewer", expires: "tomorrow" }, 400],
    [{ name: "a", role: "viewer", expires: "2001-01-01T00:00:00Z" }, 422],
    [{ name: "system:windlass", role: "viewer" }, 422],
    [{ name: "a", role: "viewer", clusterUid: "root" }, 400],
  ])("%j is refused", async (body, status) => {
    expect((await client.post(`${own}/tokens`, body)).status).toBe(status);
  });
}

export function historyCases(client: Client): void {
  it("history: who changed what, newest first, also before a deletion, page by page", async () => {
    const name = unique("past");
    const token = await tokenOf(client, "editor");
    await client.post(nodes, node(name));
    await client.patch(`${nodes}/${name}`, { metadata: { labels: { tier: "web" } } }, { token });
    await client.patch(`${nodes}/${name}`, { spec: { availability: "drain" } });
    await client.delete(`${nodes}/${name}`);
    await client.post(nodes, node(name));
    const path = `${own}/history?key=nodes/${name}`;
    const { status, body } = await client.get(path, { token });
    expect(status).toBe(200);
    const items = [...(body["items"] ?? [])];
    expect(items.map((item) => item["action"])).toEqual(["create", "delete", "update", "update", "create"]);
    expect(items[2]).toMatchObject({ patch: { spec: { availability: "drain" }, metadata: { generation: 2 } } });
    expect(items[3]).toMatchObject({
      actor: expect.stringMatching(/^editor-/),
      patch: { metadata: { labels: { tier: "web" } } },
    });
    const pages: Body[] = [];
    for (let next = ""; ; ) {
      const { body: page } = await client.get(`${path}&limit=1${next}`);
      pages.push(...(page["items"] ?? []));
      const more = page["metadata"]?.["continue"];
      if (more === undefined) break;
      next = `&continue=${more}`;
    }
    expect(pages).toEqual(items);
  });

  it.each(["", "nodes", "nodes/a/b", "services/web", "pods/a", "nodes/-A", "__proto__/a"])(
    "history: %j is no key",
    async (key) => {
      expect((await client.get(`${own}/history?key=${encodeURIComponent(key)}`)).status).toBe(400);
    },
  );

  it("history: the root's objects have theirs at the root, for who may read it", async () => {
    const token = await tokenOf(client, "viewer");
    expect((await client.get("/windlass/v1/history?key=clusters/default")).body["items"]).not.toEqual([]);
    expect((await client.get("/windlass/v1/history?key=clusters/default", { token })).status).toBe(403);
  });
}

export function exportCases(client: Client): void {
  it("export: what it says is what there is, and an import of it changes nothing", async () => {
    const name = unique("kept");
    const { body: made } = await client.post(nodes, node(name, { a: "1" }));
    const { status, headers, text } = await client.get(`${own}/export`);
    expect([status, headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
    const [head, ...rest] = linesOf(text);
    const objects = rest.slice(0, -1);
    expect(head).toMatchObject({ kind: "Export", version: 1, cluster: { name: "default" } });
    expect(rest.at(-1)).toMatchObject({ kind: "ExportEnd", objects: objects.length });
    expect(objects).toContainEqual(made);
    const again = await client.post(`${own}/import`, { items: [made as unknown as Json] });
    expect(again.body).toMatchObject({ kind: "Imported", objects: 1, created: 0 });
    expect((await client.get(`${nodes}/${name}`)).body).toEqual(made);
  });

  it("import: an object comes back as it was; another of its name is left alone", async () => {
    const name = unique("back");
    await client.post(nodes, node(name));
    const { body: before } = await client.put(`${nodes}/${name}/status`, { metadata: { name }, status: { state: "ready" } });
    await client.delete(`${nodes}/${name}`);
    const list = { items: [before as unknown as Json] };
    expect((await client.post(`${own}/import`, list)).body).toMatchObject({ created: 1 });
    const { body: after } = await client.get(`${nodes}/${name}`);
    const { resourceVersion: _, ...metadata } = before["metadata"] as unknown as Record<string, Json>;
    expect(after).toMatchObject({ spec: before["spec"], status: before["status"], metadata });
    await client.patch(`${nodes}/${name}`, { metadata: { labels: { changed: "true" } } });
    expect((await client.post(`${own}/import`, list)).status).toBe(409);
  });

  it("import: what is not an exported object is refused whole", async () => {
    const name = unique("half");
    const { body: good } = await client.post(nodes, node(name));
    await client.delete(`${nodes}/${name}`);
    const items = [good as unknown as Json];
    for (const wrong of [node("plain"), { ...(good as object), kind: "Pod" }, { ...(good as object), extra: 1 }] as Json[]) {
      const { status } = await client.post(`${own}/import`, { items: [...items, wrong] });
      expect([400, 422]).toContain(status);
    }
    expect((await client.post(`${own}/import`, { items: "all" })).status).toBe(400);
    expect((await client.get(`${nodes}/${name}`)).status).toBe(404);
  });

  it("export and import are an admin's", async () => {
    const token = await tokenOf(client, "editor");
    expect((await client.get(`${own}/export`, { token })).status).toBe(403);
    expect((await client.post(`${own}/import`, { items: [] }, { token })).status).toBe(403);
  });
}

export function metricsCases(client: Client): void {
  it("metrics: requests by verb, kind and code, for who may read the root", async () => {
    await client.get(`${nodes}/${unique("nobody")}`);
    const { status, headers, text } = await client.get("/metrics");
    expect([status, headers.get("content-type")]).toEqual([200, expect.stringContaining("text/plain")]);
    expect(text).toMatch(/windlass_http_requests_total\{verb="get",kind="nodes",code="404"\} [1-9]/);
    expect(text).toMatch(/windlass_http_request_duration_seconds_bucket\{le="10",verb="get",kind="nodes"\} [1-9]/);
    expect(text).toMatch(/^windlass_log_revision\{cluster="root"\} [1-9]/m);
    const viewer = await tokenOf(client, "viewer");
    expect((await client.get("/metrics", { token: viewer })).status).toBe(403);
    expect((await client.get("/metrics", { token: await tokenOf(client, "viewer", "") })).status).toBe(200);
    expect((await client.get("/metrics", { token: null })).status).toBe(401);
  });
}
