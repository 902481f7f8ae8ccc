/** RFC 7396: its own examples, and any other against a model written down from the RFC. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { deepFreeze, type Json, type JsonObject } from "../../shared/base/json.ts";
import { bodyDepthMax } from "../../shared/kinds/body.ts";
import { mergePatch } from "../../shared/kinds/merge-patch.ts";

/** RFC 7396, appendix A: target, patch, result. */
const examples: readonly (readonly [string, string, string])[] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', "{}"],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', "null", "null"],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
  ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];
test.each(examples)("%s patched with %s is %s", (target, patch, result) => {
  expect(mergePatch(deepFreeze(JSON.parse(target)), deepFreeze(JSON.parse(patch)))).toEqual(JSON.parse(result));
});

/** The RFC's pseudo-code, on lists of pairs, where no key is special. */
type Model = { readonly pairs: readonly (readonly [string, Model])[] } | { readonly leaf: string };
const model = (value: Json): Model =>
  isObject(value)
    ? { pairs: Object.entries(value).map(([key, part]) => [key, model(part ?? null)]) }
    : { leaf: JSON.stringify(value) };

function patched(target: Model | undefined, patch: Model): Model {
  if (!("pairs" in patch)) return patch;
  let pairs = target !== undefined && "pairs" in target ? target.pairs : [];
  for (const [key, value] of patch.pairs) {
    const before = pairs.find(([other]) => other === key)?.[1];
    const isNull = "leaf" in value && value.leaf === "null";
    pairs = pairs.filter(([other]) => other !== key);
    if (!isNull) pairs = [...pairs, [key, patched(before, value)]];
  }
  return { pairs };
}

const sorted = (value: Model): Model =>
  "pairs" in value
    ? { pairs: value.pairs.map(([key, part]) => [key, sorted(part)] as const).sort(([one], [other]) => (one < other ? -1 : 1)) }
    : value;

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Json>(null, true, 0, "x", [], [null, { a: null }]),
    fc.dictionary(fc.constantFrom("a", "b", "__proto__", "constructor", "toString"), tie("json"), { maxKeys: 4 }),
  ),
}));
/** As it comes from the wire: there `__proto__` is an own key. */
const parsed = json.map((value) => JSON.parse(JSON.stringify(value)) as Json);

test("any patch of any frozen value does what the RFC's algorithm does, and sets no prototype", () => {
  fc.assert(
    fc.property(parsed, parsed, (target, patch) => {
      const result = mergePatch(deepFreeze(target), deepFreeze(patch));
      expect(sorted(model(result ?? null))).toEqual(sorted(patched(model(target), model(patch))));
      expect(isObject(result ?? null) ? Object.getPrototypeOf(result) : Object.prototype).toBe(Object.prototype);
    }),
    { numRuns: 2_000 },
  );
});

test("a __proto__ key stays an own key, wherever it comes from", () => {
  const patch = JSON.parse('{"__proto__":{"polluted":true},"a":{"__proto__":1}}') as Json;
  const result = mergePatch({}, patch);
  expect(JSON.stringify(result)).toBe('{"__proto__":{"polluted":true},"a":{"__proto__":1}}');
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("a patch of bodyDepthMax levels is taken, one of one more is not", () => {
  const nested = (depth: number): Json => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`);
  expect(mergePatch({}, nested(bodyDepthMax))).toEqual(nested(bodyDepthMax));
  expect(mergePatch({}, nested(bodyDepthMax + 1))).toBeUndefined();
  expect(mergePatch({}, nested(100_000))).toBeUndefined();
});
