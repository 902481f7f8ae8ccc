/** Sets of fields: their operations as tables and against plain sets of paths, and what foreign ones become. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Fields } from "../../../shared/api/apply/field-set.ts";
import * as sets from "../../../shared/api/apply/field-set.ts";

/** The set of some paths, each with slashes between its elements. */
function setOf(...paths: readonly string[]): Fields {
  const nodes = paths.map((path) => path.split("/").reduceRight<Fields>((below, element) => ({ [element]: below }), {}));
  return nodes.reduce(sets.union, sets.noFields);
}

const textsOf = (fields: Fields): string[] => [...sets.pathsOf(fields)].map((path) => path.join("/")).sort();

const element = fc.constantFrom("f:a", "f:b", "f:constructor", 'v:"x"', 'k:{"type":"Ready"}');
const paths = fc.uniqueArray(
  fc.array(element, { minLength: 1, maxLength: 3 }).map((path) => path.join("/")),
  { maxLength: 8 },
);

describe("operations", () => {
  const tree = setOf("f:a", "f:a/f:b", "f:c/f:d");
  it.each([
    ["union", sets.union(tree, setOf("f:c", "f:e")), setOf("f:a", "f:a/f:b", "f:c", "f:c/f:d", "f:e")],
    ["union with nothing", sets.union(sets.noFields, tree), tree],
    ["intersection", sets.intersection(tree, setOf("f:a", "f:c", "f:c/f:d")), setOf("f:a", "f:c/f:d")],
    ["a parent alone does not meet its child", sets.intersection(setOf("f:a/f:b"), setOf("f:a")), sets.noFields],
    ["difference", sets.difference(tree, setOf("f:a", "f:c/f:d")), setOf("f:a/f:b")],
    ["without", sets.without(tree, setOf("f:a")), setOf("f:c/f:d")],
    ["without what stands above", sets.without(setOf("f:a", "f:a/f:b"), setOf("f:a/f:b")), setOf("f:a")],
  ])("%s", (_, found, wanted) => expect(found).toEqual(wanted));

  it("are those of sets of paths", () => {
    fc.assert(
      fc.property(paths, paths, (one, other) => {
        const [mine, theirs] = [setOf(...one), setOf(...other)];
        expect(textsOf(mine)).toEqual([...one].sort());
        expect(textsOf(sets.union(mine, theirs))).toEqual([...new Set([...one, ...other])].sort());
        expect(textsOf(sets.intersection(mine, theirs))).toEqual(one.filter((path) => other.includes(path)).sort());
        expect(textsOf(sets.difference(mine, theirs))).toEqual(one.filter((path) => !other.includes(path)).sort());
        const isUnder = (path: string) => other.some((above) => `${path}/`.startsWith(`${above}/`));
        expect(textsOf(sets.without(mine, theirs))).toEqual(one.filter((path) => !isUnder(path)).sort());
      }),
    );
  });

  it("give back the very same set where nothing changes", () => {
    fc.assert(
      fc.property(paths, paths, (one, other) => {
        const mine = setOf(...one);
        expect(sets.union(mine, setOf(...one))).toBe(mine);
        const rest = setOf(...other.filter((path) => !one.includes(path)));
        expect(sets.difference(mine, rest)).toBe(mine);
      }),
    );
  });

  it("keep the order of keys, so that equal sets have equal texts", () => {
    fc.assert(
      fc.property(paths, (some) => {
        expect(JSON.stringify(setOf(...some))).toBe(JSON.stringify(setOf(...[...some].reverse())));
        expect(sets.isEqual(setOf(...some), setOf(...[...some].reverse()))).toBe(true);
      }),
    );
  });
});

describe("foreign sets", () => {
  it.each([
    ["own ones stay", { "f:a": { ".": {}, "f:b": {} } }, { "f:a": { ".": {}, "f:b": {} } }],
    ["keys are put in order", { "f:b": {}, "f:a": { "f:c": {}, ".": {} } }, { "f:a": { ".": {}, "f:c": {} }, "f:b": {} }],
    ["values and keys in one spelling", { 'v: "x"': {}, 'k:{"b":1, "a":2}': {} }, { 'k:{"a":2,"b":1}': {}, 'v:"x"': {} }],
    ["an index", { "i:01": {} }, { "i:1": {} }],
    ["a lone dot is the member that holds it", { "f:a": { ".": {} } }, { "f:a": {} }],
    ["what a later version may know is left out", { "x:new": {}, "f:a": { "y:z": {} } }, { "f:a": {} }],
    ["nothing", {}, {}],
  ])("%s", (_, foreign, wanted) => {
    const found = sets.canonical(foreign);
    expect(found).toEqual(wanted);
    expect(JSON.stringify(found)).toBe(JSON.stringify(wanted));
  });

  it.each([
    null,
    "f:a",
    [],
    { a: {} },
    { f: {} },
    { "": {} },
    { "f:a": 1 },
    { "f:a": [] },
    { "v:{}": {} },
    { "v:": {} },
    { "k:[]": {} },
    { "k:{": {} },
    { "i:x": {} },
  ])("%j is none", (foreign) => expect(sets.canonical(foreign)).toBeUndefined());
});

it("paths are written as Kubernetes writes them", () => {
  const fields = {
    "f:metadata": { "f:labels": { "f:app.kubernetes.io/name": {} }, "f:finalizers": { 'v:"a/b"': {} } },
    "f:status": { "f:conditions": { 'k:{"at":1,"type":"Ready"}': { "f:status": {} } } },
    "f:x": { "i:3": {} },
  };
  expect([...sets.pathsOf(fields)].map(sets.pathText)).toEqual([
    ".metadata.labels.app.kubernetes.io/name",
    '.metadata.finalizers[="a/b"]',
    '.status.conditions[at=1,type="Ready"].status',
    ".x[3]",
  ]);
});
