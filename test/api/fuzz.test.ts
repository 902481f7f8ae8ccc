/**
 * Any request to any route: never a 5xx, never a change on a refusal or a read, and never a lost or invented object: after each
 * request the state is what it was, but for the one object that an accepted write names.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WindlassObject } from "../../shared/kinds/object.ts";
import { node, service } from "../conformance/objects-of.ts";
import { startServer, type TestServer } from "./server.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
const types = [
  "application/json",
  "application/merge-patch+json",
  "application/json-patch+json",
  "application/apply-patch+yaml",
  "application/strategic-merge-patch+json",
  "text/plain",
  "",
];
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "c") },
  fc.constantFrom("A", "..", "%2e%2e", "a%2fb", "a b", "__proto__", "constructor", "x".repeat(300), "%", "%ff", "ä"),
);
const namespace = fc.oneof({ weight: 4, arbitrary: fc.constant("default") }, name);
const kind = fc.constantFrom("nodes", "networks", "services", "tasks", "clusters", "pods");
const path = fc
  .record({
    base: fc.constantFrom("", "", "/clusters/default", "/clusters/other"),
    kind,
    namespace: fc.option(namespace),
    name: fc.option(name, { freq: 4 }),
    subresource: fc.option(fc.constantFrom("status", "scale", "nope"), { freq: 3 }),
    other: fc.option(
      fc.constantFrom(
        "/version",
        "/apis",
        "/openapi/v2",
        "/openapi/v3",
        "/metrics",
        "/windlass/v1/tokens",
        "/windlass/v1/history",
        "/windlass/v1/export",
        "//",
        "/api/v1",
      ),
      { freq: 8 },
    ),
  })
  .map(({ base, kind: plural, namespace: within, name: of, subresource, other }) => {
    if (other !== null) return base + other;
    const scope = within === null ? "" : `/namespaces/${within}`;
    const item = of === null ? "" : `/${of}${subresource === null ? "" : `/${subresource}`}`;
    return `${base}/apis/windlass.dev/v1${scope}/${plural}${item}`;
  });
const parameter = fc.oneof(
  fc.constantFrom("limit=1", "limit=-1", "limit=x", "continue=x", "resourceVersion=1", "resourceVersion=0", "resourceVersion=x"),
  fc.constantFrom(
    "dryRun=All",
    "dryRun=x",
    "fieldValidation=Strict",
    "fieldValidation=x",
    "fieldManager=f",
    "force=true",
    "force=x",
  ),
  fc.constantFrom(
    "labelSelector=a%3Db",
    "labelSelector=%3D",
    "fieldSelector=metadata.name%3Da",
    "fieldSelector=x%3Dy",
    "includeObject=x",
  ),
  fc.constantFrom(
    "propagationPolicy=Orphan",
    "propagationPolicy=x",
    "gracePeriodSeconds=0",
    "timeoutSeconds=0",
    "resourceVersionMatch=Exact",
  ),
  fc.string({ maxLength: 10 }).map((text) => `${encodeURIComponent(text)}=${encodeURIComponent(text)}`),
);
const valid = fc.oneof(
  name.map((of) => JSON.stringify({ ...node("a"), metadata: { name: of, labels: { a: "b" } } })),
  name.map((of) => JSON.stringify({ ...service("a"), metadata: { name: of } })),
  fc.constantFrom("drain", "nope").map((availability) => JSON.stringify({ spec: { availability } })),
  fc.constant(JSON.stringify({ metadata: { finalizers: ["windlass.dev/test"] } })),
  fc.constant(JSON.stringify({ metadata: { finalizers: null, labels: { "a/b/c": "x" } } })),
  fc.constant(JSON.stringify([{ op: "add", path: "/metadata/labels", value: { z: "1" } }])),
  fc.constant(JSON.stringify([{ op: "test", path: "/spec/__proto__", value: 1 }])),
  fc.constant(JSON.stringify({ kind: "DeleteOptions", apiVersion: "v1", preconditions: { uid: "x" } })),
);
const body = fc.oneof(
  { weight: 3, arbitrary: valid },
  fc.json({ maxDepth: 4 }),
  fc.constantFrom("", "{", "[]", "null", '{"a":1,"a":2}', '{"__proto__":{"x":1}}', `${"[".repeat(5_000)}${"]".repeat(5_000)}`),
  // A mistake in what is nearly right.
  fc
    .tuple(valid, fc.nat(60), fc.constantFrom("", "0", '"', "}"))
    .map(([text, at, insert]) => text.slice(0, at) + insert + text.slice(at + 1)),
);
const anything = fc.record({
  method: fc.constantFrom(...methods),
  path,
  query: fc.array(parameter, { maxLength: 3 }),
  type: fc.constantFrom(...types),
  accept: fc.constantFrom("application/json", "*/*", "application/json;as=Table;g=meta.k8s.io;v=v1", "application/yaml", "x"),
  body,
});

