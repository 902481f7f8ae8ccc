/** PATCH of an object, or of its status, by JSON merge patch: applied to the newest object, so that two patches do not undo each other. */
import type { Json } from "../base/json.ts";
import { mergePatch } from "../kinds/merge-patch.ts";
import type { WindlassObject } from "../kinds/object.ts";
import { lazyBody, mergePatchTypes, requiredBody } from "./body.ts";
import { type ItemCall, inStore } from "./call.ts";
import { badRequest } from "./errors.ts";
import { checkPlace } from "./get.ts";
import { decodeUpdate, runWrite } from "./pipeline.ts";
import { presentObject } from "./present.ts";
import type { Proposal, Write } from "./write.ts";
import { writeOptions } from "./write-options.ts";

export function patchObject(call: ItemCall): Promise<Response> {
  const body = lazyBody(call.request, mergePatchTypes);
  return inStore(call, "patch", async (store) => {
    checkPlace(call);
    const { definition, namespace, name, subresource, principal } = call;
    const options = writeOptions(call.query, "PatchOptions");
    const write: Write = { operation: "update", definition, namespace, name, subresource, options, principal };
    const patch = await requiredBody(body);
    const { object, warnings, revision } = await runWrite(store, write, (current) => patched(write, current, patch));
    return presentObject(call, object, { revision, warnings });
  });
}

function patched(write: Write, current: WindlassObject | undefined, patch: Json): Proposal {
  const result = mergePatch(current as unknown as Json, patch);
  if (result === undefined) throw badRequest("the patch is nested too deep");
  return decodeUpdate(write, result, current);
}
