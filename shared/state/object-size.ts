/**
 * How large an object may be: what people and programs write of it, objectBytesMax. What the server adds to end it (when its deletion was
 * asked for, and its own finalizers) is not held against them, for a deletion must always be possible; storedObjectBytesMax has room for it.
 */
import { jsonText } from "../base/json.ts";
import { objectBytesMax } from "../base/limits.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import type { WindlassObject } from "../kinds/object.ts";
import { checkSize } from "../log/codec.ts";
import { isPropagation } from "./garbage/finalizers.ts";

/** `object`: frozen. @throws TooLargeError. */
export function checkObjectSize(definition: Pick<KindDefinition, "finalizer">, object: WindlassObject): void {
  const text = jsonText(object);
  // UTF-8 of a UTF-16 string is at most three bytes a unit.
  if (text.length * 3 <= objectBytesMax) return;
  const bytes = Buffer.byteLength(text);
  if (bytes > objectBytesMax) checkSize("object", writtenBytes(definition, object, bytes), objectBytesMax);
}

/** As it would be if nobody had asked for its deletion, which counts as a generation, too. */
function writtenBytes(
  { finalizer }: Pick<KindDefinition, "finalizer">,
  { metadata, ...object }: WindlassObject,
  bytes: number,
): number {
  if (metadata.deletionTimestamp === undefined) return bytes;
  const { deletionTimestamp: _, deletionGracePeriodSeconds: __, finalizers = [], ...given } = metadata;
  const left = finalizers.filter((name) => !isPropagation(name) && name !== finalizer);
  const written = {
    ...object,
    metadata: { ...given, generation: given.generation - 1, ...(left.length > 0 && { finalizers: left }) },
  };
  return Buffer.byteLength(JSON.stringify(written));
}
