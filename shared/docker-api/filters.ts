/**
 * Docker's `filters`: JSON, either `{"label": ["a=b"]}` or, as older clients send it, `{"label": {"a=b": true}}`. Names must be known;
 * values of one name are joined by or, but for labels, of which all must hold.
 */
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { badParameter } from "./errors.ts";

export type Filters = ReadonlyMap<string, readonly string[]>;

/** Values of all names together. */
export const filterValuesMax = 1_000;
const filterLengthMax = 64 * 1024;

/** `known`: the names that may be there; absent: any. @throws DockerError 400 in Docker's words. */
export function filtersOf(query: URLSearchParams, known?: ReadonlySet<string>): Filters {
  const text = query.get("filters");
  if (text === null || text === "") return new Map();
  if (text.length > filterLengthMax)
    throw badParameter(`invalid filter: it has ${text.length} characters; at most ${filterLengthMax}`);
  const filters = new Map(Object.entries(parsed(text)).map(([name, values]) => [name, valuesOf(name, values)]));
  const count = [...filters.values()].reduce((sum, values) => sum + values.length, 0);
  if (count > filterValuesMax) throw badParameter(`invalid filter: it has ${count} values; at most ${filterValuesMax}`);
  for (const name of filters.keys()) if (known !== undefined && !known.has(name)) throw badParameter(`invalid filter '${name}'`);
  return filters;
}

/** As engines take them. `without`: names that are ours. */
export function filtersQuery(filters: Filters, without: readonly string[] = []): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries([...filters].filter(([name]) => !without.includes(name)));
}

export const queryOf = (filters: Filters): URLSearchParams =>
  new URLSearchParams({ filters: JSON.stringify(filtersQuery(filters)) });

export const withValue = (filters: Filters, name: string, value: string): Filters =>
  new Map([...filters, [name, [...(filters.get(name) ?? []), value]]]);

/** Docker's GetBoolOrDefault: one value, and a word for true or false. */
export function boolFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name);
  if (values === undefined) return undefined;
  const [value = "", ...more] = values;
  const isTrue = ["1", "true"].includes(value);
  if (more.length > 0 || !(isTrue || ["0", "false"].includes(value))) throw invalidValue(name, values);
  return isTrue;
}

export const invalidValue = (name: string, values: readonly string[]): Error =>
  badParameter(`invalid filter '${name}=${JSON.stringify(values)}'`);

/** Docker's MatchKVList: `key` or `key=value`, all of which must hold. */
export function matchesLabels(labels: Readonly<Record<string, string>>, wanted: readonly string[]): boolean {
  return wanted.every((one) => {
    const at = one.indexOf("=");
    const key = at < 0 ? one : one.slice(0, at);
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    return value !== undefined && (at < 0 || value === one.slice(at + 1));
  });
}

/** Docker's Match: the text itself or what a value, as a regular expression, finds in it. A value that is no expression is plain text. */
export function matcher(values: readonly string[]): (text: string) => boolean {
  const tests = values.map(testOf);
  return (text) => tests.some((test) => test(text));
}

/** Values are matched as expressions only where they can't take long: nothing in them repeats a group, and little repeats at all. */
function testOf(value: string): (text: string) => boolean {
  const isSlow =
    /[)\]}*+?][*+{?]|\)[*+{?]|\\[1-9]|\(\?/.test(value) || value.length > 256 || (value.match(/[*+?{]/g) ?? []).length > 2;
  if (isSlow || !/[\\^$.|?*+()[\]{}]/.test(value)) return (text) => text.includes(value);
  try {
    const expression = new RegExp(value);
    return (text) => text === value || expression.test(text);
  } catch {
    return (text) => text.includes(value);
  }
}

function parsed(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badParameter("invalid filter");
  }
  if (!isJsonObject(value)) throw badParameter("invalid filter");
  return value;
}

function valuesOf(name: string, values: unknown): readonly string[] {
  if (Array.isArray(values) && values.every((one) => typeof one === "string")) return values;
  if (!isJsonObject(values)) throw badParameter(`invalid filter '${name}'`);
  return Object.entries(values).flatMap(([value, isOn]) => (isOn === true ? [value] : []));
}
