/** Who may change which clusters there are. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { rootScope } from "../../shared/access/access.ts";
import { Client, group } from "../cases/client.ts";
import { startServer, type TestServer } from "./server.ts";

const clusters = `${group}/clusters`;
let server: TestServer;
let client: Client;
beforeAll(async () => {
  server = await startServer();
  client = new Client(() => server.target);
  const clusterUid = (await server.clusters.resolve("default"))?.uid ?? "";
  server.principals.set("root-editor", { name: "e", role: "editor", clusterUid: rootScope });
  server.principals.set("root-viewer", { name: "v", role: "viewer", clusterUid: rootScope });
  server.principals.set("cluster-admin", { name: "a", role: "admin", clusterUid });
});
afterAll(() => server.close());

it.each(["root-editor", "root-viewer", "cluster-admin"])(
  "clusters are changed by the root's admins only, not by %s",
  async (token) => {
    const body = { apiVersion: "windlass.dev/v1", kind: "Cluster", metadata: { name: "second" } };
    const answers = [
      await client.post(clusters, body, { token }),
      await client.put(`${clusters}/default`, body, { token }),
      await client.patch(`${clusters}/default`, { spec: { retention: "1h" } }, { token }),
      await client.patch(`${clusters}/default/status`, {}, { token }),
      await client.delete(`${clusters}/default`, { token }),
    ];
    for (const { status, body } of answers) expect([status, body["reason"]]).toEqual([403, "Forbidden"]);
    expect((await client.get(clusters, { token })).status).toBe(token === "cluster-admin" ? 403 : 200);
    const resourceAttributes = { group: "windlass.dev", resource: "clusters", verb: "create" };
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec: { resourceAttributes } };
    const asked = await client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, { token });
    expect(asked.body["status"]?.["allowed"]).toBe(false);
  },
);
