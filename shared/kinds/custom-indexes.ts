/**
 * Indexes that objects carry themselves (swarmkit's annotations.Indices): `index.windlass.dev/<name>: value[,value]` among an
 * object's annotations puts it under these values in the index of that name.
 */
import type { WindlassObject } from "./object.ts";

const customIndexPrefix = "index.windlass.dev/";

/** Each index's name and the values the object stands under, trimmed, without doubles. It has no prototype: any name may be asked for. */
export function customIndexes(object: Pick<WindlassObject, "metadata">): Readonly<Record<string, readonly string[]>> {
  const indexes: Record<string, readonly string[]> = Object.create(null);
  for (const [key, text] of Object.entries(object.metadata.annotations ?? {})) {
    if (!key.startsWith(customIndexPrefix)) continue;
    const values = text.split(",").map((value) => value.trim());
    indexes[key.slice(customIndexPrefix.length)] = [...new Set(values)].filter((value) => value !== "");
  }
  return indexes;
}
