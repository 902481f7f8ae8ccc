/** Lists: selectors, pages of one revision, and what a resourceVersion means. */
import { expect, it } from "vitest";
import { type Answer, type Client, group, node, service, unique } from "./client.ts";

const nodes = `${group}/nodes`;

export function listCases(client: Client): void {
  it("a list has its kind, its revision and its objects in the order of their names", async () => {
    const mark = await several(client, 3);
    const { body, headers } = await client.get(`${nodes}?labelSelector=case%3D${mark}`);
    expect(body).toMatchObject({ kind: "NodeList", apiVersion: "windlass.dev/v1" });
    expect(namesOf({ body } as Answer)).toEqual([`${mark}-0`, `${mark}-1`, `${mark}-2`]);
    expect(body["metadata"]?.["resourceVersion"]).toBe(headers.get("x-windlass-resource-version"));
    expect(Number(body["metadata"]?.["resourceVersion"]) % 1000).toBe(999);
  });

  it("label and field selectors choose", async () => {
    const mark = await several(client, 4);
    await client.patch(`${nodes}/${mark}-1`, { spec: { availability: "drain" }, metadata: { labels: { odd: "yes" } } });
    const wanted: readonly (readonly [string, readonly number[]])[] = [
      [`labelSelector=case%3D${mark},odd`, [1]],
      [`labelSelector=case%3D${mark},!odd`, [0, 2, 3]],
      [`labelSelector=case in (${mark}),odd notin (yes)`, [0, 2, 3]],
      [`labelSelector=case%3D${mark}&fieldSelector=spec.availability%3Ddrain`, [1]],
      [`labelSelector=case%3D${mark}&fieldSelector=spec.availability!%3Ddrain`, [0, 2, 3]],
      [`fieldSelector=metadata.name%3D${mark}-2`, [2]],
      [`labelSelector=case%3D${mark}&fieldSelector=metadata.name%3Dnobody`, []],
    ];
    for (const [query, numbers] of wanted) {
      expect([query, namesOf(await client.get(`${nodes}?${query}`))]).toEqual([
        query,
        numbers.map((number) => `${mark}-${number}`),
      ]);
    }
  });

  it("a namespaced kind is listed in one namespace or in all", async () => {
    const [one, two] = [unique("one"), unique("two")];
    const name = unique("web");
    for (const namespace of [one, two]) await client.post(`${group}/namespaces/${namespace}/services`, service(name, namespace));
    expect(namesOf(await client.get(`${group}/namespaces/${one}/services`))).toEqual([name]);
    const all = await client.get(`${group}/services?fieldSelector=metadata.name%3D${name}`);
    expect([...(all.body["items"] ?? [])].map((item) => item["metadata"]?.["namespace"])).toEqual([one, two]);
    expect(
      namesOf(await client.get(`${group}/services?fieldSelector=metadata.namespace%3D${two},metadata.name%3D${name}`)),
    ).toEqual([name]);
  });

  it("pages show the state of the first one, whatever is written meanwhile", async () => {
    const mark = await several(client, 5);
    const query = `${nodes}?labelSelector=case%3D${mark}&limit=2`;
    const first = await client.get(query);
    await client.delete(`${nodes}/${mark}-2`);
    await client.patch(`${nodes}/${mark}-3`, { metadata: { labels: { case: "elsewhere" } } });
    await client.post(nodes, node(`${mark}-2a`, { case: mark }));
    const second = await client.get(`${query}&continue=${continueOf(first)}`);
    const third = await client.get(`${query}&continue=${continueOf(second)}`);
    expect([namesOf(first), namesOf(second), namesOf(third)]).toEqual([
      [`${mark}-0`, `${mark}-1`],
      [`${mark}-2`, `${mark}-3`],
      [`${mark}-4`],
    ]);
    expect(continueOf(third)).toBe("");
    const versions = new Set([first, second, third].map(({ body }) => body["metadata"]?.["resourceVersion"]));
    expect(versions.size).toBe(1);
    expect(namesOf(await client.get(`${nodes}?labelSelector=case%3D${mark}`))).toEqual(
      [0, 1, "2a", 4].map((part) => `${mark}-${part}`),
    );
  });

  it("the pages of an unfiltered list come to the whole and say how much is left", async () => {
    await several(client, 3);
    const whole = namesOf(await client.get(nodes));
    const paged: unknown[] = [];
    let token = "";
    do {
      const page = await client.get(`${nodes}?limit=7&continue=${token}`);
      paged.push(...namesOf(page));
      token = continueOf(page);
      if (token !== "") expect(page.body["metadata"]?.["remainingItemCount"]).toBe(whole.length - paged.length);
    } while (token !== "");
    expect(paged).toEqual(whole);
  });

  it("a continue token fits its own question only", async () => {
    const mark = await several(client, 2);
    const token = continueOf(await client.get(`${nodes}?labelSelector=case%3D${mark}&limit=1`));
    for (const path of [
      `${nodes}?limit=1`,
      `${group}/networks?limit=1`,
      `${nodes}?labelSelector=case%3D${mark}&resourceVersion=5`,
    ]) {
      const { status, body } = await client.get(`${path}&continue=${token}`);
      expect([status, body["reason"]]).toEqual([400, "BadRequest"]);
    }
  });

  it("a list exactly at a revision is as it was then; one not older than it is as it is now", async () => {
    const mark = await several(client, 1);
    const query = `${nodes}?labelSelector=case%3D${mark}`;
    const version = String((await client.get(query)).body["metadata"]?.["resourceVersion"]);
    await client.post(nodes, node(`${mark}-9`, { case: mark }));
    const both = [`${mark}-0`, `${mark}-9`];
    const exact = await client.get(`${query}&resourceVersion=${version}&resourceVersionMatch=Exact`);
    expect([namesOf(exact), exact.body["metadata"]?.["resourceVersion"]]).toEqual([[`${mark}-0`], version]);
    expect(namesOf(await client.get(`${query}&resourceVersion=${version}&limit=5`))).toEqual([`${mark}-0`]);
    expect(namesOf(await client.get(`${query}&resourceVersion=${version}&resourceVersionMatch=NotOlderThan`))).toEqual(both);
    expect(namesOf(await client.get(`${query}&resourceVersion=${version}`))).toEqual(both);
    expect(namesOf(await client.get(`${query}&resourceVersion=0`))).toEqual(both);
  });

  it("a list as PartialObjectMetadataList has metadata only, in pages too", async () => {
    const mark = await several(client, 3);
    const accept =
      "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1," +
      "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
    const query = `${nodes}?labelSelector=case%3D${mark}&limit=2`;
    const first = await client.get(query, { accept });
    const second = await client.get(`${query}&continue=${continueOf(first)}`, { accept });
    for (const { body } of [first, second]) {
      expect(body).toMatchObject({ kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1" });
      for (const item of body["items"] ?? []) {
        expect(Object.keys(item)).toEqual(["kind", "apiVersion", "metadata"]);
        expect(item).toMatchObject({ kind: "PartialObjectMetadata", metadata: { labels: { case: mark } } });
      }
    }
    expect([...namesOf(first), ...namesOf(second)]).toEqual([0, 1, 2].map((part) => `${mark}-${part}`));
  });

  it("a list is asked for as a list and an object as an object: the other form is a 406", async () => {
    const mark = await several(client, 1);
    const form = (as: string) => ({ accept: `application/json;as=${as};g=meta.k8s.io;v=v1` });
    expect((await client.get(nodes, form("PartialObjectMetadata"))).status).toBe(406);
    expect((await client.get(`${nodes}/${mark}-0`, form("PartialObjectMetadataList"))).status).toBe(406);
    const list = form("PartialObjectMetadataList");
    const made = unique("form");
    for (const { status } of [
      await client.post(nodes, node(made), list),
      await client.put(`${nodes}/${mark}-0`, node(`${mark}-0`), list),
      await client.patch(`${nodes}/${mark}-0`, { metadata: { labels: { a: "b" } } }, list),
      await client.patch(`${nodes}/${mark}-0`, node(`${mark}-0`), { ...list, type: "application/apply-patch+yaml" }),
      await client.patch(`${nodes}/${mark}-0/status`, { status: {} }, list),
      await client.delete(`${nodes}/${mark}-0`, list),
    ])
      expect(status).toBe(406);
    expect((await client.get(`${nodes}/${made}`)).status).toBe(404);
    const one = await client.get(`${nodes}/${mark}-0`, form("PartialObjectMetadata"));
    expect(one.body["metadata"]?.["labels"]).toEqual({ case: mark });
    expect(one.body).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: `${mark}-0` } });
    expect(one.body).not.toHaveProperty("spec");
  });

  it("a selector over every selectable field of a kind is taken", async () => {
    const fields = ["metadata.name", "metadata.namespace", "spec.role", "spec.availability", "spec.membership", "spec.address"];
    for (const field of [...fields, "status.state"]) {
      expect([field, (await client.get(`${nodes}?fieldSelector=${field}!%3Dnothing`)).status]).toEqual([field, 200]);
    }
  });

  it("a long answer is compressed where that is taken, and the same where it is not", async () => {
    const mark = unique("long");
    const annotations = { note: "x".repeat(100_000) };
    for (const number of [0, 1]) {
      const name = `${mark}-${number}`;
      await client.post(nodes, { ...(node(name) as object), metadata: { name, labels: { case: mark }, annotations } });
    }
    const path = `${nodes}?labelSelector=case%3D${mark}`;
    const [zipped, plain] = [
      // What it takes is said: through a gateway that buffers, only who says so gets bytes.
      await client.get(path, { accept: "application/json", headers: { "accept-encoding": "gzip" } }),
      await client.get(path, { accept: "application/json", headers: { "accept-encoding": "identity" } }),
    ];
    expect([zipped, plain].map(({ headers }) => headers.get("content-encoding"))).toEqual(["gzip", null]);
    expect([...(zipped.body["items"] ?? [])]).toEqual([...(plain.body["items"] ?? [])]);
    expect(namesOf(zipped)).toEqual([`${mark}-0`, `${mark}-1`]);
    const short = await client.get(`${path}&limit=1`, { headers: { "accept-encoding": "gzip" } });
    expect(short.headers.get("content-encoding")).toBeNull();
  });

  it("a HEAD answers as the GET would, without a body", async () => {
    const mark = await several(client, 1);
    for (const path of [nodes, `${nodes}/${mark}-0`, "/version"]) {
      const { status, text, headers } = await client.send("HEAD", path);
      expect([path, status, text, headers.get("content-type")]).toEqual([path, 200, "", "application/json"]);
    }
    expect((await client.send("HEAD", `${nodes}/${mark}-none`)).status).toBe(404);
  });

  it("a HEAD of a watch ends", async () => {
    expect((await client.send("HEAD", `${nodes}?watch=true`)).status).toBe(200);
  });
}

/** Nodes `<mark>-0` and on, labelled `case=<mark>`. */
async function several(client: Client, count: number): Promise<string> {
  const mark = unique("list");
  for (let number = 0; number < count; number += 1) await client.post(nodes, node(`${mark}-${number}`, { case: mark }));
  return mark;
}

const namesOf = ({ body }: Answer): unknown[] => [...(body["items"] ?? [])].map((item) => item["metadata"]?.["name"]);
const continueOf = ({ body }: Answer): string => String(body["metadata"]?.["continue"] ?? "");
