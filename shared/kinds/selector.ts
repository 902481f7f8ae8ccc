/**
 * Label and field selectors: Kubernetes' grammar (apimachinery, labels and fields), parsed to requirements that all must hold. A
 * selector names the values that it surely asks for (`equalities`), so that a watch can be found by an index instead of asked.
 */
import type { KindDefinition } from "./definition.ts";
import { labelValueProblems, qualifiedNameProblems } from "./names.ts";
import type { WindlassObject } from "./object.ts";

export type Operator = "=" | "!=" | "in" | "notin" | "exists" | "!exists" | ">" | "<";
export type Requirement = { readonly key: string; readonly operator: Operator; readonly values: readonly string[] };
export type Equality = { readonly key: string; readonly value: string };

export type LabelSelector = {
  readonly requirements: readonly Requirement[];
  /** Labels that everything it matches has. */
  readonly equalities: readonly Equality[];
  /** Absent labels are none. */
  matches(labels: Readonly<Record<string, string>> | undefined): boolean;
};
export type FieldSelector = {
  readonly requirements: readonly Requirement[];
  /** Fields, by path, whose value everything it matches has. */
  readonly equalities: readonly Equality[];
  matches(object: WindlassObject): boolean;
};
export type Parsed<Selector> =
  | { readonly ok: true; readonly selector: Selector }
  | { readonly ok: false; readonly message: string };

/** A selector comes in a URL or a webhook's body; longer ones are refused. */
export const selectorCharactersMax = 16 * 1024;

/** Empty text selects everything. */
export function parseLabelSelector(text: string): Parsed<LabelSelector> {
  if (text.length > selectorCharactersMax) return tooLong(text);
  const requirements: Requirement[] = [];
  const tokens = tokensOf(text);
  try {
    while (tokens[0]?.type !== "end") {
      requirements.push(labelRequirement(tokens));
      if (tokens[0]?.type === ",") {
        tokens.shift();
        expect(tokens, ["word", "!"], "identifier after ','");
      } else expect(tokens, ["end"], "',' or 'end of string'");
    }
  } catch (error) {
    if (error instanceof SyntaxError) return { ok: false, message: `unable to parse requirement: ${error.message}` };
    throw error;
  }
  const matches = (labels: Readonly<Record<string, string>> = {}): boolean =>
    requirements.every((requirement) => holds(requirement, labels));
  return { ok: true, selector: { requirements, equalities: equalitiesOf(requirements), matches } };
}

/** For objects of one kind: fields are metadata.name, metadata.namespace and what the kind names. Empty text selects everything. */
export function parseFieldSelector(definition: Pick<KindDefinition, "selectableFields">, text: string): Parsed<FieldSelector> {
  if (text.length > selectorCharactersMax) return tooLong(text);
  const requirements: Requirement[] = [];
  for (const term of splitUnescaped(text)) {
    if (term === "") continue;
    const [, key, operator, escaped] = /^((?:[^=!\\]|\\.|!(?!=))*?)(!=|==?)(.*)$/s.exec(term) ?? [];
    if (key === undefined || escaped === undefined)
      return { ok: false, message: `invalid selector: '${text}'; can't understand '${term}'` };
    const value = unescaped(escaped);
    if (value === undefined) return { ok: false, message: `invalid field selector: invalid escape sequence in '${term}'` };
    if (fieldOf(definition, key) === undefined) return { ok: false, message: `field label not supported: ${key}` };
    requirements.push({ key, operator: operator === "!=" ? "!=" : "=", values: [value] });
  }
  const matches = (object: WindlassObject): boolean =>
    requirements.every(({ key, operator, values }) => (fieldOf(definition, key)?.(object) === values[0]) === (operator === "="));
  return { ok: true, selector: { requirements, equalities: equalitiesOf(requirements), matches } };
}

const everyKindsFields: KindDefinition["selectableFields"] = {
  "metadata.name": ({ metadata }) => metadata.name,
  "metadata.namespace": ({ metadata }) => metadata.namespace ?? "",
};

function fieldOf(
  { selectableFields }: Pick<KindDefinition, "selectableFields">,
  key: string,
): ((object: WindlassObject) => string) | undefined {
  if (Object.hasOwn(everyKindsFields, key)) return everyKindsFields[key];
  return Object.hasOwn(selectableFields, key) ? selectableFields[key] : undefined;
}

function equalitiesOf(requirements: readonly Requirement[]): Equality[] {
  return requirements.flatMap(({ key, operator, values: [value, ...others] }) =>
    value !== undefined && others.length === 0 && (operator === "=" || operator === "in") ? [{ key, value }] : [],
  );
}

