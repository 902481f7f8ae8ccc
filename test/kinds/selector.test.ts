/** Label and field selectors, against Kubernetes' grammar. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseFieldSelector, parseLabelSelector, selectorCharactersMax } from "../../shared/kinds/selector.ts";
import { type Task, taskKind } from "../../shared/kinds/task.ts";
import { decodeObject } from "../../shared/kinds/validate.ts";
import { stored, taskBody } from "./fleet.ts";

function labels(text: string) {
  const parsed = parseLabelSelector(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.selector;
}

describe("label selectors", () => {
  const cases: readonly (readonly [string, readonly Record<string, string>[], readonly Record<string, string>[]])[] = [
    ["", [{}, { a: "b" }], []],
    ["a=b", [{ a: "b", c: "d" }], [{}, { a: "c" }]],
    ["a==b", [{ a: "b" }], [{ a: "" }]],
    ["a=", [{ a: "" }], [{}, { a: "b" }]],
    ["a!=b", [{}, { a: "c" }], [{ a: "b" }]],
    ["a in (x,y)", [{ a: "x" }, { a: "y" }], [{}, { a: "z" }]],
    ["a in (,x)", [{ a: "" }, { a: "x" }], [{}]],
    ["a notin (x, y)", [{}, { a: "z" }], [{ a: "x" }]],
    ["a", [{ a: "" }, { a: "b" }], [{}]],
    ["!a", [{}, { b: "c" }], [{ a: "" }]],
    ["a>1,a<10", [{ a: "2" }, { a: "9" }], [{ a: "1" }, { a: "10" }, { a: "x" }, {}]],
    ["example.com/a in ( in , notin ),!b", [{ "example.com/a": "in" }], [{ "example.com/a": "in", b: "" }]],
    ["constructor", [{ constructor: "x" }], [{}]],
    ["!toString", [{}], [{ toString: "x" }]],
  ];
  test.each(cases)("%s", (text, matching, others) => {
    const selector = labels(text);
    for (const each of matching) expect(selector.matches(each), JSON.stringify(each)).toBe(true);
    for (const each of others) expect(selector.matches(each), JSON.stringify(each)).toBe(false);
  });

  test("absent labels are none", () => {
    expect(labels("!a").matches(undefined)).toBe(true);
    expect(labels("a").matches(undefined)).toBe(false);
  });

  test("equalities are what surely holds", () => {
    expect(labels("a=b,c in (d),e in (f,g),h!=i,!j,k").equalities).toEqual([
      { key: "a", value: "b" },
      { key: "c", value: "d" },
    ]);
  });

  test.each([
    ["a,", "unable to parse requirement: found '', expected: identifier after ','"],
    [",a", "unable to parse requirement: found ',', expected: !, identifier, or 'end of string'"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["!a=b", "unable to parse requirement: found '=', expected: ',' or 'end of string'"],
    ["a in x", "unable to parse requirement: found 'x', expected: '('"],
    ["a in ()", "unable to parse requirement: for 'in', 'notin' operators, values set can't be empty"],
    ["a in (x", "unable to parse requirement: found '', expected: ',', or ')'"],
    ["a=b=c", "unable to parse requirement: found '=', expected: ',' or 'end of string'"],
    ["a>b", "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer"],
    ["a=!", "unable to parse requirement: found '!', expected: identifier"],
  ])("%s is refused", (text, message) => {
    expect(parseLabelSelector(text)).toEqual({ ok: false, message });
  });

  test("a key and a value that no label can have are refused, and so is a selector over selectorCharactersMax", () => {
    expect(parseLabelSelector("-a=b").ok).toBe(false);
    expect(parseLabelSelector("a=-b").ok).toBe(false);
    expect(parseLabelSelector("a".repeat(64)).ok).toBe(false);
    const long = `${"a,".repeat(selectorCharactersMax / 2 - 1)}aa`;
    expect(parseLabelSelector(long).ok).toBe(true);
    expect(parseLabelSelector(`${long}a`)).toEqual({
      ok: false,
      message: `selector has ${selectorCharactersMax + 1} characters; at most ${selectorCharactersMax}`,
    });
  });

  test("no text makes the parser throw", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab,=!<>() \\-./in"), maxLength: 30 }), (text) => {
        const parsed = parseLabelSelector(text);
        return parsed.ok ? typeof parsed.selector.matches({ a: "b" }) === "boolean" : parsed.message.length > 0;
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("field selectors", () => {
  const result = decodeObject(taskKind, taskBody);
  if (!result.ok) throw new Error("the example is a task");
  const task = stored<Task>(result.object);

  test.each([
    ["", true],
    ["metadata.name=web.1", true],
    ["metadata.name==web.1,metadata.namespace!=kube-system", true],
    ["spec.nodeName=node-a,status.state=running", true],
    ["spec.nodeName!=node-a", false],
    ["spec.slot=1,", true],
    ["spec.nodeName=", false],
    ["metadata.name=a\\,b", false],
  ])("%j: %j", (text, expected) => {
    const parsed = parseFieldSelector(taskKind, text);
    expect(parsed.ok && parsed.selector.matches(task)).toBe(expected);
  });

  test("equalities are what surely holds; escapes are taken away", () => {
    const parsed = parseFieldSelector(taskKind, "metadata.name=a\\,b\\=\\\\,spec.nodeName!=x");
    expect(parsed.ok && parsed.selector.equalities).toEqual([{ key: "metadata.name", value: "a,b=\\" }]);
  });

  test.each([
    ["spec.colour=red", "field label not supported: spec.colour"],
    ["constructor=x", "field label not supported: constructor"],
    ["metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    ["metadata.name=a=b", "invalid field selector: invalid escape sequence in 'metadata.name=a=b'"],
    ["metadata.name=a\\b", "invalid field selector: invalid escape sequence in 'metadata.name=a\\b'"],
  ])("%s is refused", (text, message) => {
    expect(parseFieldSelector(taskKind, text)).toEqual({ ok: false, message });
  });
});
