/** Who set which field, as every write that is no apply keeps it. */
import { expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { applied, owners } from "./apply.ts";
import { type Client, group, node, service, unique } from "./client.ts";

const nodes = `${group}/nodes`;
const jsonPatch = "application/json-patch+json";

const asAgent = (agent: string) => ({ headers: { "user-agent": agent } });
const labelFields = (...labels: readonly string[]) => ({
  "f:metadata": { "f:labels": Object.fromEntries(labels.map((label) => [label === "." ? label : `f:${label}`, {}])) },
});

export function managedFieldCases(client: Client): void {
  it("who makes an object owns all of it, the defaults too; by the query's name or the User-Agent's first part", async () => {
    const made = await client.post(nodes, node(unique("owned"), { a: "1" }), asAgent("robot/1.2 (linux)"));
    expect(owners(made.body)).toEqual({
      "robot Update": {
        ...labelFields(".", "a"),
        "f:spec": { ".": {}, "f:address": {}, "f:availability": {}, "f:membership": {}, "f:role": {} },
      },
    });
    const named = await client.post(`${nodes}?fieldManager=me`, node(unique("owned")), asAgent("robot/1.2"));
    expect(Object.keys(owners(named.body))).toEqual(["me Update"]);
    expect((await client.post(`${nodes}?fieldManager=${"x".repeat(129)}`, node(unique("owned")))).status).toBe(422);
  });

  it("an update takes what it changes, whatever its verb; what goes is nobody's", async () => {
    const name = unique("owned");
    const path = `${nodes}/${name}`;
    await client.post(`${nodes}?fieldManager=one`, node(name, { a: "1", b: "1", c: "1" }));
    const patched = await client.patch(`${path}?fieldManager=two`, { metadata: { labels: { a: "2", c: null } } });
    expect(owners(patched.body)).toMatchObject({ "one Update": labelFields(".", "b"), "two Update": labelFields("a") });
    const put = await client.put(`${path}?fieldManager=three`, node(name, { a: "2", b: "3" }));
    expect(owners(put.body)).toMatchObject({ "two Update": labelFields("a"), "three Update": labelFields("b") });
    const operations = [{ op: "replace", path: "/metadata/labels/a", value: "4" }];
    const last = await client.patch(`${path}?fieldManager=three`, operations as unknown as Json, { type: jsonPatch });
    expect(owners(last.body)).toMatchObject({ "three Update": labelFields("a", "b") });
    expect(owners(last.body)).not.toHaveProperty("two Update");
    expect((await client.get(path)).body).toEqual(last.body);
  });

  it("a write that changes nothing makes no revision and no time, also when it takes part in what others own", async () => {
    const name = unique("owned");
    const path = `${nodes}/${name}`;
    const { body } = await client.post(`${nodes}?fieldManager=one`, node(name, { a: "1" }));
    for (const manager of ["one", "two"]) {
      expect((await client.put(`${path}?fieldManager=${manager}`, node(name, { a: "1" }))).body).toEqual(body);
      expect((await client.put(`${path}?fieldManager=${manager}`, body as unknown as Json)).body).toEqual(body);
      expect((await client.patch(`${path}?fieldManager=${manager}`, { metadata: { labels: { a: "1" } } })).body).toEqual(body);
    }
    const [entry] = body["metadata"]?.["managedFields"] ?? ([] as unknown as typeof body);
    const later = { metadata: { managedFields: [{ ...entry, time: "2001-01-01T00:00:00Z" }] } } as unknown as Json;
    expect((await client.patch(path, later)).body).toEqual(body);
  });

  it("the status has owners of its own, and a client can't edit entries through it", async () => {
    const name = unique("owned");
    const path = `${nodes}/${name}`;
    await client.post(`${nodes}?fieldManager=one`, node(name));
    const status = { metadata: { managedFields: [{}] }, status: { state: "ready" } };
    const { body } = await client.patch(`${path}/status?fieldManager=one`, status);
    expect(owners(body)).toMatchObject({
      "one Update": { "f:spec": {} },
      "one Update status": { "f:status": { ".": {}, "f:state": {} } },
    });
    const changed = await client.put(`${path}?fieldManager=two`, { ...(node(name) as object), status: { state: "down" } });
    expect(changed.body).toEqual(body);
  });

  it("an object that only its entries make too large is written without them, but not by an apply", async () => {
    const name = unique("owned");
    const path = `${nodes}/${name}`;
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, place) => [`key-${place}`, "v"]));
    const annotations = { ...keys(2_000), filler: "x".repeat(80_000) };
    const large = { ...(node(name) as object), metadata: { name, annotations } } as Json;
    expect((await client.get(path)).status).toBe(404);
    const type = "application/apply-patch+yaml";
    const applied = await client.patch(
      `${path}?fieldManager=one`,
      { apiVersion: "windlass.dev/v1", kind: "Node", ...(large as object) },
      { type },
    );
    expect([applied.status, applied.body["reason"]]).toEqual([413, "RequestEntityTooLarge"]);
    const made = await client.post(nodes, large);
    expect([made.status, made.body["metadata"]?.["managedFields"]]).toEqual([201, undefined]);
    const small = await client.patch(path, { metadata: { annotations: null } });
    expect([small.status, small.body["metadata"]?.["managedFields"]]).toEqual([200, undefined]);
    await client.delete(path);
    await client.post(nodes, node(name));
    expect((await client.get(path)).body["metadata"]).toHaveProperty("managedFields");
    const grown = await client.patch(path, { metadata: { annotations } });
    expect([grown.status, grown.body["metadata"]?.["managedFields"]]).toEqual([200, undefined]);
    await client.delete(path);
  });

  it("scaling is an owner's, too", async () => {
    const name = unique("owned");
    const path = `${group}/namespaces/default/services`;
    await client.post(`${path}?fieldManager=one`, service(name, "default"));
    await client.patch(`${path}/${name}/scale?fieldManager=two`, { spec: { replicas: 5 } });
    const { body } = await client.get(`${path}/${name}`);
    expect(owners(body)).toMatchObject({ "two Update scale": { "f:spec": { "f:replicas": {} } } });
    expect(owners(body)["one Update"]).not.toHaveProperty(["f:spec", "f:replicas"]);
  });

  it("a client that leaves entries out, or sends what is not to be understood, loses none; it may edit them", async () => {
    const name = unique("owned");
    const path = `${nodes}/${name}`;
    const { body } = await client.post(`${nodes}?fieldManager=one`, node(name, { a: "1" }));
    const entry = { manager: "x", operation: "Wrong", apiVersion: "windlass.dev/v1", fieldsType: "FieldsV1", fieldsV1: {} };
    expect((await client.patch(path, { metadata: { managedFields: [entry] } })).body).toEqual(body);
    expect((await client.patch(path, { metadata: { managedFields: null } })).body).toEqual(body);
    const mine = { ...entry, operation: "Apply", fieldsV1: labelFields("a") };
    const edited = await client.patch(path, { metadata: { managedFields: [mine] } });
    expect(owners(edited.body)).toEqual({ "x Apply": labelFields("a") });
    const long = await client.patch(path, { metadata: { managedFields: [{ ...mine, manager: "x".repeat(129) }] } });
    expect([long.status, long.body["details"]?.["causes"]]).toMatchObject([
      422,
      [{ field: "metadata.managedFields[0].manager" }],
    ]);
  });

  it("entries are taken back by an empty list or one empty entry; then nobody is written down until an apply", async () => {
    for (const managedFields of [[], [{}]]) {
      const name = unique("owned");
      const path = `${nodes}/${name}`;
      await client.post(nodes, node(name, { a: "1" }));
      expect((await client.patch(path, { metadata: { managedFields } })).body["metadata"]).not.toHaveProperty("managedFields");
      const changed = await client.patch(path, { metadata: { labels: { a: "2" } } });
      expect(changed.body["metadata"]).not.toHaveProperty("managedFields");
    }
  });

  it("kubectl's way from client-side to server-side apply: a JSON patch of the entries under the version it read", async () => {
    const name = unique("owned");
    const path = `${nodes}/${name}`;
    const { body } = await client.post(`${nodes}?fieldManager=kubectl-client-side-apply`, node(name, { a: "1" }));
    const [entry] = body["metadata"]?.["managedFields"] ?? ([] as unknown as typeof body);
    const upgraded = { ...entry, manager: "kubectl", operation: "Apply" };
    const patch = (resourceVersion: unknown) =>
      client.patch(
        path,
        [
          { op: "replace", path: "/metadata/managedFields", value: [upgraded] },
          { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
        ] as unknown as Json,
        { type: jsonPatch },
      );
    expect((await patch("1")).status).toBe(409);
    const done = await patch(body["metadata"]?.["resourceVersion"]);
    expect([done.status, Object.keys(owners(done.body))]).toEqual([200, ["kubectl Apply"]]);
    const pruned = await applied(client, path, node(name, {}), { manager: "kubectl" });
    expect(pruned.body["metadata"]).not.toHaveProperty("labels");
  });

  it("of more than ten updaters the oldest become one", async () => {
    const name = unique("owned");
    const path = `${nodes}/${name}`;
    await client.post(`${nodes}?fieldManager=first`, node(name));
    for (let index = 0; index < 11; index += 1) {
      await client.patch(`${path}?fieldManager=m${index}`, { metadata: { labels: { [`l${index}`]: "1" } } });
    }
    const found = Object.keys(owners((await client.get(path)).body));
    expect([found.length, found.includes("ancient-changes Update")]).toEqual([10, true]);
  });

  it("a deletion that waits keeps them, and is nobody's field", async () => {
    const name = unique("owned");
    const path = `${nodes}/${name}`;
    const body = { ...(node(name) as object), metadata: { name, finalizers: ["example.com/wait"] } };
    const made = await client.post(`${nodes}?fieldManager=one`, body);
    const marked = await client.delete(path);
    expect(owners(marked.body)).toEqual(owners(made.body));
    expect((await client.patch(path, { metadata: { finalizers: [] } })).status).toBe(200);
  });
}
