/** PUT of an object, or of its status. Without a resourceVersion it overwrites whatever is there; a stale one is a conflict. */

import type { ApiResponse } from "../http/exchange.ts";
import { jsonTypes, lazyBody, requiredBody } from "./body.ts";
import { type ItemCall, inStore } from "./call.ts";
import { checkPlace } from "./get.ts";
import { decodeUpdate, runWrite } from "./pipeline.ts";
import { presentObject } from "./present.ts";
import type { Write } from "./write.ts";
import { writeOptions } from "./write-options.ts";

export function replaceObject(call: ItemCall): Promise<ApiResponse> {
  const body = lazyBody(call.request, jsonTypes);
  return inStore(call, "update", async (store) => {
    checkPlace(call);
    const { definition, namespace, name, subresource, principal } = call;
    const options = writeOptions(call, "UpdateOptions");
    const write: Write = { operation: "update", definition, namespace, name, subresource, options, principal };
    const wanted = await requiredBody(body);
    const { object, warnings, revision } = await runWrite(store, write, (current) => decodeUpdate(write, wanted, current));
    return presentObject(call, object, { revision, warnings });
  });
}
