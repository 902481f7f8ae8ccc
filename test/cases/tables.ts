/** Tables: what kubectl prints. */
import { expect, it } from "vitest";
import { type Client, group, node, unique } from "./client.ts";

const nodes = `${group}/nodes`;
/** As kubectl sends it. */
const kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

export function tableCases(client: Client): void {
  it("a list as a Table has Name first, Age last, and each row its metadata", async () => {
    const name = unique("table");
    await client.post(nodes, node(name));
    const { body } = await client.get(`${nodes}?fieldSelector=metadata.name%3D${name}`, { accept: kubectl });
    expect(body).toMatchObject({ kind: "Table", apiVersion: "meta.k8s.io/v1" });
    const columns = [...(body["columnDefinitions"] ?? [])].map((column) => column["name"]);
    expect([columns[0], columns.at(-1)]).toEqual(["Name", "Age"]);
    const [row] = body["rows"] ?? [];
    expect(row?.["cells"]).toHaveLength(columns.length);
    expect(row?.["cells"]?.[0]).toBe(name);
    expect(String(row?.["cells"]?.[columns.length - 1])).toMatch(/^\d+s$/);
    expect(row?.["object"]).toMatchObject({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { name } });
    expect(row?.["object"]).not.toHaveProperty("spec");
  });

  it("one object as a Table is one row; includeObject decides what the row carries", async () => {
    const name = unique("table");
    const { body: made } = await client.post(nodes, node(name));
    const none = await client.get(`${nodes}/${name}?includeObject=None`, { accept: kubectl });
    expect(none.body["rows"]?.[0]).not.toHaveProperty("object");
    const whole = await client.get(`${nodes}/${name}?includeObject=Object`, { accept: kubectl });
    expect(whole.body["rows"]?.[0]?.["object"]).toEqual(made);
    const old = await client.get(`${nodes}/${name}`, { accept: "application/json;as=Table;v=v1beta1;g=meta.k8s.io" });
    expect(old.body).toMatchObject({
      apiVersion: "meta.k8s.io/v1beta1",
      rows: [{ object: { apiVersion: "meta.k8s.io/v1beta1" } }],
    });
  });

  it("what is preferred is given: JSON before a Table, a form that is not known passed over", async () => {
    const name = unique("table");
    await client.post(nodes, node(name));
    const accepts = [
      "application/json;q=0.9,application/json;as=Table;v=v1;g=meta.k8s.io;q=0.1",
      "application/vnd.kubernetes.protobuf,*/*",
    ];
    for (const accept of accepts) expect((await client.get(`${nodes}/${name}`, { accept })).body).toMatchObject({ kind: "Node" });
  });

  it("pages of Tables carry their continue token", async () => {
    const mark = unique("table");
    for (const number of [0, 1]) await client.post(nodes, node(`${mark}-${number}`, { case: mark }));
    const query = `${nodes}?labelSelector=case%3D${mark}&limit=1`;
    const first = await client.get(query, { accept: kubectl });
    const second = await client.get(`${query}&continue=${first.body["metadata"]?.["continue"]}`, { accept: kubectl });
    expect([first, second].map(({ body }) => body["rows"]?.[0]?.["cells"]?.[0])).toEqual([`${mark}-0`, `${mark}-1`]);
  });

  it("a watch as Tables has its columns in the first event only", async ({ skip }) => {
    skip(client.transport === "buffer", "each poll is a watch of its own");
    const mark = unique("table");
    await client.post(nodes, node(mark, { case: mark }));
    const watch = await client.watch(`${nodes}?watch=true&labelSelector=case%3D${mark}`, { accept: kubectl });
    const first = await watch.next();
    expect([...(first?.object["columnDefinitions"] ?? [])].length).toBeGreaterThan(2);
    await client.patch(`${nodes}/${mark}`, { spec: { availability: "drain" } });
    const second = await watch.next();
    expect(second).toMatchObject({ type: "MODIFIED", object: { kind: "Table", columnDefinitions: null } });
    expect([...(second?.object["rows"]?.[0]?.["cells"] ?? [])]).toContain("drain");
    watch.close();
  });
}
