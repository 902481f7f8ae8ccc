/** The subresource scale: a part of a Service, read and written as autoscaling/v1. */
import { expect, it } from "vitest";
import { type Body, type Client, group, service, unique } from "./client.ts";

const services = `${group}/namespaces/default/services`;

export function scaleCases(client: Client): void {
  const made = async () => {
    const name = unique("web");
    const template = { metadata: { labels: { env: "prod", app: "web" } }, spec: { image: "busybox:latest" } };
    await client.post(services, service(name, "default", { template }));
    return { name, path: `${services}/${name}`, scale: `${services}/${name}/scale` };
  };

  it("shows how many there should be, and how they are found", async () => {
    const { name, path, scale } = await made();
    const { uid, resourceVersion, creationTimestamp } = (await client.get(path)).body["metadata"] as Body;
    expect((await client.get(scale)).body).toEqual({
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: { name, namespace: "default", uid, resourceVersion, creationTimestamp },
      spec: { replicas: 2 },
      status: { replicas: 0, selector: "app=web,env=prod" },
    });
  });

  it("a put and a patch change the number, count a generation and leave all else", async () => {
    const { name, path, scale } = await made();
    const before = await client.get(path);
    const put = await client.put(scale, {
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: { name },
      spec: { replicas: 5 },
    });
    expect([put.status, put.body["kind"], put.body["spec"]]).toEqual([200, "Scale", { replicas: 5 }]);
    const patched = await client.patch(scale, { spec: { replicas: 7 } });
    expect([patched.status, patched.body["spec"]]).toEqual([200, { replicas: 7 }]);
    const type = "application/json-patch+json";
    await client.patch(scale, [{ op: "replace", path: "/spec/replicas", value: 8 }], { type });
    const after = await client.get(path);
    expect(after.body["spec"]).toEqual({ ...(before.body["spec"] as object), replicas: 8 });
    expect(after.body["metadata"]?.["generation"]).toBe(4);
  });

  it("a stale version, another uid, a wrong name and a wrong number are refused and change nothing", async () => {
    const { name, path, scale } = await made();
    const before = await client.get(path);
    const put = (metadata: Record<string, string>, replicas: number | string) =>
      client.put(scale, { kind: "Scale", apiVersion: "autoscaling/v1", metadata, spec: { replicas } });
    const answers = [
      [await put({ name, resourceVersion: "1" }, 3), 409],
      [await put({ name, uid: "another" }, 3), 409],
      [await put({ name: "other" }, 3), 400],
      [await put({ name }, -1), 422],
      [await put({ name }, "many"), 422],
      [await put({ name }, 10_000_000), 422],
      [await client.patch(scale, { spec: { replicas: -1 } }), 422],
      [await client.put(scale, { kind: "Service", spec: { replicas: 3 } }), 422],
      [await client.patch(scale, {}, { type: "application/strategic-merge-patch+json" }), 415],
    ] as const;
    for (const [{ status }, wanted] of answers) expect(status).toBe(wanted);
    expect((await client.get(path)).body).toEqual(before.body);
  });

  it("an apply owns the number in the object, takes it from others only by force, and makes nothing", async () => {
    const { name, path, scale } = await made();
    const type = "application/apply-patch+yaml";
    const body = (replicas: number) =>
      `{apiVersion: autoscaling/v1, kind: Scale, metadata: {name: ${name}}, spec: {replicas: ${replicas}}}`;
    const apply = (manager: string, replicas: number, query = "") =>
      client.send("PATCH", `${scale}?fieldManager=${manager}${query}`, { type, body: body(replicas) });
    const first = await apply("hpa", 4);
    expect([first.status, first.body["reason"], first.body["message"]]).toEqual([
      409,
      "Conflict",
      expect.stringContaining(".spec.replicas"),
    ]);
    const forced = await apply("hpa", 4, "&force=true");
    expect([forced.status, forced.body]).toMatchObject([200, { kind: "Scale", spec: { replicas: 4 } }]);
    const { body: object } = await client.get(path);
    expect(object["spec"]?.["replicas"]).toBe(4);
    const entries = [...(object["metadata"]?.["managedFields"] ?? [])];
    expect(entries).toContainEqual(
      expect.objectContaining({
        manager: "hpa",
        operation: "Apply",
        subresource: "scale",
        apiVersion: "windlass.dev/v1",
        fieldsV1: { "f:spec": { "f:replicas": {} } },
      }),
    );
    expect((await apply("hpa", 5)).status).toBe(200);
    expect((await apply("other", 6)).status).toBe(409);
    expect((await apply("other", 5)).status).toBe(200);
    expect((await client.get(path)).body["spec"]).toEqual({ ...(object["spec"] as object), replicas: 5 });
    const dry = await apply("hpa", 9, "&force=true&dryRun=All");
    expect([dry.status, dry.body["spec"]]).toEqual([200, { replicas: 9 }]);
    for (const [wrong, status] of [
      ["{apiVersion: autoscaling/v1, kind: Scale}", 422],
      ["{apiVersion: autoscaling/v1, kind: Scale, spec: {replicas: -1}}", 422],
      ["{kind: Scale, spec: {replicas: 1}}", 422],
      [`{apiVersion: autoscaling/v1, kind: Scale, metadata: {name: other}, spec: {replicas: 1}}`, 400],
      [`{apiVersion: autoscaling/v1, kind: Scale, metadata: {resourceVersion: "1"}, spec: {replicas: 1}}`, 409],
    ] as const) {
      const answer = await client.send("PATCH", `${scale}?fieldManager=hpa&force=true`, { type, body: wrong });
      expect([wrong, answer.status]).toEqual([wrong, status]);
    }
    expect((await client.send("PATCH", scale, { type, body: body(1) })).status).toBe(422);
    const missing = `${services}/${unique("missing")}/scale?fieldManager=hpa`;
    const absent = await client.send("PATCH", missing, {
      type,
      body: "{apiVersion: autoscaling/v1, kind: Scale, spec: {replicas: 1}}",
    });
    expect(absent.status).toBe(404);
    expect((await client.get(path)).body["spec"]?.["replicas"]).toBe(5);
  });

  it("what has no scale, and what is not there, is a 404", async () => {
    expect((await client.get(`${group}/nodes/any/scale`)).status).toBe(404);
    const missing = `${services}/${unique("missing")}/scale`;
    for (const { status } of [await client.get(missing), await client.patch(missing, { spec: { replicas: 1 } })])
      expect(status).toBe(404);
    expect((await client.delete(missing)).status).toBe(405);
  });
}
