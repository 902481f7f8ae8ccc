/**
 * A JSON patch taken apart: its operations, with JSON pointers (RFC 6901) as lists of keys, and values without prototypes, so that every
 * key is data. json-patch.ts applies them.
 */
import type { Json } from "../base/json.ts";

/** Kubernetes' maxJSONPatchOperations. */
export const patchOperationsMax = 10_000;
export type Mutable = null | boolean | number | string | Mutable[] | { [key: string]: Mutable };
export type Parent = Mutable[] | { [key: string]: Mutable };
export type Operation = {
  readonly op: string;
  readonly path: Pointer;
  readonly from: Pointer | undefined;
  readonly value: Mutable | undefined;
};
export type Pointer = { readonly text: string; readonly tokens: readonly string[] };

/** Why a patch is not applied; see JsonPatched. */
export class PatchError extends Error {
  readonly why: "malformed" | "tooLarge" | "failed";
  constructor(why: PatchError["why"], message: string) {
    super(message);
    this.why = why;
  }
}
export const failed = (message: string): PatchError => new PatchError("failed", message);

/** @throws PatchError: malformed or tooLarge. */
export function operationsOf(patch: Json): Operation[] {
  if (!Array.isArray(patch)) throw new PatchError("malformed", "a JSON patch is a list of operations");
  if (patch.length > patchOperationsMax) {
    throw new PatchError(
      "tooLarge",
      `The allowed maximum operations in a JSON patch is ${patchOperationsMax}, got ${patch.length}`,
    );
  }
  return patch.map(operationOf);
}

function operationOf(given: Json): Operation {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new PatchError("malformed", "an operation of a JSON patch is an object");
  const { op, path, from, value } = copyOf(given) as { [key: string]: Mutable };
  if (typeof op !== "string") throw new PatchError("malformed", "an operation has no op");
  return { op, path: pointerOf(path, "path"), from: from === undefined ? undefined : pointerOf(from, "from"), value };
}

/** RFC 6901. */
function pointerOf(text: Mutable | undefined, field: string): Pointer {
  if (typeof text !== "string" || !/^(\/([^~]|~[01])*)?$/.test(text))
    throw new PatchError("malformed", `${field} of an operation is no JSON pointer: ${JSON.stringify(text ?? null)}`);
  const tokens = text.split("/").slice(1);
  return { text, tokens: tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~")) };
}

export function copyOf(value: Json | Mutable): Mutable {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== "object" || value === null) return value as Mutable;
  const copy = Object.create(null) as { [key: string]: Mutable };
  for (const [key, part] of Object.entries(value)) if (part !== undefined) copy[key] = copyOf(part);
  return copy;
}
