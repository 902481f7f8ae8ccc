/** What comes with an apply: YAML within bounds, and who says to be its manager. */
import { describe, expect, it } from "vitest";
import { checkManager, managerBytesMax, managerOfUserAgent } from "../../../shared/api/apply/manager-name.ts";
import { parseYaml, yamlLengthMax } from "../../../shared/api/apply/yaml-body.ts";
import { RefusedError } from "../../../shared/api/errors.ts";
import { bodyDepthMax } from "../../../shared/kinds/body.ts";

function refusalOf(text: string): string {
  try {
    parseYaml(text);
  } catch (error) {
    if (error instanceof RefusedError) return error.refusal.kind;
    throw error;
  }
  return "taken";
}

const nested = (depth: number): string => Array.from({ length: depth }, (_, at) => `${" ".repeat(at)}a:`).join("\n");

describe("YAML", () => {
  it.each([
    ['{"a":[1,null,"x"],"b":{}}', { a: [1, null, "x"], b: {} }],
    ["a: 1\nb: [x, 'y', true, ~]\nc:\n  d: |\n    text\n", { a: 1, b: ["x", "y", true, null], c: { d: "text\n" } }],
    ["{a: 1, b: yes}", { a: 1, b: "yes" }],
    ["base: &b {x: 1}\nmine: {<<: *b, y: 2}\nsame: *b\n", { base: { x: 1 }, mine: { x: 1, y: 2 }, same: { x: 1 } }],
    ["1: x\ntrue: y\n", { "1": "x", true: "y" }],
    ["# nothing\n", null],
  ])("%j is read", (text, wanted) => expect(parseYaml(text)).toEqual(wanted));

  it.each([
    ["keys twice", "a: 1\na: 2\n"],
    ["JSON with keys twice", '{"a":1,"a":2}'],
    ["two documents", "a: 1\n---\nb: 2\n"],
    ["a tag", "a: !!js/function 'x'\n"],
    ["binary", "a: !!binary aGk=\n"],
    ["an alias to nothing", "a: *b\n"],
    ["a circle", "a: &x [*x]\n"],
    ["a circle that doubles", "a: &x [*x, *x]\n"],
    ["a map as key", "? {a: 1}\n: x\n"],
    ["no number of JSON", "a: .inf\n"],
    [
      "a bomb of aliases",
      [
        "a: &a [x, x, x, x, x, x, x, x, x]",
        ..."bcdefgh".split("").map((name, at) => `${name}: &${name} [${Array(9).fill(`*${"abcdefg"[at]}`).join(", ")}]`),
      ].join("\n"),
    ],
    ["open brackets", "[".repeat(20_000)],
    ["dashes", "- ".repeat(20_000)],
    ["broken", "a: [1\nb: 2"],
  ])("%s is a 400", (_, text) => expect(refusalOf(text)).toBe("badRequest"));

  it("stands at its bounds and not one past them", () => {
    expect([refusalOf(nested(bodyDepthMax)), refusalOf(nested(bodyDepthMax + 1))]).toEqual(["taken", "badRequest"]);
    const text = (length: number) => `a: ${"x".repeat(length - 3)}`;
    expect([refusalOf(text(yamlLengthMax)), refusalOf(text(yamlLengthMax + 1))]).toEqual(["taken", "tooLarge"]);
    expect(refusalOf(JSON.stringify({ a: "x".repeat(yamlLengthMax) }))).toBe("taken");
  });

  it("a __proto__ is a key as any other", () => {
    const value = parseYaml("__proto__: {polluted: true}\n");
    expect([Object.keys(value as object), Object.getPrototypeOf(value)]).toEqual([["__proto__"], Object.prototype]);
  });
});

describe("the manager's name", () => {
  it.each([
    ["kubectl/v1.32.4 (linux/amd64) kubernetes/abc", "kubectl"],
    ["my controller/1", "my controller"],
    ["Mozilla", "Mozilla"],
    ["tab\there/1", "tabhere"],
    ["/1", "unknown"],
    ["", "unknown"],
    [undefined, "unknown"],
    [`${"ä".repeat(100)}/1`, "ä".repeat(managerBytesMax / 2)],
  ])("of the User-Agent %j is %j", (userAgent, name) => expect(managerOfUserAgent(userAgent)).toBe(name));

  it("has a bound and only what can be printed", () => {
    expect(checkManager("x".repeat(managerBytesMax), "fieldManager")).toEqual([]);
    expect(checkManager("x".repeat(managerBytesMax + 1), "fieldManager")).toMatchObject([{ type: "FieldValueTooLong" }]);
    expect(checkManager("a\nb", "fieldManager")).toMatchObject([{ field: "fieldManager", type: "FieldValueInvalid" }]);
  });
});
