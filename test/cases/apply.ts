/** Server-side apply: who owns what, conflicts, and what comes in with it. managed-fields.ts has what every other write does to owners. */
import { expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { type Answer, type Body, type Client, group, node, service, unique } from "./client.ts";

const nodes = `${group}/nodes`;
const applyPatch = "application/apply-patch+yaml";

type Applying = { readonly manager: string; readonly query?: string };

/** PATCH by apply, as JSON or as YAML text. */
export function applied(client: Client, path: string, body: Json, { manager, query = "" }: Applying): Promise<Answer> {
  return client.patch(`${path}?fieldManager=${manager}${query}`, body, { type: applyPatch });
}

/** Entries as `manager operation subresource`, with their fields. */
export function owners(body: Body): Record<string, unknown> {
  const entries = [...(body["metadata"]?.["managedFields"] ?? ([] as unknown as Body))];
  return Object.fromEntries(
    entries.map((entry) => [
      [entry["manager"], entry["operation"], entry["subresource"]].filter((part) => part !== undefined).join(" "),
      entry["fieldsV1"],
    ]),
  );
}

const labelled = (name: string, labels: Record<string, string>, more: Record<string, Json> = {}): Json => ({
  apiVersion: "windlass.dev/v1",
  kind: "Node",
  metadata: { name, labels, ...more },
  spec: { address: "tcp://127.0.0.1:2375" },
});

/** What labelled names. */
const fieldsOf = (...labels: readonly string[]) => ({
  ...(labels.length > 0 && {
    "f:metadata": { "f:labels": Object.fromEntries(labels.map((label) => [`f:${label}`, {}])) },
  }),
  "f:spec": { "f:address": {} },
});

export function applyCases(client: Client): void {
  ownershipCases(client);
  conflictCases(client);
  refusalCases(client);
}

function ownershipCases(client: Client): void {
  it("apply makes what is not there and owns what it names, not the defaults; again it changes nothing", async () => {
    const path = `${nodes}/${unique("apply")}`;
    const body = labelled(path.slice(nodes.length + 1), { a: "1" });
    const made = await applied(client, path, body, { manager: "one" });
    expect([made.status, made.body["spec"]?.["availability"]]).toEqual([201, "active"]);
    expect(owners(made.body)).toEqual({ "one Apply": fieldsOf("a") });
    const [entry] = made.body["metadata"]?.["managedFields"] ?? ([] as unknown as Body);
    expect(entry).toMatchObject({ apiVersion: "windlass.dev/v1", fieldsType: "FieldsV1" });
    expect(entry?.["time"]).toBe(made.body["metadata"]?.["creationTimestamp"]);
    const again = await applied(client, path, body, { manager: "one" });
    expect([again.status, again.body]).toEqual([200, made.body]);
  });

  it("an empty map is owned and not stored, and applied again changes nothing", async () => {
    const name = unique("apply");
    const path = `${nodes}/${name}`;
    const old = [{ manager: "one", operation: "Apply", apiVersion: "windlass.dev/v1", fieldsType: "FieldsV1" }];
    await applied(client, path, labelled(name, {}, { annotations: {} }), { manager: "one" });
    const fieldsV1 = { "f:metadata": { "f:annotations": {}, "f:labels": {} }, "f:spec": { "f:address": {} } };
    const time = "2001-01-01T00:00:00Z";
    await client.patch(path, { metadata: { managedFields: [{}] } });
    const aged = await client.patch(path, { metadata: { managedFields: [{ ...old[0], time, fieldsV1 }] } });
    const again = await applied(client, path, labelled(name, {}, { annotations: {} }), { manager: "one" });
    expect(again.body).toEqual(aged.body);
    expect(again.body["metadata"]?.["managedFields"]).toEqual([expect.objectContaining({ time, fieldsV1 })]);
  });

  it("a field that its only owner does not apply any more goes; one that is shared stays for the other", async () => {
    const name = unique("apply");
    const path = `${nodes}/${name}`;
    await applied(client, path, labelled(name, { mine: "1", shared: "1" }), { manager: "one" });
    const shared = await applied(client, path, labelled(name, { shared: "1" }), { manager: "two" });
    expect(shared.status).toBe(200);
    expect(owners(shared.body)).toEqual({ "one Apply": fieldsOf("mine", "shared"), "two Apply": fieldsOf("shared") });
    const left = await applied(client, path, labelled(name, {}), { manager: "one" });
    expect(left.body["metadata"]?.["labels"]).toEqual({ shared: "1" });
    const gone = await applied(client, path, labelled(name, {}), { manager: "two" });
    expect(gone.body["metadata"]).not.toHaveProperty("labels");
  });

  it("a field with a default has it again when its owner lets go", async () => {
    const name = unique("apply");
    const path = `${nodes}/${name}`;
    const spec = { address: "tcp://127.0.0.1:2375" };
    const body = (more: Record<string, Json>) => ({ ...(labelled(name, {}) as object), spec: { ...spec, ...more } });
    expect((await applied(client, path, body({ availability: "drain" }), { manager: "one" })).status).toBe(201);
    const left = await applied(client, path, body({}), { manager: "one" });
    expect([left.body["spec"]?.["availability"], left.body["metadata"]?.["generation"]]).toEqual(["active", 2]);
  });

  it("finalizers and owners are several managers' at once, a list of a spec is one's", async () => {
    const name = unique("apply");
    const path = `${group}/namespaces/default/services/${name}`;
    const owner = async () => {
      const { body } = await client.post(nodes, node(unique("owner")));
      const { uid, name: ownerName } = body["metadata"] as unknown as { uid: string; name: string };
      return { apiVersion: "windlass.dev/v1", kind: "Node", name: ownerName, uid };
    };
    const [first, second] = [await owner(), await owner()];
    const body = (metadata: Record<string, Json>, command: string[]): Json => ({
      ...(service(name, "default", { template: { spec: { image: "busybox", command } } }) as object),
      metadata: { name, ...metadata },
    });
    const one = { finalizers: ["example.com/one"], ownerReferences: [first] };
    const two = { finalizers: ["example.com/two"], ownerReferences: [second] };
    await applied(client, path, body(one, ["a"]), { manager: "one" });
    const conflict = await applied(client, path, body(two, ["b"]), { manager: "two" });
    expect(conflict.body["message"]).toBe('Apply failed with 1 conflict: conflict with "one": .spec.template.spec.command');
    const both = await applied(client, path, body(two, ["a"]), { manager: "two" });
    expect(both.body["metadata"]).toMatchObject({
      finalizers: ["example.com/one", "example.com/two"],
      ownerReferences: [first, second],
    });
    const left = await applied(client, path, body({}, ["a"]), { manager: "one" });
    expect(left.body["metadata"]).toMatchObject(two);
    const bare = await applied(client, path, body({}, ["a"]), { manager: "two" });
    expect(bare.body["metadata"]).not.toHaveProperty("finalizers");
    expect(bare.body["metadata"]).not.toHaveProperty("ownerReferences");
  });

  it("conditions of a status are owned one by one, apart from the object, and only of what is there", async () => {
    const name = unique("apply");
    const path = `${nodes}/${name}`;
    const status = (type: string, value: string) => ({
      apiVersion: "windlass.dev/v1",
      kind: "Node",
      metadata: { name, labels: { ignored: "true" } },
      status: { conditions: [{ type, status: value }] },
    });
    expect((await applied(client, `${path}/status`, status("A", "True"), { manager: "one" })).status).toBe(404);
    await client.post(nodes, node(name));
    await applied(client, `${path}/status`, status("A", "True"), { manager: "one" });
    const both = await applied(client, `${path}/status`, status("B", "True"), { manager: "two" });
    expect(both.body["status"]?.["conditions"]).toEqual([
      { type: "A", status: "True" },
      { type: "B", status: "True" },
    ]);
    expect(both.body["metadata"]).not.toHaveProperty("labels");
    expect(owners(both.body)["two Apply status"]).toEqual({
      "f:status": { "f:conditions": { 'k:{"type":"B"}': { ".": {}, "f:status": {}, "f:type": {} } } },
    });
    const conflict = await applied(client, `${path}/status`, status("A", "False"), { manager: "two" });
    expect(conflict.body["details"]?.["causes"]).toEqual([
      {
        reason: "FieldManagerConflict",
        message: 'conflict with "one" with subresource "status"',
        field: '.status.conditions[type="A"].status',
      },
    ]);
    expect((await client.get(path)).body["status"]).toEqual(both.body["status"]);
    const twice = {
      status: {
        conditions: [
          { type: "A", status: "True" },
          { type: "A", status: "False" },
        ],
      },
    };
    expect((await client.patch(`${path}/status`, twice)).status).toBe(422);
  });

  it("an object that was never tracked is before-first-apply's", async () => {
    const name = unique("apply");
    const path = `${nodes}/${name}`;
    await client.post(nodes, node(name, { a: "1" }));
    const reset = await client.patch(path, { metadata: { managedFields: [{}] } });
    expect(owners(reset.body)).toEqual({});
    const conflict = await applied(client, path, labelled(name, { a: "2" }), { manager: "one" });
    expect(conflict.body["message"]).toContain('conflict with "before-first-apply" using windlass.dev/v1: .metadata.labels.a');
    const first = await applied(client, path, labelled(name, { a: "1" }), { manager: "one" });
    expect(Object.keys(owners(first.body))).toEqual(["one Apply", "before-first-apply Update"]);
  });
}

function conflictCases(client: Client): void {
  it("a value that another owns and has otherwise is a conflict that names it, writes nothing, and can be forced", async () => {
    const name = unique("apply");
    const path = `${nodes}/${name}`;
    await applied(client, path, labelled(name, { a: "1", b: "1" }), { manager: "one" });
    const before = await client.patch(`${path}?fieldManager=editor`, { metadata: { labels: { b: "2" } } });
    const refused = await applied(client, path, labelled(name, { a: "3", b: "3" }), { manager: "two" });
    expect([refused.status, refused.body["reason"], refused.body["code"]]).toEqual([409, "Conflict", 409]);
    expect(refused.body["message"]).toBe(
      [
        "Apply failed with 2 conflicts: ",
        'conflicts with "editor" using windlass.dev/v1:\n- .metadata.labels.b\n',
        'conflicts with "one":\n- .metadata.labels.a',
      ].join(""),
    );
    expect(refused.body["details"]).toEqual({
      causes: [
        { reason: "FieldManagerConflict", message: 'conflict with "one"', field: ".metadata.labels.a" },
        {
          reason: "FieldManagerConflict",
          message: 'conflict with "editor" using windlass.dev/v1',
          field: ".metadata.labels.b",
        },
      ],
    });
    expect((await client.get(path)).body).toEqual(before.body);
    const forced = await applied(client, path, labelled(name, { a: "3", b: "3" }), { manager: "two", query: "&force=true" });
    expect([forced.status, forced.body["metadata"]?.["labels"]]).toEqual([200, { a: "3", b: "3" }]);
    expect(owners(forced.body)).toEqual({ "one Apply": fieldsOf(), "two Apply": fieldsOf("a", "b") });
  });

  it("kubectl may take over what client-side apply has set, and no more", async () => {
    const name = unique("apply");
    const path = `${nodes}/${name}`;
    const key = "kubectl.kubernetes.io/last-applied-configuration";
    const last = JSON.stringify(labelled(name, { a: "1", b: "1" }));
    const body = labelled(name, { a: "1", b: "1" }, { annotations: { [key]: last } });
    await client.post(`${nodes}?fieldManager=kubectl-client-side-apply`, body);
    const other = await applied(client, path, labelled(name, { a: "2" }), { manager: "other" });
    expect(other.status).toBe(409);
    const taken = await applied(client, path, labelled(name, { a: "2" }), { manager: "kubectl" });
    expect([taken.status, taken.body["metadata"]?.["labels"]?.["a"]]).toEqual([200, "2"]);
    expect(JSON.parse(String(taken.body["metadata"]?.["annotations"]?.[key]))).toEqual(labelled(name, { a: "2" }));
    await client.patch(`${path}?fieldManager=editor`, { metadata: { labels: { b: "9" } } });
    const refused = await applied(client, path, labelled(name, { a: "2", b: "3" }), { manager: "kubectl" });
    expect(refused.body["message"]).toContain('conflict with "editor" using windlass.dev/v1: .metadata.labels.b');
  });

  it("a version or uid in the configuration is a precondition", async () => {
    const name = unique("apply");
    const path = `${nodes}/${name}`;
    const uid = "00000000-0000-0000-0000-000000000000";
    for (const named of [{ resourceVersion: "1" }, { uid }]) {
      const missing = await applied(client, path, labelled(name, {}, named), { manager: "one" });
      expect([missing.status, missing.body["reason"]]).toEqual([409, "Conflict"]);
    }
    const { body } = await applied(client, path, labelled(name, {}), { manager: "one" });
    for (const named of [{ resourceVersion: "1" }, { uid }]) {
      expect((await applied(client, path, labelled(name, { a: "1" }, named), { manager: "one" })).status).toBe(409);
    }
    const resourceVersion = String(body["metadata"]?.["resourceVersion"]);
    const fits = await applied(client, path, labelled(name, { a: "1" }, { resourceVersion }), { manager: "one" });
    expect([fits.status, fits.body["metadata"]?.["labels"]]).toEqual([200, { a: "1" }]);
  });
}

function refusalCases(client: Client): void {
  it("the body may be YAML, and says which object it is for", async () => {
    const name = unique("apply");
    const path = `${nodes}/${name}?fieldManager=one`;
    const yaml = `# a node\napiVersion: windlass.dev/v1\nkind: Node\nmetadata: {labels: {zone: a}}\nspec:\n  address: tcp://127.0.0.1:2375\n`;
    const made = await client.patch(path, yaml, { type: applyPatch });
    expect([made.status, made.body["metadata"]?.["labels"]]).toEqual([201, { zone: "a" }]);
    const refused: readonly (readonly [number, string])[] = [
      [400, yaml.replace("kind: Node", "kind: Task")],
      [400, yaml.replace("windlass.dev/v1", "windlass.dev/v2")],
      [400, yaml.replace("kind: Node\n", "")],
      [400, yaml.replace("labels:", "name: other, labels:")],
      [400, yaml.replace("labels:", "managedFields: [], labels:")],
      [400, `${yaml}spec: {}\n`],
      [400, `${yaml}---\n${yaml}`],
      [400, "a: [1\nb"],
      [400, "[]"],
      [400, ""],
      [422, yaml.replace("{zone: a}", "zone")],
      [422, yaml.replace("{labels: {zone: a}}", "none")],
      [422, yaml.replace("labels: {zone: a}", "finalizers: [a/b, a/b]")],
    ];
    for (const [status, text] of refused) {
      const answer = await client.patch(path, text, { type: applyPatch });
      expect([text, answer.status]).toEqual([text, status]);
    }
    expect((await client.get(`${nodes}/${name}`)).body).toEqual(made.body);
  });

  it("YAML that is long is a 413, CBOR a 415", async () => {
    const path = `${nodes}/${unique("apply")}?fieldManager=one`;
    const long = await client.patch(path, `a: ${"x".repeat(70_000)}`, { type: applyPatch });
    expect([long.status, long.body["reason"]]).toEqual([413, "RequestEntityTooLarge"]);
    const cbor = await client.send("PATCH", path, { body: new Uint8Array([0xa0]), type: "application/apply-patch+cbor" });
    expect([cbor.status, cbor.body["reason"]]).toEqual([415, "UnsupportedMediaType"]);
  });

  it("an apply needs a manager's name; force is for applies only", async () => {
    const name = unique("apply");
    const path = `${nodes}/${name}`;
    const unnamed = await client.patch(path, labelled(name, {}), { type: applyPatch });
    expect([unnamed.status, unnamed.body["message"]]).toEqual([
      422,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ]);
    expect((await applied(client, path, labelled(name, {}), { manager: "x".repeat(129) })).status).toBe(422);
    expect((await applied(client, path, labelled(name, {}), { manager: "a%0Ab" })).status).toBe(422);
    await client.post(nodes, node(name));
    const forced = await client.patch(`${path}?force=true`, { metadata: { labels: { a: "1" } } });
    expect([forced.status, forced.body["details"]?.["causes"]]).toMatchObject([422, [{ field: "force" }]]);
  });

  it("a dry run owns nothing; unknown fields are judged as everywhere", async () => {
    const name = unique("apply");
    const path = `${nodes}/${name}`;
    const dry = await applied(client, path, labelled(name, { a: "1" }), { manager: "one", query: "&dryRun=All" });
    expect([dry.status, owners(dry.body)]).toEqual([201, { "one Apply": fieldsOf("a") }]);
    expect((await client.get(path)).status).toBe(404);
    const odd = { ...(labelled(name, { a: "1" }) as object), colour: "red" };
    expect((await applied(client, path, odd, { manager: "one", query: "&fieldValidation=Strict" })).status).toBe(400);
    const warned = await applied(client, path, odd, { manager: "one" });
    expect([warned.status, warned.headers.get("warning")]).toEqual([201, String.raw`299 - "unknown field \"colour\""`]);
    expect(owners(warned.body)).toEqual({ "one Apply": fieldsOf("a") });
  });

  it("what the kind does not take is refused whole", async () => {
    const name = unique("apply");
    const body = { ...(labelled(name, {}) as object), spec: { address: "nowhere", role: 1 } };
    const refused = await applied(client, `${nodes}/${name}`, body, { manager: "one" });
    expect([refused.status, refused.body["reason"]]).toEqual([422, "Invalid"]);
    expect((await client.get(`${nodes}/${name}`)).status).toBe(404);
  });
}
