/** Several clusters: made, addressed and deleted through the root; one never sees another. */
import { expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { type Answer, type Client, group, node, unique } from "./client.ts";

const clusters = `${group}/clusters`;
const cluster = (name: string, spec: Record<string, Json> = {}): Json => ({
  apiVersion: "windlass.dev/v1",
  kind: "Cluster",
  metadata: { name },
  spec,
});

export function clusterCases(client: Client): void {
  const nodesOf = (name: string) => `/clusters/${name}${group}/nodes`;
  const made = async (spec?: Record<string, Json>) => {
    const name = unique("cluster");
    expect((await client.post(clusters, cluster(name, spec))).status).toBe(201);
    return { name, path: `${clusters}/${name}`, nodes: nodesOf(name) };
  };
  const gone = (path: string) =>
    expect.poll(async () => (await client.get(path)).status, { timeout: 20_000, interval: 20 }).toBe(404);

  it("a Cluster makes one that is addressed at once, and becomes ready", async () => {
    const { name, path, nodes } = await made();
    expect((await client.post(nodes, node("a"))).status).toBe(201);
    expect((await client.get(path)).body["status"]).toMatchObject({ state: "ready" });
    expect(names(await client.get(`/clusters/${name}${group}/nodes`))).toEqual(["a"]);
  });

  it("a Cluster is replaced and patched as other objects are, and has no owners", async () => {
    const { path } = await made();
    const patched = await client.patch(path, { spec: { description: "mine", retention: "1h" } });
    expect(patched.body).toMatchObject({ spec: { description: "mine", retention: "1h" }, metadata: { generation: 2 } });
    const replaced = await client.put(path, { ...(patched.body as object), spec: { retention: "never" } });
    expect(replaced.body["spec"]).toEqual({ retention: "never" });
    const owner = { apiVersion: "windlass.dev/v1", kind: "Cluster", name: "x", uid: "y" };
    expect((await client.patch(path, { metadata: { ownerReferences: [owner] } })).status).toBe(422);
    expect((await client.patch(path, { spec: { retention: "for ever" } })).status).toBe(422);
  });

  it("clusters do not see each other: same names, uids, watches, versions and tokens", async () => {
    const [one, other] = [await made(), await made()];
    const version = (await client.get(other.nodes)).body["metadata"]?.["resourceVersion"];
    const watch = await client.watch(`${other.nodes}?watch=true&resourceVersion=${version}`);
    try {
      const [here, there] = [
        await client.post(one.nodes, node("same", { at: "one" })),
        await client.post(other.nodes, node("same", { at: "other" })),
      ];
      expect(here.body["metadata"]?.["uid"]).not.toBe(there.body["metadata"]?.["uid"]);
      expect((await watch.next())?.object).toEqual(there.body);
      expect((await client.get(`${one.nodes}/same`)).body).toEqual(here.body);
      await client.delete(`${one.nodes}/same`);
      expect((await client.get(`${other.nodes}/same`)).body).toEqual(there.body);
    } finally {
      watch.close();
    }
    for (const name of ["a", "b"]) await client.post(one.nodes, node(name));
    const page = await client.get(`${one.nodes}?limit=1`);
    const token = encodeURIComponent(String(page.body["metadata"]?.["continue"]));
    expect((await client.get(`${other.nodes}?limit=1&continue=${token}`)).status).toBe(410);
    // Revisions begin at a cluster's creation, so one that is older by more milliseconds than it has commits lies wholly below.
    const old = nodesOf("default");
    const [below, above] = [await client.get(old), await client.get(other.nodes)].map(
      ({ body }) => body["metadata"]?.["resourceVersion"],
    );
    for (const path of [`${other.nodes}?resourceVersion=${below}`, `${old}?resourceVersion=${above}`]) {
      const exact = await client.get(`${path}&resourceVersionMatch=Exact`);
      expect([(await client.get(path)).status, exact.status]).toEqual([410, 410]);
    }
  });

  it("a deleted cluster is gone at once, with all that it held, and its successor knows none of its revisions", async () => {
    const { name, path, nodes } = await made();
    for (const each of ["a", "b"]) await client.post(nodes, node(each));
    const before = (await client.get(nodes)).body["metadata"]?.["resourceVersion"];
    const watch = await client.watch(`${nodes}?watch=true`);
    const answer = await client.delete(path);
    expect([answer.status, answer.body["kind"]]).toEqual([200, "Cluster"]);
    expect((await client.get(nodes)).status).toBe(404);
    expect((await client.post(nodes, node("late"))).status).toBe(404);
    await watch.rest();
    await gone(path);
    expect((await client.post(clusters, cluster(name))).status).toBe(201);
    expect(names(await client.get(nodes))).toEqual([]);
    expect((await client.get(`${nodes}?resourceVersion=${before}&resourceVersionMatch=Exact`)).status).toBe(410);
  });

  it("a cluster that is held by a finalizer of somebody's stays as deleting, without its data; its own can't be taken away", async () => {
    const { path, nodes } = await made();
    await client.patch(path, { metadata: { finalizers: ["example.com/hold"] } });
    await client.delete(path);
    await client.patch(path, { metadata: { finalizers: ["example.com/hold"] } });
    const state = async () => (await client.get(path)).body["status"]?.["state"];
    await expect.poll(state, { timeout: 20_000 }).toBe("deleting");
    expect((await client.get(nodes)).status).toBe(404);
    await client.patch(path, { metadata: { finalizers: null } });
    await gone(path);
  });

  it("the default cluster can't be deleted", async () => {
    const { status, body } = await client.delete(`${clusters}/default`);
    expect([status, body["reason"], body["message"]]).toEqual([
      403,
      "Forbidden",
      'clusters.windlass.dev "default" is forbidden: this cluster may not be deleted',
    ]);
    expect((await client.get(`${group}/nodes`)).status).toBe(200);
  });

  it("a dry run makes and deletes no cluster", async () => {
    const name = unique("dry");
    expect((await client.post(`${clusters}?dryRun=All`, cluster(name))).status).toBe(201);
    expect((await client.get(`${clusters}/${name}`)).status).toBe(404);
    const { path, nodes } = await made();
    expect((await client.delete(`${path}?dryRun=All`)).status).toBe(200);
    expect((await client.get(nodes)).status).toBe(200);
  });
}

const names = ({ body }: Answer): string[] => [...(body["items"] ?? [])].map((item) => String(item["metadata"]?.["name"]));
