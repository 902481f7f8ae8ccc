/**
 * DELETE of one object. One that carries finalizers is only marked; it goes when the last of them does (pipeline.ts). The answer is
 * Kubernetes': a Status where it is gone, the object where it waits.
 */
import { timestamp } from "../base/clock.ts";
import { jsonTypes, lazyBody } from "./body.ts";
import { type ItemCall, inStore } from "./call.ts";
import { type DeleteOptions, deleteOptions } from "./delete-options.ts";
import { notFound } from "./errors.ts";
import { checkPlace } from "./get.ts";
import { runWrite } from "./pipeline.ts";
import { presentJson, presentObject } from "./present.ts";
import { deletedStatus } from "./status.ts";
import type { Propose, Write } from "./write.ts";

export function removeObject(call: ItemCall): Promise<Response> {
  const body = lazyBody(call.request, jsonTypes);
  return inStore(call, "delete", async (store) => {
    checkPlace(call);
    const { definition, namespace, name, principal } = call;
    const { dryRun, preconditions } = deleteOptions(call.query, await body());
    const options = { dryRun, fieldValidation: "Ignore", fieldManager: undefined } as const;
    const write: Write = { operation: "delete", definition, namespace, name, subresource: undefined, options, principal };
    const { object, removed, revision } = await runWrite(store, write, removal(call, preconditions));
    if (removed) return presentJson(JSON.stringify(deletedStatus(definition.plural, object)), { revision });
    return presentObject(call, object, { revision });
  });
}

/** The object as it is, with the time of its deletion: the first one stays. */
function removal({ definition, name }: ItemCall, preconditions: DeleteOptions["preconditions"]): Propose {
  return (current, transaction) => {
    if (current === undefined) throw notFound(definition, name);
    const { resourceVersion: _, uid: __, ...metadata } = current.metadata;
    const deletionTimestamp = metadata.deletionTimestamp ?? timestamp(transaction.context.now);
    const marked = { ...metadata, ...preconditions, deletionTimestamp, deletionGracePeriodSeconds: 0 };
    return { object: { ...current, metadata: marked }, unknownFields: [] };
  };
}
