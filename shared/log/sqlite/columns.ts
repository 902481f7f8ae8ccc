/** What a column holds, checked: the tables are STRICT, so that another type means a damaged file. */
import type { SQLOutputValue } from "node:sqlite";
import { type JsonObject, parseFrozen } from "../../base/json.ts";

type Columns = Readonly<Record<string, SQLOutputValue>>;

export function integer(columns: Columns, name: string): number {
  const value = columns[name];
  if (typeof value !== "number") throw new TypeError(`column ${name} holds no integer`);
  return value;
}

export function integerOrNull(columns: Columns, name: string): number | undefined {
  return columns[name] === null ? undefined : integer(columns, name);
}

export function text(columns: Columns, name: string): string {
  const value = columns[name];
  if (typeof value !== "string") throw new TypeError(`column ${name} holds no text`);
  return value;
}

export function blob(columns: Columns, name: string): Uint8Array {
  const value = columns[name];
  if (!(value instanceof Uint8Array)) throw new TypeError(`column ${name} holds no bytes`);
  return value;
}

/** A frozen object from its JSON. */
export function object(columns: Columns, name: string): JsonObject {
  const value = parseFrozen(text(columns, name));
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError(`column ${name} holds no object`);
  return value as JsonObject;
}
