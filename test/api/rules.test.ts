/** The interface's small rules as tables and properties: ages, Accept headers, JSON scanning, tokens, and which error is which status. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ageText, durationText } from "../../shared/api/age.ts";
import { readToken, writeToken } from "../../shared/api/continue-token.ts";
import { RefusedError } from "../../shared/api/errors.ts";
import { scanJson } from "../../shared/api/json-scan.ts";
import { negotiate } from "../../shared/api/negotiate.ts";
import { parseFlag } from "../../shared/api/query.ts";
import { failureOf } from "../../shared/api/status.ts";
import type { WindlassObject } from "../../shared/kinds/object.ts";
import { DamagedEntryError, TooLargeError } from "../../shared/log/errors.ts";
import * as state from "../../shared/state/errors.ts";

describe("ages", () => {
  const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
  it.each([
    [-3 * second, "<invalid>"],
    [-1 * second, "0s"],
    [0, "0s"],
    [119 * second, "119s"],
    [120 * second, "2m"],
    [5 * minute + 3 * second, "5m3s"],
    [10 * minute - second, "9m59s"],
    [10 * minute, "10m"],
    [179 * minute, "179m"],
    [3 * hour, "3h"],
    [7 * hour + 59 * minute, "7h59m"],
    [8 * hour, "8h"],
    [47 * hour, "47h"],
    [48 * hour, "2d"],
    [7 * day + 23 * hour, "7d23h"],
    [8 * day, "8d"],
    [729 * day, "729d"],
    [730 * day, "2y"],
    [3 * 365 * day + 40 * day, "3y40d"],
    [8 * 365 * day, "8y"],
  ])("%i ms are %s", (ms, text) => expect(durationText(ms)).toBe(text));

  it("what has no time has an unknown age", () => {
    expect([ageText(undefined, 0), ageText("soon", 0)]).toEqual(["<unknown>", "<unknown>"]);
  });
});

describe("Accept headers", () => {
  const table = (version: string) => `application/json;as=Table;v=${version};g=meta.k8s.io`;
  it.each([
    ["", "json"],
    ["*/*", "json"],
    ["application/*", "json"],
    ["application/json;charset=utf-8", "json"],
    ["application/json;stream=watch", "json"],
    [`${table("v1")},${table("v1beta1")},application/json`, "v1"],
    [`${table("v2")}, ${table("v1beta1")}`, "v1beta1"],
    ["application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json", "v1"],
    ["application/json;as=PartialObjectMetadataList;v=v2;g=meta.k8s.io,application/json", "json"],
    ["application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json", "json"],
    [`${table("v1")};q=0,application/json;q=0.1`, "json"],
    ["application/vnd.kubernetes.protobuf;q=1,application/json;q=0.5", "json"],
  ])("%s gives %s", (accept, wanted) => {
    const format = negotiate(accept);
    expect(format.as === "json" ? "json" : format.version).toBe(wanted);
  });

  it.each(["application/yaml", "text/html", "nonsense", ",", "application/json;q=0", "x".repeat(5_000)])(
    "%s can't be met",
    (accept) => {
      expect(() => negotiate(accept)).toThrow(RefusedError);
    },
  );
});

describe("JSON scanning", () => {
  const scanned = (text: string) => scanJson(text, JSON.parse(text), 64);

  it("JSON that says each thing once passes, however it is written", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2), (value, indent) => {
        expect(scanned(JSON.stringify(value, undefined, indent))).toBeUndefined();
      }),
    );
  });

  it("a key that is there twice is found, wherever it stands and however it is escaped", () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue({ maxDepth: 3 }), fc.nat(5), fc.boolean(), (key, value, depth, escaped) => {
        const plain = JSON.stringify(key);
        const other = escaped
          ? `"${[...Array(key.length).keys()].map((at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`
          : plain;
        const inner = `{${plain}:${JSON.stringify(value)},${other}:1}`;
        const text = `${'[{"a":'.repeat(depth)}${inner}${"}]".repeat(depth)}`;
        expect(scanned(text)).toContain("duplicate field");
      }),
    );
  });

  it("nesting is bounded: at the bound it passes, one past it does not", () => {
    const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
    expect([scanned(nested(64)), scanned(nested(65))]).toEqual([undefined, "nested deeper than 64 levels"]);
    expect(scanned(`"${"[".repeat(100)}"`)).toBeUndefined();
  });
});

