/** DynamoDB's attribute values, read with a check and written without ceremony. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { ForeignItemError } from "./errors.ts";

export type Item = Record<string, AttributeValue>;

export const number = (value: number): AttributeValue => ({ N: String(value) });

/** @throws ForeignItemError when `item` has no such number. */
export function numberOf(item: Item, attribute: string): number {
  const text = item[attribute]?.N;
  if (text === undefined) throw new ForeignItemError(describe(item), attribute);
  return Number(text);
}

/** @throws ForeignItemError when `item` has no such string. */
export function stringOf(item: Item, attribute: string): string {
  const text = item[attribute]?.S;
  if (text === undefined) throw new ForeignItemError(describe(item), attribute);
  return text;
}

/** @throws ForeignItemError when `item` has no such bytes. */
export function bytesOf(item: Item, attribute: string): Uint8Array {
  const bytes = item[attribute]?.B;
  if (bytes === undefined) throw new ForeignItemError(describe(item), attribute);
  return bytes;
}

/** Only the keys: a value may hold secrets. Both tables call their partition key c; the sort keys are r and k. */
const describe = ({ c, k, r }: Item): string => `${c?.S}/${k?.S ?? r?.N}`;
