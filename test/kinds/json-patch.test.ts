/** RFC 6902: its own examples, Kubernetes' bounds, and that every key is data. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../shared/base/json.ts";
import { deepFreeze } from "../../shared/base/json.ts";
import { jsonPatch } from "../../shared/kinds/json-patch.ts";
import { patchOperationsMax } from "../../shared/kinds/json-patch-operation.ts";

/** RFC 6902, appendix A: target, patch, and what it comes to; a string names why it does not. */
const examples: readonly (readonly [string, Json, Json, Json])[] = [
  ["A.1 adding an object member", { foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { baz: "qux", foo: "bar" }],
  [
    "A.2 adding an array element",
    { foo: ["bar", "baz"] },
    [{ op: "add", path: "/foo/1", value: "qux" }],
    { foo: ["bar", "qux", "baz"] },
  ],
  ["A.3 removing an object member", { baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], { foo: "bar" }],
  ["A.4 removing an array element", { foo: ["bar", "qux", "baz"] }, [{ op: "remove", path: "/foo/1" }], { foo: ["bar", "baz"] }],
  [
    "A.5 replacing a value",
    { baz: "qux", foo: "bar" },
    [{ op: "replace", path: "/baz", value: "boo" }],
    { baz: "boo", foo: "bar" },
  ],
  [
    "A.6 moving a value",
    { foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } },
    [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
    { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } },
  ],
  [
    "A.7 moving an array element",
    { foo: ["all", "grass", "cows", "eat"] },
    [{ op: "move", from: "/foo/1", path: "/foo/3" }],
    { foo: ["all", "cows", "eat", "grass"] },
  ],
  [
    "A.8 testing a value",
    { baz: "qux", foo: ["a", 2, "c"] },
    [{ op: "test", path: "/foo/1", value: 2 }],
    { baz: "qux", foo: ["a", 2, "c"] },
  ],
  ["A.9 a test that fails", { baz: "qux" }, [{ op: "test", path: "/baz", value: "bar" }], "failed"],
  [
    "A.10 adding a nested member",
    { foo: "bar" },
    [{ op: "add", path: "/child", value: { grandchild: {} } }],
    { foo: "bar", child: { grandchild: {} } },
  ],
  [
    "A.11 members that are not known",
    { foo: "bar" },
    [{ op: "add", path: "/baz", value: "qux", xyz: 123 }],
    { foo: "bar", baz: "qux" },
  ],
  ["A.12 adding to what is not there", { foo: "bar" }, [{ op: "add", path: "/baz/bat", value: "qux" }], "failed"],
  ["A.14 escapes", { "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { "/": 9, "~1": 10 }],
  ["A.15 strings are no numbers", { "~1": 10 }, [{ op: "test", path: "/~01", value: "10" }], "failed"],
  [
    "A.16 adding an array to an array",
    { foo: ["bar"] },
    [{ op: "add", path: "/foo/-", value: ["abc", "def"] }],
    { foo: ["bar", ["abc", "def"]] },
  ],
  ["an index past the end", { foo: [1] }, [{ op: "add", path: "/foo/2", value: 2 }], "failed"],
  ["an index with a zero before it", { foo: [1, 2] }, [{ op: "replace", path: "/foo/01", value: 2 }], "failed"],
  ["a word as an index", { foo: [1] }, [{ op: "remove", path: "/foo/length" }], "failed"],
  ["replacing what is not there", { foo: 1 }, [{ op: "replace", path: "/bar", value: 2 }], "failed"],
  ["replacing all", { foo: 1 }, [{ op: "replace", path: "", value: { bar: 2 } }], { bar: 2 }],
  ["a move into itself", { foo: { bar: 1 } }, [{ op: "move", from: "/foo", path: "/foo/bar" }], "failed"],
  ["a move to its own place", { foo: 1 }, [{ op: "move", from: "/foo", path: "/foo" }], { foo: 1 }],
  ["a test of what is absent for null", {}, [{ op: "test", path: "/foo", value: null }], {}],
  ["no value", {}, [{ op: "add", path: "/foo" }], "malformed"],
  ["no from", {}, [{ op: "copy", path: "/foo" }], "malformed"],
];

const applied = (target: Json, patch: Json): unknown => {
  const result = jsonPatch(deepFreeze(structuredClone(target)), deepFreeze(structuredClone(patch)));
  return result.ok ? JSON.parse(JSON.stringify(result.value)) : result.why;
};

describe("a JSON patch", () => {
  it.each(examples)("%s", (_name, target, patch, wanted) => expect(applied(target, patch)).toEqual(wanted));

  it.each(["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"])("takes %s for a key as any other", (key) => {
    expect(applied({ a: {} }, [{ op: "replace", path: `/a/${key}`, value: 1 }])).toBe("failed");
    expect(applied({ a: {} }, [{ op: "add", path: `/a/${key}/polluted`, value: true }])).toBe("failed");
    const patch = [
      { op: "add", path: `/a/${key}`, value: { polluted: true } },
      { op: "copy", from: `/a/${key}`, path: "/b" },
      { op: "test", path: `/a/${key}/polluted`, value: true },
    ];
    expect(applied({ a: {} }, patch)).toEqual({ a: JSON.parse(`{"${key}":{"polluted":true}}`), b: { polluted: true } });
    expect({}).not.toHaveProperty("polluted");
  });

  it("has at most 10,000 operations, and copies, shifts and nests so much at most", () => {
    const tests = (count: number) => Array.from({ length: count }, () => ({ op: "test", path: "/a", value: null }));
    expect(applied({}, tests(patchOperationsMax))).toEqual({});
    expect(applied({}, tests(patchOperationsMax + 1))).toBe("tooLarge");
    const doubling = Array.from({ length: 30 }, () => ({ op: "copy", from: "/l", path: "/l/-" }));
    expect(applied({ l: ["x".repeat(1_000)] }, doubling)).toBe("tooLarge");
    const long = Array.from({ length: 100_000 }, () => 0);
    expect(
      applied(
        { l: long },
        Array.from({ length: 9_000 }, () => ({ op: "add", path: "/l/0", value: 1 })),
      ),
    ).toBe("tooLarge");
    const deepening = Array.from({ length: 3_000 }, () => [
      { op: "move", from: "/a", path: "/b" },
      { op: "add", path: "/a", value: {} },
      { op: "move", from: "/b", path: "/a/a" },
    ]);
    expect(applied({ a: {} }, deepening.flat())).toBe("failed");
  });

  it("leaves what it was given as it was, and undoes what another did", () => {
    const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean());
    fc.assert(
      fc.property(fc.dictionary(fc.string(), leaf), fc.string(), leaf, (target, key, value) => {
        const path = `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        const before = JSON.stringify(target);
        const added = applied(target, [{ op: "add", path, value }]) as Json;
        expect(Object.entries(added as object).find(([name]) => name === key)?.[1]).toEqual(JSON.parse(JSON.stringify(value)));
        expect(JSON.stringify(target)).toBe(before);
        if (Object.hasOwn(target, key)) return;
        expect(applied(added, [{ op: "remove", path }])).toEqual(JSON.parse(before));
      }),
    );
  });
});
