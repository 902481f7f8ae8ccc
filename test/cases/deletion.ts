/** How objects go: finalizers, preconditions, collections, and what becomes of the objects that they own. */
import { expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { type Answer, type Body, type Client, group, node, service, unique } from "./client.ts";

const nodes = `${group}/nodes`;
const services = `${group}/namespaces/default/services`;
const tasks = `${group}/namespaces/default/tasks`;

export function deletionCases(client: Client): void {
  const exists = async (path: string) => (await client.get(path)).status === 200;
  const gone = (path: string) => expect.poll(() => exists(path), { timeout: 10_000 }).toBe(false);
  const owner = (owned: Answer, more: Json = {}) => ownerOf(owned.body, more as object);

  it("a deletion that finalizers hold marks the object, counts a generation and takes no new finalizer", async () => {
    const name = unique("held");
    const path = `${nodes}/${name}`;
    await client.post(nodes, named(node(name), { finalizers: ["example.com/a"] }));
    const marked = await client.delete(path);
    expect([marked.status, marked.body["kind"]]).toEqual([200, "Node"]);
    expect(metadataOf(marked)).toMatchObject({ generation: 2, deletionGracePeriodSeconds: 0, finalizers: ["example.com/a"] });
    const added = await client.patch(path, { metadata: { finalizers: ["example.com/a", "example.com/b"] } });
    expect([added.status, added.body["reason"]]).toEqual([422, "Invalid"]);
    expect(added.body["message"]).toContain(
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/b"}',
    );
    const again = await client.post(nodes, node(name));
    expect([again.status, again.body["message"]]).toEqual([
      409,
      `object is being deleted: nodes.windlass.dev "${name}" already exists`,
    ]);
    const last = await client.patch(path, { metadata: { finalizers: null } });
    expect([last.status, last.body["kind"]]).toEqual([200, "Node"]);
    expect(metadataOf(last)).not.toHaveProperty("finalizers");
    expect(await exists(path)).toBe(false);
  });

  it("an object at its largest can be deleted, and what is left of it can't grow", async () => {
    const name = unique("large");
    const path = `${nodes}/${name}`;
    await client.post(nodes, named(node(name), { finalizers: ["example.com/a"], annotations: { filler: "x" } }));
    // Whose the fields are would count, too.
    await client.patch(path, { metadata: { managedFields: [{}] } });
    const { text } = await client.get(path);
    const fill = (bytes: number) => client.patch(path, { metadata: { annotations: { filler: "x".repeat(bytes) } } });
    const room = 128 * 1024 - Buffer.byteLength(text) + 1;
    expect((await fill(room + 1)).status).toBe(413);
    expect((await fill(room)).status).toBe(200);
    const marked = await client.delete(path, { body: { propagationPolicy: "Foreground" } });
    expect(marked.status).toBe(202);
    expect(Buffer.byteLength(marked.text)).toBeGreaterThan(128 * 1024);
    const grown = await fill(room + 1);
    expect([grown.status, grown.body["message"]]).toEqual([413, expect.stringContaining("at most 131072")]);
    expect((await client.delete(path, { body: { propagationPolicy: "Orphan" } })).status).toBe(200);
    expect(
      (await client.patch(path, { metadata: { labels: { a: "b" }, annotations: { filler: "x".repeat(room - 50) } } })).status,
    ).toBe(200);
    expect((await client.patch(path, { metadata: { finalizers: null } })).status).toBe(200);
    await gone(path);
  });

  it("a delete's preconditions are those of its body; a wrong one is a 409 that changes nothing", async () => {
    const name = unique("asked");
    const path = `${nodes}/${name}`;
    const made = await client.post(nodes, node(name));
    for (const preconditions of [{ uid: "another" }, { resourceVersion: "1" }]) {
      const { status, body } = await client.delete(path, { body: { preconditions } });
      expect([status, body["reason"]]).toEqual([409, "Conflict"]);
    }
    const { uid, resourceVersion } = metadataOf(made);
    expect((await client.delete(path, { body: { preconditions: { uid, resourceVersion } } as never })).status).toBe(200);
  });

  it("options that contradict each other are a 422", async () => {
    const { status, body } = await client.delete(`${nodes}/any`, {
      body: { orphanDependents: true, propagationPolicy: "Background" },
    });
    expect([status, body["details"]?.["kind"]]).toEqual([422, "DeleteOptions"]);
  });

  it("a collection is deleted by selector, and the answer lists what it held", async () => {
    const label = unique("batch");
    const names = [unique("a"), unique("b"), unique("c")];
    for (const [index, name] of names.entries()) await client.post(nodes, node(name, { batch: index < 2 ? label : "other" }));
    const dry = await client.delete(`${nodes}?labelSelector=batch%3D${label}&dryRun=All`);
    expect([dry.status, itemNames(dry)]).toEqual([200, names.slice(0, 2)]);
    expect(await exists(`${nodes}/${names[0]}`)).toBe(true);
    const { status, body } = await client.delete(`${nodes}?labelSelector=batch%3D${label}`);
    expect([status, body["kind"]]).toEqual([200, "NodeList"]);
    expect(await Promise.all(names.map((name) => exists(`${nodes}/${name}`)))).toEqual([false, false, true]);
    await client.delete(`${nodes}?fieldSelector=metadata.name%3D${names[2]}`);
    expect(await exists(`${nodes}/${names[2]}`)).toBe(false);
  });

  it("a collection with a limit is deleted a page at a time", async () => {
    const label = unique("page");
    for (let count = 0; count < 3; count += 1) await client.post(nodes, node(unique("p"), { page: label }));
    const query = `${nodes}?labelSelector=page%3D${label}`;
    const first = await client.delete(`${query}&limit=2`);
    expect([itemNames(first).length, typeof first.body["metadata"]?.["continue"]]).toEqual([2, "string"]);
    expect(itemNames(await client.get(query))).toHaveLength(1);
    expect(itemNames(await client.delete(query))).toHaveLength(1);
  });

  it("a collection's preconditions hold for each of its objects", async () => {
    const label = unique("cond");
    const name = unique("c");
    await client.post(nodes, node(name, { cond: label }));
    const refused = await client.delete(`${nodes}?labelSelector=cond%3D${label}`, {
      body: { preconditions: { uid: "another" } },
    });
    expect([refused.status, refused.body["reason"]]).toEqual([409, "Conflict"]);
    expect(await exists(`${nodes}/${name}`)).toBe(true);
  });

  it("what an object owns goes after it", async () => {
    const [name, owned, free] = [unique("web"), unique("task"), unique("task")];
    const made = await client.post(services, service(name, "default"));
    await client.post(tasks, task(owned, [owner(made)]));
    await client.post(tasks, task(free, []));
    expect((await client.delete(`${services}/${name}`)).body["kind"]).toBe("Status");
    await gone(`${tasks}/${owned}`);
    expect(await exists(`${tasks}/${free}`)).toBe(true);
  });

  it("a chain of owners goes as a whole", async () => {
    const names = [unique("chain"), unique("chain"), unique("chain")] as const;
    const top = await client.post(nodes, node(names[0]));
    const middle = await client.post(services, named(service(names[1], "default"), { ownerReferences: [owner(top)] }));
    await client.post(tasks, task(names[2], [owner(middle)]));
    await client.delete(`${nodes}/${names[0]}`);
    await gone(`${services}/${names[1]}`);
    await gone(`${tasks}/${names[2]}`);
  });

  it("in the foreground an owner goes last, and waits for what blocks it", async () => {
    const [name, owned] = [unique("web"), unique("task")];
    const made = await client.post(services, service(name, "default"));
    const held = { ...ownersOf([owner(made, { blockOwnerDeletion: true })]), finalizers: ["example.com/hold"] };
    await client.post(tasks, named(task(owned, []), held));
    const answer = await client.delete(`${services}/${name}`, { body: { propagationPolicy: "Foreground" } });
    expect([answer.status, answer.body["kind"]]).toEqual([202, "Service"]);
    expect(metadataOf(answer)).toMatchObject({ finalizers: ["foregroundDeletion"] });
    const marked = async () => metadataOf(await client.get(`${tasks}/${owned}`))?.["deletionTimestamp"];
    await expect.poll(marked, { timeout: 10_000 }).toBeDefined();
    expect(await exists(`${services}/${name}`)).toBe(true);
    await client.patch(`${tasks}/${owned}`, { metadata: { finalizers: null } });
    await gone(`${services}/${name}`);
  });

  it("orphaned objects stay and lose their reference", async () => {
    const [name, owned] = [unique("web"), unique("task")];
    const made = await client.post(services, service(name, "default"));
    await client.post(tasks, task(owned, [owner(made)]));
    await client.delete(`${services}/${name}`, { body: { propagationPolicy: "Orphan" } });
    await gone(`${services}/${name}`);
    const left = await client.get(`${tasks}/${owned}`);
    expect([left.status, metadataOf(left)["ownerReferences"]]).toEqual([200, undefined]);
  });

  it("an object whose owner is not there, or stands in another namespace, is collected; one of two owners keeps it", async () => {
    const names = [unique("lost"), unique("lost"), unique("kept")] as const;
    const keeper = await client.post(services, service(unique("web"), "default"));
    const abroad = await client.post(`${group}/namespaces/abroad/services`, service(unique("web"), "abroad"));
    const absent = { apiVersion: "windlass.dev/v1", kind: "Service", name: "never", uid: "11111111-2222-3333-4444-555555555555" };
    await client.post(tasks, task(names[2], [owner(keeper), absent]));
    await client.post(tasks, task(names[0], [absent]));
    await client.post(tasks, task(names[1], [owner(abroad)]));
    await gone(`${tasks}/${names[0]}`);
    await gone(`${tasks}/${names[1]}`);
    const references = async () => [...(metadataOf(await client.get(`${tasks}/${names[2]}`))["ownerReferences"] ?? [])].length;
    await expect.poll(references, { timeout: 10_000 }).toBe(1);
  });

  it("owners of kinds that nobody knows here are left alone", async () => {
    const [name, last] = [unique("foreign"), unique("last")];
    const foreign = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "1" };
    const absent = { apiVersion: "windlass.dev/v1", kind: "Node", name: "never", uid: "1" };
    await client.post(tasks, task(name, [foreign]));
    await client.post(tasks, task(last, [absent]));
    await gone(`${tasks}/${last}`);
    expect(await exists(`${tasks}/${name}`)).toBe(true);
  });
}

const metadataOf = ({ body }: Answer): Body => body["metadata"] as Body;
const itemNames = ({ body }: Answer): string[] => [...(body["items"] ?? [])].map((item) => String(item["metadata"]?.["name"]));

function ownerOf(body: Body, more: object): Json {
  const { name, uid } = body["metadata"] as Body;
  return { apiVersion: "windlass.dev/v1", kind: body["kind"], name, uid, ...more } as unknown as Json;
}

const ownersOf = (ownerReferences: readonly Json[]) => ({ ownerReferences });

const task = (name: string, owners: readonly Json[]): Json => ({
  apiVersion: "windlass.dev/v1",
  kind: "Task",
  metadata: { name, namespace: "default", ...(owners.length > 0 && ownersOf(owners)) },
  spec: { template: { spec: { image: "busybox:latest" } } },
});

const named = (object: Json, metadata: object): Json => {
  const body = object as { readonly metadata: object };
  return { ...body, metadata: { ...body.metadata, ...metadata } } as unknown as Json;
};
