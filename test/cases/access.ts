/** Nothing but health answers to someone unknown, and no answer tells what there is. */
import { expect, it } from "vitest";
import { type Client, group, node, unique } from "./client.ts";

const paths = [
  "/",
  "/version",
  "/api",
  "/apis",
  "/apis/windlass.dev",
  group,
  "/openapi/v2",
  "/openapi/v3",
  `/openapi/v3${group}`,
  `${group}/clusters`,
  `${group}/nodes`,
  `${group}/nodes?watch=true`,
  `${group}/nodes/nobody`,
  `${group}/nodes/nobody/status`,
  `${group}/services`,
  `${group}/namespaces/default/services`,
  `${group}/namespaces/default/services/nobody`,
  `/clusters/default${group}/nodes`,
  `/clusters/nobody${group}/nodes`,
  "/clusters/nobody/apis",
  "/api/v1/events",
  "/api/v1/namespaces/default/events/nobody",
  "/clusters/nobody/api/v1/events?watch=true",
];

export function accessCases(client: Client): void {
  it("every path but health says 401, the same to all who are not known", async () => {
    const answers = new Set<string>();
    for (const path of paths) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
        for (const token of [
          null,
          "nonsense",
          "wl_00000000-0000-0000-0000-000000000000_0000000000000000000000000000000000000000000",
        ]) {
          const { status, text, headers } = await client.send(method, path, { token });
          expect([method, path, status]).toEqual([method, path, 401]);
          expect(headers.get("www-authenticate")).toContain("Bearer");
          answers.add(text);
        }
      }
    }
    expect([...answers]).toHaveLength(1);
    expect(JSON.parse([...answers][0] ?? "")).toMatchObject({ kind: "Status", reason: "Unauthorized", code: 401 });
  });

  it("an unknown sender's write changes nothing", async () => {
    const name = unique("secret");
    expect((await client.post(`${group}/nodes`, node(name), { token: null })).status).toBe(401);
    expect((await client.get(`${group}/nodes/${name}`)).status).toBe(404);
  });

  it("a cluster that is not there is a 404 to the root's admin", async () => {
    for (const path of [`/clusters/nobody${group}/nodes`, "/clusters/nobody/apis", `/clusters/no%2Fbody${group}/nodes/x`]) {
      const { status, body } = await client.get(path);
      expect([path, status, body["details"]?.["kind"]]).toEqual([path, 404, "clusters"]);
    }
  });
}
