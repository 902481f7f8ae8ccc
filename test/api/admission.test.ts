/** Bounds on what is under way at once: refused with 429 and Retry-After, and open again as soon as something is answered. */
import { describe, expect, it } from "vitest";
import { Admission } from "../../shared/api/admission.ts";
import { RefusedError } from "../../shared/api/errors.ts";
import { failureOf } from "../../shared/api/status.ts";
import type { ApiRequest } from "../../shared/http/exchange.ts";
import { startServer } from "./server.ts";

describe("what is under way", () => {
  it("has a bound of requests, and one answered makes room for one", () => {
    const admission = new Admission({ requestsMax: 2, bodyBytesMax: 100 });
    const leave = admission.enter(0);
    admission.enter(0);
    expect(() => admission.enter(0)).toThrow(RefusedError);
    leave();
    admission.enter(0);
    expect(() => admission.enter(0)).toThrow("2 requests are under way; at most 2");
  });

  it("has a bound of bytes, which one body alone may exceed", () => {
    const admission = new Admission({ requestsMax: 10, bodyBytesMax: 100 });
    const leave = admission.enter(150);
    expect(() => admission.enter(1)).toThrow("bodies of 150 bytes are under way; at most 100");
    leave();
    admission.enter(60);
    admission.enter(40);
    expect(() => admission.enter(1)).toThrow(RefusedError);
    admission.enter(0);
  });

  it("beyond it the answer is 429 with Retry-After", () => {
    const admission = new Admission({ requestsMax: 0, bodyBytesMax: 0 });
    let refusal: unknown;
    try {
      admission.enter(0);
    } catch (error) {
      refusal = error;
    }
    expect(failureOf(refusal)).toMatchObject({
      code: 429,
      headers: { "retry-after": "1" },
      status: { reason: "TooManyRequests" },
    });
  });
});

describe("an interface whose bound is reached", () => {
  it("refuses every route but health, reads no body, and serves again when there is room", async () => {
    const server = await startServer({ admission: { requestsMax: 1, bodyBytesMax: 1_000 } });
    try {
      const { baseUrl, token } = server.target;
      const body = Promise.withResolvers<Uint8Array>();
      const url = "/apis/windlass.dev/v1/nodes";
      const slow: ApiRequest = { method: "POST", url, header: (name) => headers(token)[name], read: () => body.promise };
      const waiting = server.app.handle(slow);
      const headersOf = { authorization: `Bearer ${token}` };
      const refused = await fetch(baseUrl + url, { headers: headersOf });
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
      expect((await fetch(`${baseUrl}/readyz`)).status).toBe(200);
      body.resolve(Buffer.from("{}"));
      expect((await waiting).status).toBe(422);
      expect((await fetch(baseUrl + url, { headers: headersOf })).status).toBe(200);
    } finally {
      await server.close();
    }
  });
});

const headers = (token: string): Readonly<Record<string, string>> => ({
  authorization: `Bearer ${token}`,
  "content-type": "application/json",
});
