/**
 * PATCH of an object, or of its status, by JSON merge patch or JSON patch: applied to the newest object, so that two patches do not undo
 * each other. Apply has its own room (apply/). Strategic merge patch is refused, as Kubernetes does for every kind that is not built in.
 */

import type { Json } from "../base/json.ts";
import type { ApiResponse } from "../http/exchange.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import { jsonPatch } from "../kinds/json-patch.ts";
import { mergePatch } from "../kinds/merge-patch.ts";
import { applyObject, applyOptions } from "./apply/apply-object.ts";
import { applyPatchType, contentType, jsonPatchType, lazyBody, mergePatchType, requiredBody } from "./body.ts";
import { type ItemCall, inStore } from "./call.ts";
import { badRequest, invalid, RefusedError } from "./errors.ts";
import { checkPlace } from "./get.ts";
import { decodeUpdate, runWrite } from "./pipeline.ts";
import { presentObject } from "./present.ts";
import type { Write } from "./write.ts";
import { writeOptions } from "./write-options.ts";

/** A body without a type counts as the first. */
const patchTypes = [mergePatchType, jsonPatchType, applyPatchType] as const;

export function patchObject(call: ItemCall): Promise<ApiResponse> {
  const type = contentType(call.request.header("content-type"));
  if (type === applyPatchType) return applyObject(call);
  const body = lazyBody(call.request, patchTypes);
  return inStore(call, "patch", async (store) => {
    checkPlace(call);
    const { definition, namespace, name, subresource, principal } = call;
    const options = writeOptions(call, "PatchOptions");
    applyOptions(call, { isApply: false });
    const write: Write = { operation: "update", definition, namespace, name, subresource, options, principal };
    const patch = await requiredBody(body);
    const { object, warnings, revision } = await runWrite(store, write, (current) => {
      return decodeUpdate(write, patchedBy(type, write, { current: current as unknown as Json, patch }), current);
    });
    return presentObject(call, object, { revision, warnings });
  });
}

/** What is patched, for the words of a refusal. */
type Named = { readonly definition: Pick<KindDefinition, "kind">; readonly name: string };

/** `current` as a patch of this content type makes it. @throws RefusedError when the patch can't be applied. */
export function patchedBy(
  type: string | undefined,
  write: Named,
  { current, patch }: { readonly current: Json; readonly patch: Json },
): Json {
  return type === jsonPatchType ? jsonPatched(write, current, patch) : mergePatched(current, patch);
}

function mergePatched(current: Json, patch: Json): Json {
  const result = mergePatch(current, patch);
  if (result === undefined) throw badRequest("the patch is nested too deep");
  return result;
}

/** @throws RefusedError: 400 where it is no such patch, 413 where it asks for too much, 422 where it does not fit, a failed test included. */
function jsonPatched({ definition, name }: Named, current: Json, patch: Json): Json {
  const result = jsonPatch(current, patch);
  if (result.ok) return result.value;
  switch (result.why) {
    case "malformed":
      throw badRequest(result.message);
    case "tooLarge":
      throw new RefusedError({ kind: "tooLarge", message: result.message });
    case "failed":
      throw invalid(definition.kind, name, [{ field: "patch", message: result.message, type: "FieldValueInvalid" }]);
    default:
      throw result.why satisfies never;
  }
}
