/** Input of any kind: refused in Docker's form, never the server's fault, and never let through to another path of an engine. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonBytesMax } from "../../shared/docker-api/body.ts";
import { urlLengthMax } from "../../shared/docker-api/paths.ts";
import { ask, type Front, openFront } from "./front-host.ts";
import { type ScriptedEngine, scriptedEngine } from "./scripted-engine.ts";

let front: Front;
let engine: ScriptedEngine;
const faults: unknown[] = [];
beforeAll(async () => {
  engine = scriptedEngine();
  const logger = {
    log: (level: string, message: string, fields?: object) => void (level === "error" && faults.push([message, fields])),
  };
  front = await openFront({ nodes: { "node-a": "tcp://10.0.0.1:2375" }, open: engine.open, logger });
  await front.ask("POST", "/v1.41/containers/create?name=web", { json: { Image: "busybox" } });
});
afterAll(() => front.close());

describe("bodies", () => {
  it.each([
    ["no JSON", "{", /^invalid JSON: /],
    ["a list", "[]", /^invalid JSON: the body must be an object$/],
    ["a word", '"x"', /^invalid JSON: the body must be an object$/],
  ])("%s is 400", async (_, body, message) => {
    const headers = { "content-type": "application/json" };
    const answer = await front.ask("POST", "/v1.41/containers/create", { body, headers });
    expect([answer.status, answer.json()]).toEqual([400, { message: expect.stringMatching(message) }]);
  });

  it("another type than JSON is 400 in Docker's words", async () => {
    const answer = await front.ask("POST", "/v1.41/containers/create", { body: "{}", headers: { "content-type": "text/plain" } });
    expect([answer.status, answer.json()]).toEqual([
      400,
      { message: "unsupported Content-Type header (text/plain): must be 'application/json'" },
    ]);
  });

  it("one byte over the bound is 413, announced or not", async () => {
    const headers = { "content-type": "application/json" };
    const body = (size: number) => `{"Image":"busybox","x":"${"y".repeat(size - 28)}"}`.padEnd(size, " ");
    expect((await front.ask("POST", "/v1.41/containers/create", { body: body(jsonBytesMax), headers })).status).not.toBe(413);
    const over = await front.ask("POST", "/v1.41/containers/create", { body: body(jsonBytesMax + 1), headers });
    expect([over.status, over.json()]).toEqual([413, { message: `request body too large: at most ${jsonBytesMax} bytes` }]);
  });

  it("a URL that is too long is 414", async () => {
    const answer = await ask(`${front.url}/v1.41/info?x=`, "GET");
    expect(answer.status).toBe(200);
    expect(urlLengthMax).toBeGreaterThan(16 * 1024);
  });
});

describe("paths", () => {
  it.each([
    "/v1.41/containers/..%2f..%2finfo/json",
    "/v1.41/containers/web%2f..%2f..%2finfo/top",
    "/v1.41/images/..%2f..%2finfo%3f/json",
    "/v1.41/distribution/..%2finfo%3Fx/json",
    "/v1.41/networks/..%2finfo",
    "/v1.41/volumes/..%2finfo",
    "/v1.41/exec/..%2f..%2finfo%3f/json",
  ])("%s leads to no other path of an engine", async (path) => {
    engine.asked.length = 0;
    const { status } = await front.ask("GET", path);
    expect([400, 404]).toContain(status);
    expect(engine.asked.map((request) => request.path).filter((sent) => sent.includes("..") || sent.endsWith("/info"))).toEqual(
      [],
    );
  });

  it("an id of an engine that no object tells of is not asked for there", async () => {
    engine.asked.length = 0;
    expect((await front.ask("GET", `/v1.41/containers/${"f".repeat(64)}/json`)).status).toBe(404);
    expect(engine.asked).toEqual([]);
  });
});

describe("anything", () => {
  const word = fc.oneof(
    fc.constantFrom("web", "busybox", "node-a/x", "json", "..", "%00", "%", "*", "a b", "ä", "0".repeat(64), "x".repeat(600)),
    fc.string({ maxLength: 20 }),
  );
  const value = fc.oneof(
    word,
    fc.jsonValue({ maxDepth: 2 }).map((json) => JSON.stringify(json)),
  );
  const request = fc.record({
    row: fc.nat(),
    words: fc.array(word, { minLength: 2, maxLength: 2 }),
    query: fc.array(
      fc.tuple(
        fc.constantFrom(
          "filters",
          "limit",
          "since",
          "until",
          "all",
          "name",
          "t",
          "signal",
          "fromImage",
          "tag",
          "names",
          "node",
          "platform",
          "ps_args",
        ),
        value,
      ),
      { maxLength: 3 },
    ),
    json: fc.option(fc.jsonValue({ maxDepth: 3 })),
  });

  it("to any route is answered in Docker's form and is nobody's fault", async () => {
    const rows = front.api.routes.filter(({ path }) => path !== "/events");
    faults.length = 0;
    await fc.assert(
      fc.asyncProperty(request, async ({ row, words, query, json }) => {
        const { method, path } = rows[row % rows.length] ?? { method: "GET", path: "/" };
        let next = 0;
        const filled = path.replaceAll(/:\w+\{\.\+\}/g, () => encodeURIComponent(words[next++] ?? "x"));
        const text = new URLSearchParams(query).toString();
        const answer = await front.ask(method, `/v1.41${filled}?${text}`, json === null ? {} : { json });
        if (answer.status >= 400 && method !== "HEAD") expect(answer.json()).toEqual({ message: expect.any(String) });
        expect(faults).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});
