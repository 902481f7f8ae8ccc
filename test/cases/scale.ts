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

  it("what has no scale, and what is not there, is a 404", async () => {
    expect((await client.get(`${group}/nodes/any/scale`)).status).toBe(404);
    const missing = `${services}/${unique("missing")}/scale`;
    for (const { status } of [await client.get(missing), await client.patch(missing, { spec: { replicas: 1 } })])
      expect(status).toBe(404);
    expect((await client.delete(missing)).status).toBe(405);
  });
}
