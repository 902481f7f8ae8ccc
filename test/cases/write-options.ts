/** Dry runs and what becomes of unknown fields. */
import { expect, it } from "vitest";
import { type Client, group, node, unique } from "./client.ts";

const nodes = `${group}/nodes`;

export function writeOptionCases(client: Client): void {
  it("a dry run answers as the write would and writes nothing", async () => {
    const name = unique("dry");
    const path = `${nodes}/${name}`;
    const made = await client.post(`${nodes}?dryRun=All`, node(name));
    expect([made.status, made.body["metadata"]?.["name"]]).toEqual([201, name]);
    expect(made.body["metadata"]).not.toHaveProperty("resourceVersion");
    expect((await client.get(path)).status).toBe(404);
    const { body: real } = await client.post(nodes, node(name));
    const patched = await client.patch(`${path}?dryRun=All`, { spec: { availability: "drain" } });
    expect(patched.body).toMatchObject({ spec: { availability: "drain" }, metadata: { generation: 2 } });
    const replaced = await client.put(`${path}?dryRun=All`, node(name, { a: "1" }));
    expect(replaced.body["metadata"]?.["labels"]).toEqual({ a: "1" });
    expect((await client.delete(`${path}?dryRun=All`)).status).toBe(200);
    expect((await client.delete(path, { body: { dryRun: ["All"] } })).status).toBe(200);
    expect((await client.post(`${nodes}?dryRun=All`, node(name))).status).toBe(409);
    expect((await client.get(path)).body).toEqual(real);
    expect((await client.patch(`${path}?dryRun=Some`, {})).status).toBe(422);
  });

  it("unknown fields are dropped with a warning, refused under Strict, dropped in silence under Ignore", async () => {
    const name = unique("fields");
    const body = node(name, {}, { colour: "red" });
    const strict = await client.post(`${nodes}?fieldValidation=Strict`, body);
    expect([strict.status, strict.body["reason"]]).toEqual([400, "BadRequest"]);
    expect(strict.body["message"]).toContain('strict decoding error: unknown field "spec.colour"');
    expect((await client.get(`${nodes}/${name}`)).status).toBe(404);
    const warned = await client.post(nodes, body);
    expect([warned.status, warned.headers.get("warning")]).toEqual([201, String.raw`299 - "unknown field \"spec.colour\""`]);
    expect(warned.body["spec"]).not.toHaveProperty("colour");
    const ignored = await client.patch(`${nodes}/${name}?fieldValidation=Ignore`, { spec: { colour: "red" } });
    expect([ignored.status, ignored.headers.get("warning")]).toEqual([200, null]);
    expect((await client.patch(`${nodes}/${name}?fieldValidation=Strict`, { spec: { colour: "red" } })).status).toBe(400);
    expect((await client.patch(`${nodes}/${name}?fieldValidation=Perhaps`, {})).status).toBe(422);
  });

  it("a warning is a header whatever the field's name holds", async () => {
    const name = unique("fields");
    const answer = await client.post(nodes, node(name, {}, { 'a"b\\c\r\nd\u{1f600}': 1 }));
    expect(answer.status).toBe(201);
    expect(answer.headers.get("warning")).toMatch(/^299 - "unknown field .*"$/);
  });
}
