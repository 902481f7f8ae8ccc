/**
 * DELETE of one object. One that finalizers hold is only marked; it goes when the last of them does (pipeline.ts). The answer is
 * Kubernetes': a Status where it is gone, the object where it waits.
 */

import type { ApiResponse } from "../http/exchange.ts";
import type { WindlassObject } from "../kinds/object.ts";
import { defaultCluster } from "../state/clusters.ts";
import { dying } from "../state/garbage/deletion.ts";
import { jsonTypes, lazyBody } from "./body.ts";
import { type Call, type ItemCall, inStore } from "./call.ts";
import { advanceCluster } from "./cluster-change.ts";
import { type DeleteOptions, deleteOptions } from "./delete-options.ts";
import { notFound, RefusedError } from "./errors.ts";
import { checkPlace } from "./get.ts";
import { runWrite } from "./pipeline.ts";
import { presentJson, presentObject } from "./present.ts";
import { deletedStatus } from "./status.ts";
import type { Propose, Write } from "./write.ts";

export function removeObject(call: ItemCall): Promise<ApiResponse> {
  const body = lazyBody(call.request, jsonTypes);
  return inStore(call, "delete", async (store) => {
    checkPlace(call);
    const { definition, name } = call;
    const options = deleteOptions(call.query, await body());
    const { object, removed, revision } = await runWrite(store, removalOf(call, name, options), removal(call, name, options));
    if (!options.dryRun) await advanceCluster(call, object);
    if (removed) return presentJson(JSON.stringify(deletedStatus(definition.plural, object)), { revision });
    return presentObject(call, object, { revision, isAccepted: options.isForeground });
  });
}

export function removalOf({ definition, namespace, principal }: Call, name: string, { dryRun }: DeleteOptions): Write {
  const options = { dryRun, fieldValidation: "Ignore", fieldManager: "" } as const;
  return { operation: "delete", definition, namespace, name, subresource: undefined, options, principal };
}

/** The object as it is, marked as deleted: the time of the first deletion stays. */
export function removal({ definition }: Call, name: string, { preconditions, propagation }: DeleteOptions): Propose {
  return (current, transaction) => {
    if (current === undefined) throw notFound(definition, name);
    checkRemovable(current);
    const { metadata, ...marked } = dying(definition, current, { propagation, now: transaction.context.now });
    return { object: { ...marked, metadata: { ...metadata, ...preconditions } }, unknownFields: [] };
  };
}

/** As Kubernetes keeps its default namespace. @throws RefusedError: forbidden. */
function checkRemovable({ kind, metadata: { name } }: WindlassObject): void {
  if (kind !== "Cluster" || name !== defaultCluster) return;
  const message = `clusters.windlass.dev "${name}" is forbidden: this cluster may not be deleted`;
  throw new RefusedError({ kind: "forbidden", message, resource: "clusters", name });
}
