/** The part of an object that can be owned, and the part of it that a write through the object, or through its status, can change. */
import type { Json, JsonObject } from "../../base/json.ts";
import type { Fields } from "./field-set.ts";
import { unownedMetadata } from "./field-type.ts";
import { isObject } from "./parts.ts";

/** Metadata without what is nobody's, spec and status; each only where it is there. */
export function ownedView({ metadata, spec, status }: Readonly<Record<string, unknown>>): JsonObject {
  const kept = ownedMetadata(metadata as Json | undefined);
  return {
    ...(kept !== undefined && { metadata: kept }),
    ...(spec !== undefined && { spec: spec as Json }),
    ...(status !== undefined && { status: status as Json }),
  };
}

function ownedMetadata(metadata: Json | undefined): Json | undefined {
  if (!isObject(metadata)) return metadata;
  const entries = Object.entries(metadata).filter(([name, value]) => value !== undefined && !unownedMetadata.has(name));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

const ofObject: Fields = Object.freeze({ "f:status": Object.freeze({}) });
const ofStatus: Fields = Object.freeze({ "f:metadata": Object.freeze({}), "f:spec": Object.freeze({}) });

/** What a write through this path leaves as it is (Kubernetes' reset fields): nobody comes to own it by that. */
export const untouchable = (subresource: string | undefined): Fields => (subresource === "status" ? ofStatus : ofObject);
