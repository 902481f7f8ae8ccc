/** The JSON of rows and cells as the Objects table holds it: packed like an entry, since size is what a write costs. */
import { type JsonObject, jsonText, parseFrozen } from "../../base/json.ts";
import { packText, unpackText } from "../codec.ts";

/** Compressed, most objects above it come below 1 KB with their key: one write unit. */
const compressAboveBytes = 700;

export const packValue = (value: JsonObject): Uint8Array => packText(jsonText(value), compressAboveBytes);

/** Frozen. @throws Error when `bytes` are not what packValue made. */
export function unpackValue(bytes: Uint8Array): JsonObject {
  const value = parseFrozen(unpackText(bytes));
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("a value is a JSON object");
  return value as JsonObject;
}