function holds({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "=":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!exists":
      return value === undefined;
    case ">":
    case "<":
      return comparison(operator, value, values[0]);
  }
}

function comparison(operator: ">" | "<", value: string | undefined, bound: string | undefined): boolean {
  if (value === undefined || bound === undefined || !integer.test(value)) return false;
  return operator === ">" ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}

/** A label has at most 63 characters, so this bounds BigInt, too. */
const integer = /^-?[0-9]+$/;

type Token = {
  readonly type: "word" | "," | "(" | ")" | "!" | "=" | "==" | "!=" | ">" | "<" | "end" | "error";
  readonly text: string;
};

/** The longest operator wins; a run of anything but operators and white space is a word. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [token] of text.matchAll(/==|!=|[=!<>(),]|[^\s=!<>(),]+/g)) {
    tokens.push(/^[=!<>(),]/.test(token) ? { type: token as Token["type"], text: token } : { type: "word", text: token });
  }
  return [...tokens, { type: "end", text: "" }];
}

function labelRequirement(tokens: Token[]): Requirement {
  expect(tokens, ["word", "!"], "!, identifier, or 'end of string'");
  const negated = tokens[0]?.type === "!";
  if (negated) tokens.shift();
  const key = expect(tokens, ["word"], "identifier");
  tokens.shift();
  check(qualifiedNameProblems(key), `key: Invalid value: ${JSON.stringify(key)}`);
  if (negated) return { key, operator: "!exists", values: [] };
  if (tokens[0]?.type === "," || tokens[0]?.type === "end") return { key, operator: "exists", values: [] };
  const operator = labelOperator(tokens);
  const values = operator === "in" || operator === "notin" ? valueSet(tokens) : [exactValue(tokens)];
  for (const value of values) checkValue(key, operator, value);
  return { key, operator, values };
}

function labelOperator(tokens: Token[]): Operator {
  const { type, text } = tokens.shift() ?? { type: "end", text: "" };
  switch (type) {
    case "=":
    case "==":
      return "=";
    case "!=":
    case ">":
    case "<":
      return type;
    default:
      if (text === "in" || text === "notin") return text;
      throw new SyntaxError(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

/** `(a,b,)` has an empty value, as for Kubernetes; `()` has none and is refused. */
function valueSet(tokens: Token[]): string[] {
  expect(tokens, ["("], "'('");
  tokens.shift();
  if (tokens[0]?.type === ")") throw new SyntaxError("for 'in', 'notin' operators, values set can't be empty");
  const values = new Set([setValue(tokens)]);
  while (tokens[0]?.type === ",") {
    tokens.shift();
    values.add(setValue(tokens));
  }
  expect(tokens, [")"], "',', or ')'");
  tokens.shift();
  return [...values];
}

function setValue(tokens: Token[]): string {
  return tokens[0]?.type === "word" ? (tokens.shift()?.text ?? "") : "";
}

function exactValue(tokens: Token[]): string {
  if (tokens[0]?.type === "," || tokens[0]?.type === "end") return "";
  const value = expect(tokens, ["word"], "identifier");
  tokens.shift();
  return value;
}

function checkValue(key: string, operator: Operator, value: string): void {
  check(labelValueProblems(value), `values[0][${key}]: Invalid value: ${JSON.stringify(value)}`);
  if ((operator === ">" || operator === "<") && !integer.test(value)) {
    throw new SyntaxError("for 'Gt', 'Lt' operators, the value must be an integer");
  }
}

function check(problems: readonly string[], subject: string): void {
  if (problems.length > 0) throw new SyntaxError(`${subject}: ${problems.join("; ")}`);
}

function expect(tokens: readonly Token[], types: readonly Token["type"][], wanted: string): string {
  const [token] = tokens;
  if (token !== undefined && types.includes(token.type)) return token.text;
  throw new SyntaxError(`found '${token?.text ?? ""}', expected: ${wanted}`);
}

function tooLong(text: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message: `selector has ${text.length} characters; at most ${selectorCharactersMax}` };
}

/** The terms between commas; `\,` is part of a term. */
function splitUnescaped(text: string): string[] {
  const terms = [""];
  for (const [part] of text.matchAll(/\\.|,|[^\\,]+|\\$/gs)) {
    if (part === ",") terms.push("");
    else terms[terms.length - 1] += part;
  }
  return terms;
}

/** `\\`, `\,` and `\=` are escapes; undefined where another follows a backslash, or a bare `=` or `,` stands in the value. */
function unescaped(text: string): string | undefined {
  return /^(?:[^\\,=]|\\[\\,=])*$/s.test(text) ? text.replace(/\\(.)/gs, "$1") : undefined;
}
