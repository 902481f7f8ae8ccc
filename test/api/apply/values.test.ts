/** Values by their types: what differs between two, what a value names, one laid over another, fields taken out of one. */
import { describe, expect, it } from "vitest";
import { compare } from "../../../shared/api/apply/compare.ts";
import { listErrors } from "../../../shared/api/apply/config-check.ts";
import { type FieldType, fieldTypeOf } from "../../../shared/api/apply/field-type.ts";
import { fieldsOf, withNamedFields } from "../../../shared/api/apply/fields-of.ts";
import { merge, remove } from "../../../shared/api/apply/merge.ts";
import { documentV2 } from "../../../shared/api/openapi/swagger.ts";
import type { Json } from "../../../shared/base/json.ts";
import { nodeKind } from "../../../shared/kinds/node.ts";
import { serviceKind } from "../../../shared/kinds/service.ts";

const whole: FieldType = { owned: "whole" };
const map: FieldType = { owned: "entries", entry: whole };
const values: FieldType = { owned: "values" };
const struct = (fields: Record<string, FieldType>): FieldType => ({ owned: "fields", fields: new Map(Object.entries(fields)) });
const items: FieldType = { owned: "items", keys: ["type"], item: struct({ type: whole, status: whole }) };
const type = struct({ a: whole, map, values, items, inner: struct({ b: whole }) });

describe("compare", () => {
  const cases: readonly (readonly [string, Json | undefined, Json | undefined, object])[] = [
    ["the same", { a: 1, map: { x: 1 } }, { map: { x: 1 }, a: 1 }, {}],
    ["a value", { a: [1] }, { a: [2] }, { modified: { "f:a": {} } }],
    ["an unknown field", { z: 1 }, { z: 2 }, {}],
    ["a map that appears", {}, { map: { x: 1 } }, { added: { "f:map": { ".": {}, "f:x": {} } } }],
    ["an empty map that appears", {}, { map: {} }, { added: { "f:map": {} } }],
    ["a map that becomes empty", { map: { x: 1 } }, { map: {} }, { removed: { "f:map": { "f:x": {} } } }],
    ["a map that goes", { map: { x: 1 } }, {}, { removed: { "f:map": { ".": {}, "f:x": {} } } }],
    ["a key like a prototype's", { map: {} }, { map: { constructor: 1 } }, { added: { "f:map": { "f:constructor": {} } } }],
    [
      "a set",
      { values: ["x", "y"] },
      { values: ["y", "z"] },
      { added: { "f:values": { 'v:"z"': {} } }, removed: { "f:values": { 'v:"x"': {} } } },
    ],
    ["a set's order", { values: ["x", "y"] }, { values: ["y", "x"] }, {}],
    [
      "doubles in a set",
      { values: ["x", "x"] },
      { values: ["x"] },
      { added: { "f:values": { 'v:"x"': {} } }, removed: { "f:values": { 'v:"x"': {} } } },
    ],
    [
      "an item",
      { items: [{ type: "A", status: 1 }] },
      { items: [{ type: "A", status: 2 }] },
      { modified: { "f:items": { 'k:{"type":"A"}': { "f:status": {} } } } },
    ],
    [
      "a new item",
      { items: [] },
      { items: [{ type: "A" }] },
      { added: { "f:items": { 'k:{"type":"A"}': { ".": {}, "f:type": {} } } } },
    ],
    ["a map that is none any more", { map: { x: 1 } }, { map: 1 }, { modified: { "f:map": {} } }],
  ];
  it.each(cases)("%s", (_, before, after, wanted) => {
    expect(compare(type, before, after)).toEqual({ added: {}, modified: {}, removed: {}, ...wanted });
  });
});

describe("what a value names", () => {
  const cases: readonly (readonly [string, Json, object])[] = [
    [
      "named maps are not members, their keys are",
      { inner: { b: 1 }, map: { x: 1 } },
      { "f:inner": { "f:b": {} }, "f:map": { "f:x": {} } },
    ],
    ["an empty map is one", { map: {}, inner: {} }, { "f:map": {}, "f:inner": {} }],
    ["an empty list is none", { values: [], items: [] }, {}],
    [
      "items are members, and their keys",
      { items: [{ type: "A" }] },
      { "f:items": { 'k:{"type":"A"}': { ".": {}, "f:type": {} } } },
    ],
    ["values", { values: ["x", 1, true] }, { "f:values": { "v:1": {}, "v:true": {}, 'v:"x"': {} } }],
  ];
  it.each(cases)("%s", (_, value, wanted) => expect(fieldsOf(type, value)).toEqual(wanted));

  it("named fields above members become members, keys do not", () => {
    expect(withNamedFields(type, { "f:inner": { "f:b": {} }, "f:items": { 'k:{"type":"A"}': { "f:status": {} } } })).toEqual({
      "f:inner": { ".": {}, "f:b": {} },
      "f:items": { ".": {}, 'k:{"type":"A"}': { "f:status": {} } },
    });
  });
});

