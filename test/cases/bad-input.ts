/** Input that is not right: a Status that says what is wrong, and nothing written. */
import { expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { type Client, group, node, type RequestOptions, unique } from "./client.ts";

const nodes = `${group}/nodes`;

type Case = {
  readonly name: string;
  readonly status: number;
  readonly reason: string;
  readonly field?: string;
  readonly says?: string;
};
type BodyCase = Case & { readonly body: (name: string) => Json | string | Uint8Array; readonly options?: RequestOptions };

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const metadata = (name: string, extra: Record<string, Json>): Json => ({
  ...(node(name) as object),
  metadata: { name, ...extra },
});
const invalid = { status: 422, reason: "Invalid" } as const;
const bad = { status: 400, reason: "BadRequest" } as const;

const bodies: readonly BodyCase[] = [
  { name: "no body", body: () => "", ...bad },
  { name: "no JSON", body: () => "{", ...bad },
  {
    name: "YAML",
    body: () => "kind: Node",
    options: { type: "application/yaml" },
    status: 415,
    reason: "UnsupportedMediaType",
    says: "application/json",
  },
  {
    name: "protobuf",
    body: () => "k8s",
    options: { type: "application/vnd.kubernetes.protobuf" },
    status: 415,
    reason: "UnsupportedMediaType",
  },
  { name: "bytes that are not UTF-8", body: () => Uint8Array.of(0x22, 0xff, 0x22), ...bad },
  { name: "a list", body: () => [], ...invalid },
  { name: "a number", body: () => 5, ...invalid },
  { name: "null", body: () => null, ...invalid },
  {
    name: "a key twice",
    body: (name) => `{"metadata":{"name":"${name}","name":"b"},"spec":{}}`,
    ...bad,
    says: "duplicate field",
  },
  { name: "a key twice, once escaped", body: (name) => `{"metadata":{"name":"${name}","n\\u0061me":"b"},"spec":{}}`, ...bad },
  { name: "deep nesting", body: () => nested(2_000), ...bad, says: "nested deeper" },
  { name: "very deep nesting", body: () => "[".repeat(1_000_000) + "]".repeat(1_000_000), ...bad },
  { name: "another kind", body: (name) => ({ ...(node(name) as object), kind: "Task" }), ...invalid, field: "kind" },
  { name: "another version", body: (name) => ({ ...(node(name) as object), apiVersion: "v1" }), ...invalid, field: "apiVersion" },
  { name: "no name", body: () => ({ spec: { address: "tcp://a:1" } }), ...invalid, field: "metadata.name" },
  { name: "a name with a slash", body: () => node("a/b"), ...invalid, field: "metadata.name" },
  { name: "a name in capitals", body: () => node("A"), ...invalid, field: "metadata.name" },
  { name: "a long name", body: () => node("a".repeat(254)), ...invalid, field: "metadata.name" },
  { name: "a name that is a number", body: () => metadata("a", { name: 5 }), ...invalid, field: "metadata.name" },
  {
    name: "a namespace on a cluster-wide kind",
    body: (name) => metadata(name, { namespace: "default" }),
    ...invalid,
    field: "metadata.namespace",
  },
  { name: "a label's key", body: (name) => metadata(name, { labels: { "a b": "c" } }), ...invalid, field: "metadata.labels" },
  { name: "a label's value", body: (name) => metadata(name, { labels: { a: "b c" } }), ...invalid, field: "metadata.labels.a" },
  { name: "a missing field", body: (name) => ({ metadata: { name }, spec: {} }), ...invalid, field: "spec.address" },
  { name: "a value that is none of them", body: (name) => node(name, {}, { role: "king" }), ...invalid, field: "spec.role" },
  { name: "a wrong type", body: (name) => node(name, {}, { address: 5 }), ...invalid, field: "spec.address" },
  {
    name: "a large object",
    body: (name) => metadata(name, { annotations: { a: "x".repeat(140_000) } }),
    status: 413,
    reason: "RequestEntityTooLarge",
    says: "131072",
  },
  {
    name: "a large body",
    body: (name) => metadata(name, { annotations: { a: "x".repeat(3_200_000) } }),
    status: 413,
    reason: "RequestEntityTooLarge",
    says: "3145728",
  },
];

const oddNames = ["a%2Fb", "%25", "a%00b", "__proto__", "constructor", "A", "a".repeat(300), "%zz", "a b", "%F0%9F%98%80"];

const queries: readonly (Case & { readonly path: string })[] = [
  { name: "a label selector", path: `${nodes}?labelSelector=${encodeURIComponent("a in (")}`, ...bad },
  { name: "a field selector", path: `${nodes}?fieldSelector=spec.nope%3D1`, ...bad, says: "field label not supported" },
  { name: "a limit", path: `${nodes}?limit=-1`, ...bad },
  { name: "a limit that is no number", path: `${nodes}?limit=ten`, ...bad },
  { name: "a continue token", path: `${nodes}?continue=nonsense`, ...bad },
  { name: "a version", path: `${nodes}?resourceVersion=abc`, ...bad },
  { name: "a version above 2^53", path: `${nodes}?resourceVersion=99999999999999999999`, ...bad },
  { name: "a match without a version", path: `${nodes}?resourceVersionMatch=Exact`, ...invalid, field: "resourceVersionMatch" },
  {
    name: "an unknown match",
    path: `${nodes}?resourceVersion=5&resourceVersionMatch=Near`,
    ...invalid,
    field: "resourceVersionMatch",
  },
  {
    name: "exactly version 0",
    path: `${nodes}?resourceVersion=0&resourceVersionMatch=Exact`,
    ...invalid,
    field: "resourceVersionMatch",
  },
  { name: "a watch's version", path: `${nodes}?watch=true&resourceVersion=abc`, ...bad },
  { name: "a watch's time", path: `${nodes}?watch=true&timeoutSeconds=soon`, ...bad },
  { name: "sendInitialEvents in a list", path: `${nodes}?sendInitialEvents=true`, ...invalid, field: "sendInitialEvents" },
  {
    name: "sendInitialEvents without a match",
    path: `${nodes}?watch=true&sendInitialEvents=true`,
    ...invalid,
    field: "resourceVersionMatch",
    says: "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
  },
  {
    name: "a watch's match without sendInitialEvents",
    path: `${nodes}?watch=true&resourceVersionMatch=NotOlderThan`,
    ...invalid,
    field: "resourceVersionMatch",
    says: "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
  },
  {
    name: "a watch's exact match",
    path: `${nodes}?watch=true&sendInitialEvents=true&resourceVersionMatch=Exact`,
    ...invalid,
    field: "resourceVersionMatch",
    says: 'Unsupported value: "Exact": supported values: "NotOlderThan"',
  },
  {
    name: "a match beside a continue token",
    path: `${nodes}?resourceVersion=5&resourceVersionMatch=Exact&continue=x`,
    ...invalid,
    field: "resourceVersionMatch",
    says: "resourceVersionMatch is forbidden when continue is provided",
  },
  { name: "includeObject", path: `${nodes}?includeObject=All`, ...bad },
  { name: "a namespace", path: `${group}/namespaces/A_B/services`, ...invalid, field: "metadata.namespace" },
];

export function badInputCases(client: Client): void {
  it.each(bodies)("a body with $name", async ({ body, options, ...wanted }) => {
    const name = unique("bad");
    const before = await revision(client);
    const answer = await client.send("POST", nodes, { ...options, body: body(name) as Json });
    check(answer, wanted);
    expect(await revision(client)).toBe(before);
  });

  it.each(queries)("a query with $name", async ({ path, ...wanted }) => check(await client.get(path), wanted));

  it("several wrong fields are all named", async () => {
    const { body } = await client.post(nodes, node("A", { "a b": "c" }, { role: "king", availability: "no" }));
    const fields = [...(body["details"]?.["causes"] ?? [])].map((cause) => cause["field"]);
    expect(fields).toEqual(expect.arrayContaining(["metadata.name", "metadata.labels", "spec.role", "spec.availability"]));
    expect(body["details"]).toMatchObject({ kind: "Node", group: "windlass.dev", name: "A" });
    expect(body["message"]).toMatch(/^Node\.windlass\.dev "A" is invalid: \[/);
  });

  it.each(oddNames)("the name %s is nobody's", async (name) => {
    for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
      const body = method === "PUT" ? node("x") : method === "PATCH" ? {} : undefined;
      const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      const { status } = await client.send(method, `${nodes}/${name}`, { type, ...(body !== undefined && { body }) });
      expect([method, name, status]).toEqual([method, name, 404]);
    }
  });

  it("methods that a path does not take are a 405 that lists those it does", async () => {
    const answers = [
      [await client.send("PUT", nodes, { body: {} }), "GET, POST, DELETE"],
      [await client.send("DELETE", `${group}/clusters`), "GET, POST"],
      [await client.send("POST", `${nodes}/a`, { body: {} }), "GET, PUT, PATCH, DELETE"],
      [await client.send("POST", "/version", { body: {} }), "GET"],
    ] as const;
    for (const [{ status, body, headers }, allow] of answers) {
      expect([status, body["reason"], headers.get("allow")]).toEqual([405, "MethodNotAllowed", allow]);
    }
  });

  it.each(["application/strategic-merge-patch+json", "text/plain"])(
    "a patch as %s is a 415 that names what is supported",
    async (type) => {
      const name = unique("patch");
      await client.post(nodes, node(name));
      const { status, body } = await client.patch(`${nodes}/${name}`, [] as never, { type });
      expect([status, body["reason"]]).toEqual([415, "UnsupportedMediaType"]);
      expect(body["message"]).toContain("application/merge-patch+json");
    },
  );

  it("an Accept header that can't be met is a 406, before anything is written", async () => {
    const name = unique("accept");
    const { status, body } = await client.post(nodes, node(name), { accept: "application/yaml" });
    expect([status, body["reason"]]).toEqual([406, "NotAcceptable"]);
    expect((await client.get(`${nodes}/${name}`)).status).toBe(404);
  });

  it("keys of JavaScript's own objects are data, in bodies and in patches", async () => {
    const name = unique("proto");
    const odd = `{"metadata":{"name":"${name}","labels":{"constructor":"a","toString":"b"}},"spec":{"address":"tcp://a:1"},"__proto__":{"polluted":true}}`;
    const made = await client.send("POST", nodes, { body: odd });
    expect([made.status, made.body["metadata"]?.["labels"]]).toEqual([201, { constructor: "a", toString: "b" }]);
    const patched = await client.send("PATCH", `${nodes}/${name}`, {
      type: "application/merge-patch+json",
      body: '{"__proto__":{"polluted":true},"metadata":{"__proto__":{"polluted":true},"annotations":{"valueOf":"c"}}}',
    });
    expect([patched.status, patched.body["metadata"]?.["annotations"]]).toEqual([200, { valueOf: "c" }]);
    expect({}).not.toHaveProperty("polluted");
    const { body } = await client.get(
      `${nodes}?labelSelector=constructor%3Da,hasOwnProperty!%3Dx&fieldSelector=metadata.name%3D${name}`,
    );
    expect([...(body["items"] ?? [])]).toHaveLength(1);
  });

  it("a revision of another life is a 410", async () => {
    const { body } = await client.get(nodes);
    const head = Number(body["metadata"]?.["resourceVersion"]);
    for (const version of [head + 1_000_000, 5_000]) {
      for (const path of [
        `${nodes}?resourceVersion=${version}`,
        `${nodes}?resourceVersion=${version}&resourceVersionMatch=Exact`,
      ]) {
        const answer = await client.get(path);
        expect([path, answer.status, answer.body["reason"]]).toEqual([path, 410, "Expired"]);
      }
    }
  });
}

function check({ status, body }: { status: number; body: { readonly [key: string]: unknown } }, wanted: Case): void {
  expect([status, body["reason"], body["kind"], body["code"]]).toEqual([wanted.status, wanted.reason, "Status", wanted.status]);
  const details = body["details"] as { causes?: readonly { field: string }[] } | undefined;
  if (wanted.field !== undefined) expect(details?.causes?.map(({ field }) => field)).toContain(wanted.field);
  if (wanted.says !== undefined) expect(body["message"]).toContain(wanted.says);
}

async function revision(client: Client): Promise<string | null> {
  return (await client.get(`${nodes}?limit=1`)).headers.get("x-windlass-resource-version");
}
