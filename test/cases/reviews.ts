/** Reviews of oneself: what `kubectl auth can-i` and `auth whoami` ask. */
import { expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { type Answer, type Client, unique } from "./client.ts";

const authorization = "/apis/authorization.k8s.io/v1";
const accessPath = `${authorization}/selfsubjectaccessreviews`;

const access = (spec: Json): Json => ({ kind: "SelfSubjectAccessReview", apiVersion: "authorization.k8s.io/v1", spec });
const onNodes = (verb: string): Json => access({ resourceAttributes: { verb, group: "windlass.dev", resource: "nodes" } });

/** A token of `role` in the default cluster. */
export async function tokenOf(client: Client, role: string, base = "/clusters/default"): Promise<string> {
  const { status, body } = await client.post(`${base}/windlass/v1/tokens`, { name: unique(role), role });
  expect(status).toBe(201);
  return String(body["token"]);
}

export function reviewCases(client: Client): void {
  const may = async (token: string | undefined, spec: Json, base = ""): Promise<boolean> => {
    const answer = await client.post(base + accessPath, spec, token === undefined ? {} : { token });
    expect(answer.status).toBe(201);
    return (answer.body["status"]?.["allowed"] as unknown) === true;
  };

  it("can-i: what a role may is what its requests are allowed", async () => {
    const [viewer, editor] = [await tokenOf(client, "viewer"), await tokenOf(client, "editor")];
    for (const base of ["", "/clusters/default"]) {
      expect(await may(viewer, onNodes("list"), base)).toBe(true);
      expect(await may(viewer, onNodes("create"), base)).toBe(false);
      expect(await may(editor, onNodes("create"), base)).toBe(true);
      expect(await may(editor, onNodes("*"), base)).toBe(false);
      expect(await may(undefined, onNodes("*"), base)).toBe(true);
    }
  });

  it("can-i: the root's kinds, other groups' and unknown paths are not a cluster's viewer's", async () => {
    const viewer = await tokenOf(client, "viewer");
    expect(await may(viewer, access({ resourceAttributes: { verb: "get", group: "windlass.dev", resource: "clusters" } }))).toBe(
      false,
    );
    expect(await may(undefined, access({ resourceAttributes: { verb: "get", group: "apps", resource: "deployments" } }))).toBe(
      false,
    );
    expect(await may(viewer, access({ nonResourceAttributes: { verb: "get", path: "/version" } }))).toBe(true);
    expect(await may(viewer, access({ nonResourceAttributes: { verb: "get", path: "/metrics" } }))).toBe(false);
    expect(await may(undefined, access({ nonResourceAttributes: { verb: "get", path: "/metrics" } }))).toBe(true);
  });

  it("can-i --list: the rules of a viewer are those of a viewer", async () => {
    const token = await tokenOf(client, "viewer");
    const { status, body } = await client.post(
      `${authorization}/selfsubjectrulesreviews`,
      { spec: { namespace: "default" } },
      { token },
    );
    expect([status, body["status"]?.["incomplete"]]).toEqual([201, false]);
    const [rule] = body["status"]?.["resourceRules"] ?? [];
    expect(rule).toMatchObject({ verbs: ["get", "list", "watch"], apiGroups: ["windlass.dev"] });
    expect(JSON.stringify(body)).not.toContain("clusters");
  });

  it("whoami: the token's name", async () => {
    const token = await tokenOf(client, "viewer");
    const { status, body } = await client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, { token });
    expect([status, body["kind"]]).toEqual([201, "SelfSubjectReview"]);
    expect(String(body["status"]?.["userInfo"]?.["username"])).toMatch(/^viewer-/);
  });

  it("what is no review is a 400, in JSON and in protobuf; other methods are a 405", async () => {
    const type = "application/vnd.kubernetes.protobuf";
    const answers: Answer[] = [
      await client.post(accessPath, { spec: {} }),
      await client.post(accessPath, access({ resourceAttributes: {}, nonResourceAttributes: {} })),
      await client.post(accessPath, { kind: "Node", apiVersion: "windlass.dev/v1" }),
      await client.send("POST", accessPath, { body: new Uint8Array([1, 2, 3]), type }),
      await client.send("POST", accessPath, { body: Buffer.from("k8s\0\xff\xff", "latin1"), type }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
    expect((await client.get(accessPath)).status).toBe(405);
  });

  it("discovery lists them", async () => {
    const { body } = await client.get(authorization);
    expect(body).toMatchObject({ kind: "APIResourceList", groupVersion: "authorization.k8s.io/v1" });
    expect((await client.get("/apis/authentication.k8s.io")).body).toMatchObject({ kind: "APIGroup" });
  });
}