describe("merge", () => {
  it("maps part by part, whole values as they are", () => {
    expect(merge(type, { a: [1], map: { x: 1, y: 1 } }, { a: [2], map: { y: 2 } })).toEqual({ a: [2], map: { x: 1, y: 2 } });
  });

  // structured-merge-diff: the configuration's order, and the live list's own items before the shared one that follows them.
  it.each([
    [
      ["a", "b"],
      ["b", "a"],
      ["b", "a"],
    ],
    [
      ["a", "x", "b"],
      ["b", "a"],
      ["x", "b", "a"],
    ],
    [
      ["x", "a"],
      ["b", "a"],
      ["x", "b", "a"],
    ],
    [
      ["a", "x"],
      ["a", "c"],
      ["a", "x", "c"],
    ],
    [
      ["a", "b", "x", "c"],
      ["c", "a"],
      ["b", "x", "c", "a"],
    ],
    [["x", "x", "a"], ["a"], ["x", "x", "a"]],
    [["x", "x", "a"], ["x"], ["x", "a"]],
    [[], ["a"], ["a"]],
  ])("%j with %j is %j", (live, config, wanted) => {
    expect(merge(values, live, config)).toEqual(wanted);
    const asItems = (list: readonly string[]) => list.map((each) => ({ type: each }));
    expect(merge(items, asItems(live), asItems(config))).toEqual(asItems(wanted));
  });

  it("shared items are merged", () => {
    const merged = merge(items, [{ type: "A", status: 1, note: "n" }], [{ type: "A", status: 2 }]);
    expect(merged).toEqual([{ type: "A", status: 2, note: "n" }]);
  });
});

describe("remove", () => {
  const value = { a: 1, map: { x: 1, y: 2 }, values: ["x", "y"], items: [{ type: "A", status: 1 }, { type: "B" }] };
  it.each([
    ["nothing", {}, value],
    ["a field", { "f:a": {} }, { ...value, a: undefined }],
    ["keys", { "f:map": { "f:x": {} } }, { ...value, map: { y: 2 } }],
    ["all of a map", { "f:map": { "f:x": {}, "f:y": {} } }, { ...value, map: undefined }],
    ["values", { "f:values": { 'v:"y"': {} } }, { ...value, values: ["x"] }],
    [
      "an item, and part of one",
      { "f:items": { 'k:{"type":"A"}': { "f:status": {} }, 'k:{"type":"B"}': {} } },
      { ...value, items: [{ type: "A" }] },
    ],
  ])("%s", (_, fields, wanted) => expect(remove(type, value, fields)).toEqual(JSON.parse(JSON.stringify(wanted))));
});

describe("types of kinds", () => {
  const node = fieldTypeOf(nodeKind);
  it("labels, finalizers, owners and conditions are owned part by part; lists of a spec as one", () => {
    const metadata = { labels: { a: "1" }, finalizers: ["a/b"], ownerReferences: [{ uid: "1", name: "o" }], name: "n" };
    const status = { conditions: [{ type: "Ready", status: "True" }] };
    expect(fieldsOf(node, { kind: "Node", metadata, status })).toEqual({
      "f:metadata": {
        "f:labels": { "f:a": {} },
        "f:finalizers": { 'v:"a/b"': {} },
        "f:ownerReferences": { 'k:{"uid":"1"}': {} },
      },
      "f:status": { "f:conditions": { 'k:{"type":"Ready"}': { ".": {}, "f:status": {}, "f:type": {} } } },
    });
    const spec = { template: { spec: { image: "i", env: { A: "1" }, ports: [{ containerPort: 80 }] } } };
    expect(fieldsOf(fieldTypeOf(serviceKind), { spec })).toEqual({
      "f:spec": { "f:template": { "f:spec": { "f:env": { "f:A": {} }, "f:image": {}, "f:ports": {} } } },
    });
  });

  it("OpenAPI tells clients the same", () => {
    const { definitions } = documentV2([nodeKind]);
    const list = (name: string, field: string) => definitions[name]?.properties?.[field];
    const metadata = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    expect(list(metadata, "finalizers")).toMatchObject({ "x-kubernetes-list-type": "set" });
    expect(list(metadata, "managedFields")).toMatchObject({ "x-kubernetes-list-type": "atomic" });
    expect(list(metadata, "ownerReferences")).toMatchObject({
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["uid"],
      items: { "x-kubernetes-map-type": "atomic" },
    });
    expect(list("dev.windlass.v1.NodeStatus", "conditions")).toMatchObject({
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
    });
  });

  it("a configuration's items must be told apart", () => {
    const metadata = { finalizers: ["a/b", "a/b", {}], ownerReferences: [{ uid: "1" }, { name: "o" }] };
    expect(listErrors(node, { metadata }).map(({ field, type: reason }) => [field, reason])).toEqual([
      ["metadata.finalizers[1]", "FieldValueDuplicate"],
      ["metadata.finalizers[2]", "FieldValueInvalid"],
      ["metadata.ownerReferences[1]", "FieldValueInvalid"],
    ]);
  });
});
