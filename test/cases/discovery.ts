/** How clients find out what there is; the documents themselves have tests of their own. */
import { expect, it } from "vitest";
import { type Client, group } from "./client.ts";

const protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

export function discoveryCases(client: Client): void {
  it("health answers without a token", async () => {
    for (const path of ["/healthz", "/livez", "/readyz"]) {
      const { status, text } = await client.get(path, { token: null });
      expect([path, status, text]).toEqual([path, 200, "ok"]);
    }
  });

  it.each(["", "/clusters/default"])("the kinds are found under '%s'", async (base) => {
    expect((await client.get(`${base}/version`)).body).toMatchObject({ major: "1" });
    expect((await client.get(`${base}/api`)).body).toMatchObject({ kind: "APIVersions", versions: ["v1"] });
    expect((await client.get(`${base}/api/v1`)).body).toMatchObject({
      kind: "APIResourceList",
      groupVersion: "v1",
      resources: [{ name: "events", kind: "Event", namespaced: true, shortNames: ["ev"] }],
    });
    const { body: groups } = await client.get(`${base}/apis`);
    expect(groups["kind"]).toBe("APIGroupList");
    expect([...(groups["groups"] ?? [])].map((one) => one["name"])).toEqual(expect.arrayContaining(["windlass.dev"]));
    expect((await client.get(`${base}/apis/windlass.dev`)).body).toMatchObject({ kind: "APIGroup" });
    const { body } = await client.get(`${base}${group}`);
    const names = [...(body["resources"] ?? [])].map((resource) => resource["name"]);
    expect(names).toEqual(expect.arrayContaining(["nodes", "nodes/status", "services", "tasks", "networks"]));
    expect(names.includes("clusters" as never)).toBe(base === "");
  });

  it("an aggregated discovery document is given where it is asked for", async () => {
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    const { headers, body } = await client.get("/apis", { accept });
    expect(body).toMatchObject({ kind: "APIGroupDiscoveryList" });
    expect(headers.get("content-type")).toContain("as=APIGroupDiscoveryList");
  });

  it("OpenAPI v2 comes as JSON and as protobuf, v3 by its index", async () => {
    expect((await client.get("/openapi/v2")).body).toMatchObject({ swagger: "2.0" });
    expect((await client.get("/openapi/v2", { accept: protobuf })).headers.get("content-type")).toContain("protobuf");
    const index = await client.get("/openapi/v3");
    const url = index.body["paths"]?.["apis/windlass.dev/v1"]?.["serverRelativeURL"] ?? "";
    expect((await client.get(String(url))).body).toMatchObject({ openapi: "3.0.0" });
    const core = index.body["paths"]?.["api/v1"]?.["serverRelativeURL"] ?? "";
    expect((await client.get(String(core))).body["paths"]).toHaveProperty(["/api/v1/namespaces/{namespace}/events/{name}"]);
    expect((await client.get("/openapi/v3/apis/other/v1")).status).toBe(404);
  });

  it("a document that the client has is not sent again", async () => {
    const etag = (await client.get("/openapi/v3")).headers.get("etag") ?? "";
    expect(etag).toMatch(/^".+"$/);
    const { status, text } = await client.get("/openapi/v3", { headers: { "if-none-match": etag } });
    expect([status, text]).toEqual([304, ""]);
  });

  it("a path that nothing answers to is a 404 with a Status", async () => {
    for (const path of ["/", "/nope", "/apis/other/v1", "/api/v1/pods", `${group}/nopes`, `${group}/nodes/a/scale`]) {
      const { status, body } = await client.get(path);
      expect([path, status, body["kind"], body["reason"]]).toEqual([path, 404, "Status", "NotFound"]);
    }
  });

  it("the aggregated core group has events", async () => {
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    const { body } = await client.get("/api", { accept });
    expect(body["items"]?.[0]?.["versions"]?.[0]?.["resources"]).toMatchObject([{ resource: "events", scope: "Namespaced" }]);
  });

  it("kubectl cluster-info, which looks for services of Kubernetes' own, is told that there are none", async () => {
    const path = `${group}/namespaces/kube-system/services`;
    const query = "labelSelector=kubernetes.io%2Fcluster-service%3Dtrue";
    const headers = { "user-agent": "kubectl/v1.32.4 (linux/amd64)" };
    const asked = await client.get(`${path}?${query}`, { headers });
    expect(asked.body).toMatchObject({ kind: "ServiceList", apiVersion: "v1", items: [] });
    for (const other of [await client.get(`${path}?${query}`), await client.get(path, { headers })])
      expect(other.body).toMatchObject({ kind: "ServiceList", apiVersion: "windlass.dev/v1" });
  });

  it("clusters are found at the root only", async () => {
    const list = await client.get(`${group}/clusters`);
    expect([...(list.body["items"] ?? [])].map((item) => item["metadata"]?.["name"])).toContain("default");
    expect((await client.get(`${group}/clusters/default`)).body).toMatchObject({
      kind: "Cluster",
      metadata: { name: "default" },
    });
    expect((await client.get(`/clusters/default${group}/clusters`)).status).toBe(404);
    expect((await client.post(`/clusters/default${group}/clusters`, {})).status).toBe(404);
  });

  it("each kind tells its verbs, and which of its objects can be scaled", async () => {
    const { body } = await client.get(group);
    const verbs = Object.fromEntries([...(body["resources"] ?? [])].map(({ name, verbs }) => [name, [...(verbs ?? [])]]));
    expect(verbs["nodes"]).toContain("deletecollection");
    expect(verbs["clusters"]).not.toContain("deletecollection");
    expect(verbs["services/scale"]).toEqual(["get", "patch", "update"]);
    expect(body["resources"]).toContainEqual(
      expect.objectContaining({ name: "services/scale", group: "autoscaling", version: "v1", kind: "Scale" }),
    );
  });
}
