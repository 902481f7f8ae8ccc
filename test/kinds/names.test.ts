/** Names, labels, annotations, finalizers, quantities, durations and constraints: what they may look like. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAffinity, parseConstraint } from "../../shared/kinds/constraint.ts";
import {
  annotationsBytesMax,
  checkAnnotations,
  checkFinalizers,
  checkGenerateName,
  checkLabels,
  checkName,
  checkNamespace,
  checkOwnerReferences,
  generateName,
} from "../../shared/kinds/names.ts";
import { durationMaxMs, parseDuration, parseQuantity } from "../../shared/kinds/quantity.ts";

const a = (count: number): string => "a".repeat(count);

describe("names", () => {
  test.each(["a", "a.b-c", "0", a(253), `${a(63)}.${a(63)}`])("%s is a name", (name) => {
    expect(checkName(name)).toEqual([]);
  });
  test.each(["A", "-a", "a-", "a..b", "a_b", "a/b", "ä", "a\n", " a", a(254), ".", ""])("%j is none", (name) => {
    expect(checkName(name)).not.toEqual([]);
  });
  test.each(["a", "0-9", a(63)])("%s is a namespace", (namespace) => {
    expect(checkNamespace(namespace)).toEqual([]);
  });
  test.each(["", "a.b", "A", a(64), "a-"])("%j is no namespace", (namespace) => {
    expect(checkNamespace(namespace)).not.toEqual([]);
  });

  test("a generateName may end with a dash; what is generated is a name of 63 characters at most", () => {
    expect(checkGenerateName("web-")).toEqual([]);
    expect(checkGenerateName("web_")).not.toEqual([]);
    expect(generateName("web-", () => 0)).toBe("web-bbbbb");
    expect(generateName("web-", () => 0.999_999)).toBe("web-99999");
    const random = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,80}-$/), random, (base, numbers) => {
        const name = generateName(base, () => numbers.next().value);
        expect(name).toMatch(/[bcdfghjklmnpqrstvwxz2456789]{5}$/);
        expect(name.length).toBeLessThanOrEqual(63);
        expect(checkName(name)).toEqual([]);
      }),
    );
  });
});

describe("labels, annotations, finalizers, owners", () => {
  const good: readonly Record<string, string>[] = [
    { a: "" },
    { "example.com/My_Name.1": "v" },
    { constructor: "x" },
    { [a(63)]: a(63) },
    { [`${a(63)}.${a(63)}/${a(63)}`]: "A-b_c.9" },
  ];
  test.each(good)("%j are labels", (labels) => {
    expect(checkLabels(labels)).toEqual([]);
  });
  const bad: readonly Record<string, string>[] = [
    { "": "a" },
    { "/a": "b" },
    { "a/": "b" },
    { "a/b/c": "d" },
    { "A.com/a": "b" },
    { "-a": "b" },
    { [a(64)]: "b" },
    { a: a(64) },
    { a: "-" },
    { a: "b c" },
    { a: "ä" },
  ];
  test.each(bad)("%j are none", (labels) => {
    expect(checkLabels(labels)).not.toEqual([]);
  });

  test("a label's value is named by its key, a bad key by the labels", () => {
    expect(checkLabels({ "example.com/a": "-", "b c": "d" }).map(({ field }) => field)).toEqual([
      "metadata.labels[example.com/a]",
      "metadata.labels",
    ]);
  });

  test("annotations hold any text, annotationsBytesMax of it", () => {
    const full = annotationsBytesMax - 1;
    expect(checkAnnotations({ "Example.com/a": "\u0000 any ä" })).toEqual([]);
    expect(checkAnnotations({ a: a(full) })).toEqual([]);
    expect(checkAnnotations({ a: a(full + 1) })).toEqual([
      { field: "metadata.annotations", message: "Too long: may not be more than 262144 bytes", type: "FieldValueTooLong" },
    ]);
    expect(checkAnnotations({ a: "ä".repeat(annotationsBytesMax / 2) })).toHaveLength(1);
    expect(checkAnnotations({ "a b": "" })).toHaveLength(1);
  });

  test("a finalizer is Kubernetes' own or has a prefix, and nobody both orphans and waits for dependents", () => {
    expect(checkFinalizers(["orphan", "example.com/a"])).toEqual([]);
    expect(checkFinalizers(["a"])[0]).toMatchObject({
      field: "metadata.finalizers[0]",
      message: 'Invalid value: "a": name is neither a standard finalizer name nor is it fully qualified',
    });
    expect(checkFinalizers(["orphan", "foregroundDeletion"])).toHaveLength(1);
  });

  test("an object has one controller at most, and owners are named in full", () => {
    const owner = { apiVersion: "windlass.dev/v1", kind: "Service", name: "web", uid: "1", controller: true };
    expect(checkOwnerReferences([owner, { ...owner, controller: false }])).toEqual([]);
    expect(checkOwnerReferences([owner, { ...owner, name: "api" }])[0]?.message).toContain(
      '"true" in references for web and api',
    );
    expect(checkOwnerReferences([{ ...owner, uid: "" }])[0]?.field).toBe("metadata.ownerReferences[0].uid");
  });
});

test.each([
  ["64Mi", 67_108_864],
  ["1.5Gi", 1_610_612_736],
  ["1k", 1000],
  ["2e3", 2000],
  ["500m", 0.5],
  ["0", 0],
  [".5", 0.5],
  ["1Ei", undefined],
  ["9Pi", undefined],
  ["-1", undefined],
  ["1 Mi", undefined],
  ["Mi", undefined],
  ["", undefined],
  ["1kb", undefined],
])("quantity %j is %j", (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});

test.each([
  ["10s", 10_000],
  ["1h30m", 5_400_000],
  ["1.5s", 1500],
  ["500ms", 500],
  ["0", 0],
  ["0s", 0],
  ["8784h", durationMaxMs],
  ["8785h", undefined],
  ["10", undefined],
  ["-1s", undefined],
  ["1d", undefined],
  ["", undefined],
  ["s", undefined],
])("duration %j is %j ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test("a constraint has a node's or an engine's key, an affinity a service, an image or a label", () => {
  expect(parseConstraint("node.labels.disk==ssd")).toEqual({ key: "node.labels.disk", operator: "==", value: "ssd" });
  expect(parseConstraint(" node.name != node-c ")).toEqual({ key: "node.name", operator: "!=", value: "node-c" });
  expect(parseConstraint("engine.labels.example.com/a==b")).toMatchObject({ value: "b" });
  expect(parseAffinity("service!=web")).toEqual({ key: "service", operator: "!=", value: "web" });
  for (const text of [
    "",
    "node.name",
    "node.name=a",
    "node.name==",
    "==a",
    "node.colour==a",
    "node.labels.==a",
    "node.name==a==b",
    "node.name==a!",
  ]) {
    expect(parseConstraint(text), text).toBeTypeOf("string");
  }
  expect(parseAffinity("node.name==a")).toBeTypeOf("string");
});
