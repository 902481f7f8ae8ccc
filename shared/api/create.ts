/** POST to a collection. */

import type { Json } from "../base/json.ts";
import type { ApiResponse } from "../http/exchange.ts";
import { checkNamed } from "../kinds/metadata.ts";
import { generateName } from "../kinds/names.ts";
import type { ObjectInput } from "../kinds/object.ts";
import { decodeObject } from "../kinds/validate.ts";
import { AlreadyExistsError } from "../state/errors.ts";
import type { Store } from "../state/store.ts";
import { jsonTypes, lazyBody, requiredBody } from "./body.ts";
import { type Call, inStore } from "./call.ts";
import { advanceCluster } from "./cluster-change.ts";
import { badRequest, invalid } from "./errors.ts";
import { checkNamespaceOf } from "./list.ts";
import { checkShape } from "./negotiate.ts";
import { checkNamespaceFits, runWrite, withoutStatus } from "./pipeline.ts";
import { presentObject } from "./present.ts";
import type { Proposal, Written } from "./write.ts";
import { type WriteOptions, writeOptions } from "./write-options.ts";

/** Kubernetes tries so many generated names; there are 14 million for each beginning. */
const generatedNamesMax = 8;

export function createObject(call: Call): Promise<ApiResponse> {
  const body = lazyBody(call.request, jsonTypes);
  return inStore(call, "create", async (store) => {
    checkNamespaceOf(call);
    checkShape(call.format, { isList: false });
    const options = writeOptions(call, "CreateOptions");
    const proposal = decodeNew(call, await requiredBody(body));
    const { object, warnings, revision } = await create(call, store, proposal, options);
    if (!options.dryRun) await advanceCluster(call, object);
    return presentObject(call, object, { revision, warnings, isNew: true });
  });
}

type NewProposal = Omit<Proposal, "object"> & {
  readonly object: Omit<ObjectInput, "metadata"> & { readonly metadata: Partial<ObjectInput["metadata"]> };
};

/** @throws RefusedError when it is no such object, has neither a name nor the beginning of one, or names a version. */
function decodeNew({ definition, namespace }: Call, body: Json): NewProposal {
  const decoded = decodeObject(definition, withoutStatus(body));
  if (!decoded.ok) throw invalid(definition.kind, nameIn(body), decoded.errors);
  const { metadata } = decoded.object;
  const unnamed = checkNamed(metadata);
  if (unnamed.length > 0) throw invalid(definition.kind, "", unnamed);
  if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== "0") {
    throw badRequest("resourceVersion should not be set on objects to be created");
  }
  checkNamespaceFits(metadata.namespace, namespace);
  const { resourceVersion: _, ...rest } = metadata;
  const placed = { ...rest, ...(namespace !== undefined && { namespace }) };
  return { object: { ...decoded.object, metadata: placed }, unknownFields: decoded.unknownFields };
}

async function create(call: Call, store: Store, { object, unknownFields }: NewProposal, options: WriteOptions): Promise<Written> {
  const { definition, namespace, principal, api } = call;
  for (let tries = 1; ; tries += 1) {
    const name = object.metadata.name ?? generateName(object.metadata.generateName ?? "", api.ids.random);
    const named = { ...object, metadata: { ...object.metadata, name } };
    const write = { operation: "create", definition, namespace, name, subresource: undefined, options, principal } as const;
    try {
      return await runWrite(store, write, () => ({ object: named, unknownFields }));
    } catch (error) {
      const isTaken = error instanceof AlreadyExistsError && object.metadata.name === undefined;
      if (!isTaken || tries === generatedNamesMax) throw error;
    }
  }
}

/** For the message that refuses a body: whatever stands where the name should. */
function nameIn(body: Json): string {
  const metadata = partOf(body, "metadata");
  const name = partOf(metadata, "name");
  return typeof name === "string" ? name : "";
}

function partOf(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined;
  return (value as { readonly [key: string]: Json | undefined })[key];
}