describe("continue tokens", () => {
  it("say what they were given, to the same question only", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.maxSafeNat(), fc.string(), fc.string(), fc.string(), (uid, revision, after, question, other) => {
        const token = { uid, revision, after };
        const text = writeToken(token, question);
        expect(readToken(text, question)).toEqual(token);
        const withMore = { ...token, more: [revision, 0] };
        expect(readToken(writeToken(withMore, question), question)).toEqual(withMore);
        if (other !== question) expect(() => readToken(text, other)).toThrow(RefusedError);
      }),
    );
  });

  it("anything else is refused", () => {
    const refused = (text: string) => {
      expect(() => readToken(text, "q")).toThrow(RefusedError);
    };
    fc.assert(fc.property(fc.string(), refused));
    const odd = ["null", "{}", "[]", "[1,2,3,4]", '["a","b","c","d"]'].map((json) => Buffer.from(json).toString("base64url"));
    for (const text of odd) refused(text);
  });
});

describe("flags", () => {
  it.each([
    [undefined, false],
    ["", true],
    ["1", true],
    ["true", true],
    ["yes", true],
    ["0", false],
    ["false", false],
    ["False", false],
  ])("%s is %s", (text, wanted) => expect(parseFlag(text)).toBe(wanted));
});

describe("statuses", () => {
  const current = { kind: "Node", metadata: { name: "a", uid: "u1", resourceVersion: "5" } } as WindlassObject;
  it.each([
    [new state.NotFoundError("services/default/web"), 404, "NotFound", 'services.windlass.dev "web" not found'],
    [new state.AlreadyExistsError("nodes/a", current), 409, "AlreadyExists", 'nodes.windlass.dev "a" already exists'],
    [new state.ConflictError("nodes/a", current, { resourceVersion: "4" }), 409, "Conflict", "the object has been modified"],
    [
      new state.ConflictError("nodes/a", current, { uid: "u2" }),
      409,
      "Conflict",
      "UID in precondition: u2, UID in object meta: u1",
    ],
    [new state.InvalidObjectError("metadata.name", "is odd"), 422, "Invalid", "metadata.name: is odd"],
    [new state.InvalidSelectorError("no such index"), 400, "BadRequest", "no such index"],
    [new state.GoneError(5, "it is old"), 410, "Expired", "it is old"],
    [
      new TooLargeError("object", 140_000, 131_072, "bytes"),
      413,
      "RequestEntityTooLarge",
      "object has 140000 bytes; at most 131072",
    ],
    [new state.BusyError("others were first"), 429, "TooManyRequests", "others were first"],
    [new state.UnavailableError("too many wait"), 503, "ServiceUnavailable", "too many wait"],
    [new state.SealedError("uid"), 503, "ServiceUnavailable", "replaced"],
    [new state.OutcomeUnknownError(7), 504, "Timeout", "unknown"],
    [new DamagedEntryError(7, new Error("secret")), 500, "InternalError", "Internal error occurred"],
    [new TypeError("secret"), 500, "InternalError", "Internal error occurred"],
    ["secret", 500, "InternalError", "Internal error occurred"],
  ])("%s", (error, code, reason, says) => {
    const failure = failureOf(error);
    expect(failure).toMatchObject({
      code,
      status: { kind: "Status", apiVersion: "v1", status: "Failure", reason, code },
      isFault: code === 500,
    });
    expect(failure.status["message"]).toContain(says);
    expect(JSON.stringify(failure.status)).not.toContain("secret");
    const seconds = (failure.status["details"] as { retryAfterSeconds?: number } | undefined)?.retryAfterSeconds;
    expect(failure.headers["retry-after"]).toBe(seconds === undefined ? undefined : String(seconds));
    expect(seconds !== undefined).toBe(code === 429 || code === 503);
  });
});