/** A write as a client means it, with one part of it perhaps replaced by anything. */
const meant = fc
  .record({
    of: fc.constantFrom("a", "b", "c"),
    plural: fc.constantFrom("nodes", "services"),
    verb: fc.constantFrom("POST", "PUT", "PATCH", "APPLY", "DELETE"),
  })
  .chain(({ of, plural, verb }) => {
    const object = { ...(plural === "nodes" ? node(of) : service(of)), metadata: { name: of } };
    const base = `/apis/windlass.dev/v1${plural === "nodes" ? "" : "/namespaces/default"}/${plural}`;
    const patch = fc.constantFrom(
      { metadata: { labels: { a: "1" } } },
      { metadata: { labels: { a: "2" } } },
      { metadata: { finalizers: null } },
    );
    const finalized = { ...object, metadata: { name: of, finalizers: ["windlass.dev/test"] } };
    const asMeant = fc.record({
      method: fc.constant(verb === "APPLY" ? "PATCH" : verb),
      path: fc.constant(verb === "POST" ? base : `${base}/${of}`),
      query: fc.constant<string[]>(verb === "APPLY" ? ["fieldManager=f", "force=true"] : []),
      type: fc.constant(
        verb === "PATCH"
          ? "application/merge-patch+json"
          : verb === "APPLY"
            ? "application/apply-patch+yaml"
            : "application/json",
      ),
      accept: fc.constant("application/json"),
      body:
        verb === "PATCH"
          ? patch.map((change) => JSON.stringify(change))
          : verb === "DELETE"
            ? fc.constant("")
            : fc.constantFrom(object, object, finalized).map((one) => JSON.stringify(one)),
    });
    return fc.oneof(
      { weight: 3, arbitrary: asMeant },
      fc
        .tuple(asMeant, anything, fc.constantFrom("path", "query", "type", "body" as const))
        .map(([good, odd, part]) => ({ ...good, [part]: odd[part as "body"] })),
    );
  });
const request = fc.oneof({ weight: 3, arbitrary: meant }, anything);

describe("any request", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  const state = async (): Promise<Map<string, WindlassObject>> => {
    const store = await server.clusters.resolve("default");
    const objects = (await store?.save())?.objects ?? [];
    return new Map(
      objects.map((object) => [`${object.kind}/${object.metadata.namespace ?? ""}/${object.metadata.name}`, object]),
    );
  };

  it("is answered, changes nothing when refused or read, and at most what it names otherwise", async () => {
    const answered = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path: where, query, type, accept, body: text }) => {
        const before = await state();
        const { baseUrl, token } = server.target;
        const url = `${baseUrl}${where}${query.length > 0 ? `?${query.join("&")}` : ""}`;
        const headers = { authorization: `Bearer ${token}`, accept, ...(type !== "" && { "content-type": type }) };
        const carries = method !== "GET" && method !== "HEAD";
        const answer = await fetch(url, { method, headers, ...(carries && { body: text }) });
        await answer.arrayBuffer();
        const what = `${method} ${where}?${query.join("&")} (${type}) ${text.slice(0, 200)} -> ${answer.status}`;
        expect(answer.status, what).toBeLessThan(500);
        answered.set(`${method} ${answer.status}`, (answered.get(`${method} ${answer.status}`) ?? 0) + 1);
        const after = await state();
        // What is going may go by itself: the collector takes away what held it.
        const isGoing = (key: string) => before.get(key)?.metadata.deletionTimestamp !== undefined;
        const keys = [...new Set([...before.keys(), ...after.keys()])].filter((key) => !isGoing(key));
        const changed = keys.filter((key) => before.get(key) !== after.get(key));
        const isWrite = answer.ok && carries && !(query as string[]).includes("dryRun=All");
        if (!isWrite) expect(changed, what).toEqual([]);
        else if (method !== "DELETE") expect(changed.length, what).toBeLessThanOrEqual(1);
      }),
      // Below the 5,000 entries that may wait to be applied: nobody publishes here.
      { numRuns: 3_000 },
    );
    // Every kind of write came through, or this would show nothing.
    for (const done of ["POST 201", "PUT 200", "PATCH 200", "PATCH 201", "DELETE 200"])
      expect(answered.get(done), done).toBeGreaterThan(10);
  });
});
