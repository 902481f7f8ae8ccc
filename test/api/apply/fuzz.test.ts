/** Whatever is applied, to whatever entries: an answer that is no fault of the server, and what is refused changes nothing. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Json } from "../../../shared/base/json.ts";
import { applied } from "../../cases/apply.ts";
import { Client, group, node } from "../../cases/client.ts";
import { startServer, type TestServer } from "../server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const names = fc.constantFrom(
  "name",
  "labels",
  "finalizers",
  "ownerReferences",
  "uid",
  "spec",
  "status",
  "conditions",
  "type",
  "address",
);
const keys = fc.oneof(
  names,
  fc.constantFrom("__proto__", "constructor", "toString", "f:x", ".", ""),
  fc.string({ maxLength: 5 }),
);
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Json>(null, true, 0, -1.5, "", "a/b", "True", "tcp://127.0.0.1:2375"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(keys, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ) as fc.Arbitrary<Json>,
}));
const configs = fc
  .record({ metadata: value, spec: value, status: value }, { requiredKeys: [] })
  .map((parts): Json => ({ apiVersion: "windlass.dev/v1", kind: "Node", ...parts }));
const elements = fc.oneof(
  fc.constantFrom("f:metadata", "f:labels", "f:spec", "f:address", ".", 'v:"a/b"', 'k:{"uid":"1"}'),
  keys,
);
const entries = fc.record({
  manager: fc.constantFrom("one", "two"),
  operation: fc.constantFrom("Apply", "Update"),
  apiVersion: fc.constant("windlass.dev/v1"),
  fieldsType: fc.constant("FieldsV1"),
  fieldsV1: fc.dictionary(elements, fc.dictionary(elements, fc.constant({}), { noNullPrototype: true }), {
    noNullPrototype: true,
  }),
});

it("any configuration, over any entries", async () => {
  const client = new Client(() => server.target);
  const path = `${group}/nodes/fuzzed`;
  await client.post(`${group}/nodes`, node("fuzzed", { a: "1" }));
  const steps = fc.record({
    managedFields: fc.array(entries, { maxLength: 3 }),
    config: configs,
    force: fc.boolean(),
    status: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(steps, async ({ managedFields, config, force, status }) => {
      expect((await client.patch(path, { metadata: { managedFields } })).status).toBeLessThan(500);
      const before = await client.get(path);
      const query = force ? "&force=true" : "";
      const answer = await applied(client, status ? `${path}/status` : path, config, { manager: "one", query });
      expect([answer.status, answer.status < 500]).toEqual([answer.status, true]);
      if (answer.status >= 400) expect((await client.get(path)).body).toEqual(before.body);
    }),
    { numRuns: 300 },
  );
});
