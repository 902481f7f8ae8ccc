/** One object's life: create, read, replace, patch, delete, and the conflicts on the way. */
import { expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { type Body, type Client, group, node, service, unique } from "./client.ts";

const nodes = `${group}/nodes`;
const jsonPatch = { type: "application/json-patch+json" };
/** Doubles a list of 2,000 characters, time after time. */
const growing: Json = [
  { op: "add", path: "/l", value: ["x".repeat(2_000)] },
  ...Array.from({ length: 30 }, () => ({ op: "copy", from: "/l", path: "/l/-" })),
];

export function objectCases(client: Client): void {
  it("a created object has its defaults, a uid, a version and generation 1", async () => {
    const name = unique("made");
    const { status, body, headers } = await client.post(nodes, node(name, { zone: "a" }));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      apiVersion: "windlass.dev/v1",
      kind: "Node",
      metadata: { name, labels: { zone: "a" }, generation: 1 },
      spec: { availability: "active", role: "worker", membership: "accepted" },
    });
    expect(metadataOf(body)["uid"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(metadataOf(body)["creationTimestamp"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Number(metadataOf(body)["resourceVersion"])).toBeLessThanOrEqual(Number(headers.get("x-windlass-resource-version")));
    expect((await client.get(`${nodes}/${name}`)).body).toEqual(body);
  });

  it("what the server sets can't be given", async () => {
    const name = unique("given");
    const given = {
      uid: "mine",
      generation: 7,
      creationTimestamp: "2001-01-01T00:00:00Z",
      deletionTimestamp: "2001-01-01T00:00:00Z",
    };
    const { body } = await client.post(nodes, {
      ...(node(name) as object),
      metadata: { name, ...given },
      status: { state: "ready" },
    });
    expect(metadataOf(body)).toMatchObject({ name, generation: 1 });
    expect(metadataOf(body)["uid"]).not.toBe("mine");
    expect(metadataOf(body)["creationTimestamp"]).not.toBe(given.creationTimestamp);
    expect(metadataOf(body)).not.toHaveProperty("deletionTimestamp");
    expect(body).not.toHaveProperty("status");
  });

  it("a create that names a version is a 400, one that is taken a 409, and neither writes", async () => {
    const name = unique("taken");
    const versioned = await client.post(nodes, { ...(node(name) as object), metadata: { name, resourceVersion: "5" } });
    expect([versioned.status, versioned.body["reason"]]).toEqual([400, "BadRequest"]);
    await client.post(nodes, node(name));
    const again = await client.post(nodes, node(name, { other: "true" }));
    expect([again.status, again.body["reason"]]).toEqual([409, "AlreadyExists"]);
    expect(again.body["message"]).toBe(`nodes.windlass.dev "${name}" already exists`);
    expect(again.body["details"]).toEqual({ name, group: "windlass.dev", kind: "nodes" });
  });

  it("generateName makes names that differ", async () => {
    const base = `${unique("gen")}-`;
    const body = { ...(node("x") as object), metadata: { generateName: base } };
    const names = [await client.post(nodes, body), await client.post(nodes, body)].map((answer) =>
      String(metadataOf(answer.body)["name"]),
    );
    expect(names.every((name) => name.startsWith(base) && name.length === base.length + 5)).toBe(true);
    expect(new Set(names).size).toBe(2);
  });

  it("a namespaced object is made, found and listed in its namespace only", async () => {
    const [name, namespace] = [unique("web"), unique("team")];
    const made = await client.post(`${group}/namespaces/${namespace}/services`, service(name, namespace));
    expect(metadataOf(made.body)).toMatchObject({ name, namespace });
    expect((await client.get(`${group}/namespaces/${namespace}/services/${name}`)).status).toBe(200);
    expect((await client.get(`${group}/namespaces/default/services/${name}`)).status).toBe(404);
    const other = await client.post(`${group}/namespaces/default/services`, service(unique("web"), namespace));
    expect([other.status, other.body["reason"]]).toEqual([400, "BadRequest"]);
    expect((await client.post(`${group}/services`, service(name, namespace))).status).toBe(405);
  });

  it("a replace counts a generation when the spec changes and not otherwise; what it leaves out is gone", async () => {
    const name = unique("put");
    await client.post(nodes, node(name, { a: "1" }));
    const labelled = await client.put(`${nodes}/${name}`, node(name, { b: "2" }));
    expect(metadataOf(labelled.body)).toMatchObject({ generation: 1, labels: { b: "2" } });
    const drained = await client.put(`${nodes}/${name}`, node(name, {}, { availability: "drain" }));
    expect(metadataOf(drained.body)).toMatchObject({ generation: 2 });
    expect(metadataOf(drained.body)).not.toHaveProperty("labels");
  });

  it("a replace or a patch that changes nothing makes no revision", async () => {
    const name = unique("same");
    const made = await client.post(nodes, node(name));
    const answers = [
      await client.put(`${nodes}/${name}`, made.body as never),
      await client.put(`${nodes}/${name}`, { ...(node(name) as object), metadata: { name, labels: {} } }),
      await client.patch(`${nodes}/${name}`, { spec: { availability: "active" } }),
      await client.patch(`${nodes}/${name}`, {}),
    ];
    for (const { status, body } of answers) expect([status, body]).toEqual([200, made.body]);
  });

  it("a stale resourceVersion or another uid is a 409 and changes nothing, also where nothing would change", async () => {
    const name = unique("stale");
    const { body: first } = await client.post(nodes, node(name));
    const { body: second } = await client.patch(`${nodes}/${name}`, { metadata: { labels: { a: "1" } } });
    const stale = { metadata: { resourceVersion: metadataOf(first)["resourceVersion"] } } as never;
    const answers = [
      await client.put(`${nodes}/${name}`, first as never),
      await client.put(`${nodes}/${name}`, { ...(second as object), metadata: { ...metadataOf(second), resourceVersion: "1" } }),
      await client.patch(`${nodes}/${name}`, stale),
      await client.delete(`${nodes}/${name}`, { body: { preconditions: stale["metadata"] } }),
      await client.delete(`${nodes}/${name}?resourceVersion=${metadataOf(first)["resourceVersion"]}`),
      await client.put(`${nodes}/${name}`, { ...(node(name) as object), metadata: { name, uid: "another" } }),
      await client.delete(`${nodes}/${name}`, { body: { preconditions: { uid: "another" } } }),
    ];
    for (const { status, body } of answers) {
      expect([status, body["reason"], body["details"]?.["name"]]).toEqual([409, "Conflict", name]);
      expect(body["message"]).toContain(`Operation cannot be fulfilled on nodes.windlass.dev "${name}": `);
    }
    expect((await client.get(`${nodes}/${name}`)).body).toEqual(second);
  });

  it("a replace without a version overwrites; one with the current version passes", async () => {
    const name = unique("over");
    await client.post(nodes, node(name));
    await client.patch(`${nodes}/${name}`, { metadata: { labels: { a: "1" } } });
    const blind = await client.put(`${nodes}/${name}`, node(name, { b: "2" }));
    expect([blind.status, metadataOf(blind.body)["labels"]]).toEqual([200, { b: "2" }]);
    const fresh = await client.put(`${nodes}/${name}`, { ...(blind.body as object), spec: { address: "tcp://127.0.0.1:1" } });
    expect([fresh.status, fresh.body["spec"]?.["address"]]).toEqual([200, "tcp://127.0.0.1:1"]);
  });

  it("a merge patch merges objects, removes by null and replaces lists", async () => {
    const [name, namespace] = [unique("patch"), "default"];
    const path = `${group}/namespaces/${namespace}/services/${name}`;
    const template = { spec: { image: "a", command: ["x", "y"], env: { A: "1", B: "2" } } };
    await client.post(`${group}/namespaces/${namespace}/services`, service(name, namespace, { template }));
    const { status, body } = await client.patch(path, {
      spec: { template: { spec: { env: { A: null, C: "3" }, command: ["z"] } } },
    });
    expect(status).toBe(200);
    expect(body["spec"]?.["template"]?.["spec"]).toMatchObject({ image: "a", command: ["z"], env: { B: "2", C: "3" } });
    expect(body["spec"]?.["template"]?.["spec"]?.["env"]).not.toHaveProperty("A");
  });

  it("a JSON patch is applied as a whole or not at all", async () => {
    const name = unique("json");
    const path = `${nodes}/${name}`;
    await client.post(nodes, node(name, { a: "1", "x/y": "2" }));
    const { status, body } = await client.patch(
      path,
      [
        { op: "test", path: "/metadata/labels/a", value: "1" },
        { op: "move", from: "/metadata/labels/x~1y", path: "/metadata/labels/b" },
        { op: "copy", from: "/metadata/labels/a", path: "/metadata/labels/c" },
        { op: "remove", path: "/metadata/labels/a" },
        { op: "replace", path: "/spec/availability", value: "drain" },
        { op: "add", path: "/metadata/annotations", value: { note: "x" } },
      ],
      jsonPatch,
    );
    expect([status, body["metadata"]?.["labels"], body["spec"]?.["availability"]]).toEqual([200, { b: "2", c: "1" }, "drain"]);
    const failing = [
      { op: "remove", path: "/metadata/labels/b" },
      { op: "test", path: "/spec/availability", value: "active" },
    ];
    const refused = await client.patch(path, failing, jsonPatch);
    expect([refused.status, refused.body["reason"]]).toEqual([422, "Invalid"]);
    expect(refused.body["message"]).toContain("testing value /spec/availability failed");
    expect((await client.get(path)).body).toEqual(body);
  });

  it("a JSON patch can name the version that it was made for", async () => {
    const name = unique("json");
    const path = `${nodes}/${name}`;
    const { body } = await client.post(nodes, node(name));
    const stale = metadataOf(body)["resourceVersion"] as never;
    await client.patch(path, { metadata: { labels: { a: "1" } } });
    const answer = await client.patch(path, [{ op: "replace", path: "/metadata/resourceVersion", value: stale }], jsonPatch);
    expect([answer.status, answer.body["reason"]]).toEqual([409, "Conflict"]);
  });

  it.each<readonly [string, Json, number]>([
    ["no list", { op: "add", path: "/a", value: 1 }, 400],
    ["an operation that is no object", ["add"], 400],
    ["a path that is no pointer", [{ op: "add", path: "metadata", value: 1 }], 400],
    ["an unknown operation", [{ op: "spam", path: "/spec" }], 422],
    ["a path that leads nowhere", [{ op: "add", path: "/a/b/c", value: 1 }], 422],
    ["a name that objects inherit", [{ op: "remove", path: "/metadata/constructor" }], 422],
    ["a result that is no object", [{ op: "replace", path: "", value: 5 }], 422],
    ["too many operations", Array.from({ length: 10_001 }, () => ({ op: "test", path: "/a", value: null })), 413],
    ["copies that grow", growing, 413],
  ])("a JSON patch with %s changes nothing", async (_name, patch, status) => {
    const name = unique("json");
    const { body: made } = await client.post(nodes, node(name));
    const answer = await client.patch(`${nodes}/${name}`, patch, jsonPatch);
    expect([answer.status, answer.body["kind"]]).toEqual([status, "Status"]);
    expect((await client.get(`${nodes}/${name}`)).body).toEqual(made);
  });

  it("a name can't be changed", async () => {
    const name = unique("fixed");
    await client.post(nodes, node(name));
    const answers = [
      await client.put(`${nodes}/${name}`, node("other")),
      await client.patch(`${nodes}/${name}`, { metadata: { name: "other" } }),
    ];
    for (const { status, body } of answers) expect([status, body["reason"]]).toEqual([400, "BadRequest"]);
  });

  it("what is not there is a 404 with the kind and the name, for every verb", async () => {
    const name = unique("absent");
    const path = `${nodes}/${name}`;
    const answers = [
      await client.get(path),
      await client.put(path, node(name)),
      await client.patch(path, {}),
      await client.delete(path),
      await client.get(`${path}/status`),
      await client.patch(`${path}/status`, {}),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(404);
      expect(body).toMatchObject({
        reason: "NotFound",
        message: `nodes.windlass.dev "${name}" not found`,
        details: { name, kind: "nodes" },
      });
    }
  });

  it("a delete answers with a Status that names the object; a new one of that name is another", async () => {
    const name = unique("gone");
    const made = await client.post(nodes, node(name));
    const { uid, resourceVersion } = metadataOf(made.body);
    const gone = await client.delete(`${nodes}/${name}`, {
      body: { kind: "DeleteOptions", preconditions: { uid, resourceVersion } } as never,
    });
    expect(gone.body).toMatchObject({
      kind: "Status",
      status: "Success",
      details: { name, kind: "nodes", group: "windlass.dev", uid },
    });
    expect((await client.get(`${nodes}/${name}`)).status).toBe(404);
    const again = await client.post(nodes, node(name));
    expect(metadataOf(again.body)["uid"]).not.toBe(uid);
  });

  it("what of DeleteOptions is not honoured yet is taken where Kubernetes may leave it undone, and nonsense is refused", async () => {
    const name = unique("policy");
    await client.post(nodes, node(name));
    const bad = [
      await client.delete(`${nodes}/${name}?propagationPolicy=Sometimes`),
      await client.delete(`${nodes}/${name}`, { body: { propagationPolicy: "Sometimes" } }),
      await client.delete(`${nodes}/${name}`, { body: { gracePeriodSeconds: "soon" } }),
    ];
    for (const { status, body } of bad) expect([status, body["reason"]]).toEqual([422, "Invalid"]);
    const fine = await client.delete(`${nodes}/${name}?gracePeriodSeconds=0`, { body: { propagationPolicy: "Background" } });
    expect(fine.status).toBe(200);
  });

  it("an object with finalizers is marked, and goes with the last of them", async () => {
    const name = unique("held");
    const path = `${nodes}/${name}`;
    await client.post(nodes, { ...(node(name) as object), metadata: { name, finalizers: ["example.com/a", "example.com/b"] } });
    const marked = await client.delete(path);
    expect([marked.status, marked.body["kind"]]).toEqual([200, "Node"]);
    expect(metadataOf(marked.body)).toHaveProperty("deletionTimestamp");
    expect((await client.delete(path)).body).toEqual(marked.body);
    const added = await client.patch(path, { metadata: { finalizers: ["example.com/a", "example.com/b", "example.com/c"] } });
    expect([added.status, added.body["details"]?.["causes"]?.[0]?.["field"]]).toEqual([422, "metadata.finalizers"]);
    expect((await client.patch(path, { metadata: { finalizers: ["example.com/b"], deletionTimestamp: null } })).status).toBe(200);
    expect(metadataOf((await client.get(path)).body)).toHaveProperty("deletionTimestamp");
    expect((await client.patch(path, { metadata: { finalizers: null } })).status).toBe(200);
    expect((await client.get(path)).status).toBe(404);
  });
}

const metadataOf = (body: Body): Body => body["metadata"] as Body;
