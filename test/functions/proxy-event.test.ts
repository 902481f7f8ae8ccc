/** API Gateway's proxy events as requests. */
import { describe, expect, it } from "vitest";
import { parseProxyEvent, requestOf } from "../../functions/api/proxy-event.ts";

const event = (parts: object) => ({
  httpMethod: "GET",
  path: "/api",
  headers: null,
  multiValueHeaders: null,
  queryStringParameters: null,
  multiValueQueryStringParameters: null,
  pathParameters: { proxy: "api" },
  body: null,
  isBase64Encoded: false,
  requestContext: { stage: "prod", path: "/prod/api", identity: {} },
  ...parts,
});
const request = (parts: object) => requestOf(parseProxyEvent(event(parts)), undefined);
const nodes = "apis/windlass.dev/v1/nodes";

describe("a proxy event's path", () => {
  it.each([
    ["in a stage", `/${nodes}`, nodes, `/${nodes}`],
    ["behind a base path", `/team/a/${nodes}`, nodes, `/${nodes}`],
    ["with a slash at its end", `/${nodes}/`, nodes, `/${nodes}/`],
    ["with an encoded slash", `/${nodes}/a%2Fstatus`, `${nodes}/a/status`, `/${nodes}/a%2Fstatus`],
    ["with an encoded slash behind a base path", `/base/${nodes}/a%2Fb`, `${nodes}/a/b`, `/${nodes}/a%2Fb`],
    ["with percent signs that mean nothing", `/${nodes}/a%zz`, `${nodes}/a%zz`, `/${nodes}/a%zz`],
    ["decoded on the way", `/${nodes}/a?b#c`, `${nodes}/a?b#c`, `/${nodes}/a%3Fb%23c`],
    ["behind a base path of the same name", "/api/api", "api", "/api"],
  ])("%s", (_, path, proxy, url) => {
    expect(request({ path, pathParameters: { proxy } }).url).toBe(url);
  });

  it("is the root where nothing is proxied", () => {
    expect(request({ path: "/", pathParameters: null }).url).toBe("/");
  });
});

describe("a proxy event's query", () => {
  it("is encoded again, several values of one name in their order", () => {
    const multiValueQueryStringParameters = { labelSelector: ["a=b,c in (d)", "second"], limit: ["5"], "a b": ["ü&="] };
    const { url } = request({ multiValueQueryStringParameters, queryStringParameters: { limit: "5" } });
    const query = new URL(url, "http://-").searchParams;
    expect([query.getAll("labelSelector"), query.get("limit"), query.get("a b")]).toEqual([
      ["a=b,c in (d)", "second"],
      "5",
      "ü&=",
    ]);
  });

  it("comes from the single values where there are no others", () => {
    expect(request({ queryStringParameters: { watch: "true", empty: "" } }).url).toBe("/api?watch=true&empty=");
  });
});

describe("a proxy event's headers", () => {
  it("are found by any case; several of one name are joined", () => {
    const found = request({ headers: { Accept: "b", "X-One": "1" }, multiValueHeaders: { ACCEPT: ["a", "b"] } });
    expect([found.header("accept"), found.header("x-one"), found.header("absent")]).toEqual(["a, b", "1", undefined]);
  });
});

describe("a proxy event's body", () => {
  it.each([
    ["as text", "grün", false],
    ["as base64", Buffer.from("grün").toString("base64"), true],
  ])("%s", async (_, body, isBase64Encoded) => {
    const found = request({ httpMethod: "POST", body, isBase64Encoded });
    expect(Buffer.from((await found.read(5)) ?? []).toString()).toBe("grün");
    expect(await found.read(4)).toBeUndefined();
  });

  it("of bytes stays as it is, and none is empty", async () => {
    const bytes = Buffer.from([0, 255, 128, 10]);
    const found = request({ body: bytes.toString("base64"), isBase64Encoded: true });
    expect(Buffer.from((await found.read(4)) ?? [])).toEqual(bytes);
    expect(await request({}).read(1)).toHaveLength(0);
  });
});

it("what is no proxy event is refused", () => {
  for (const wrong of [null, {}, { httpMethod: 1, path: "/" }]) expect(() => parseProxyEvent(wrong)).toThrow();
});
