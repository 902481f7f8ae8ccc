/**
 * POST …/import: some objects of an export, as a List, made exactly as they were: uids, generations, times, finalizers and status stay;
 * versions are those of the new life. For the cluster's admin. What is there already and the same is left alone, so a part that got no
 * clear answer is sent again; anything else of that name is refused, for an import changes and deletes nothing.
 */

import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import type { Json } from "../base/json.ts";
import type { ApiResponse } from "../http/exchange.ts";
import { type KindDefinition, keyOf } from "../kinds/definition.ts";
import { checkNamed } from "../kinds/metadata.ts";
import { apiVersion, type ObjectInput, type WindlassObject } from "../kinds/object.ts";
import type { Registry } from "../kinds/registry.ts";
import { decodeObject } from "../kinds/validate.ts";
import type { BatchStep } from "../state/batch.ts";
import { AlreadyExistsError, BatchError, QuotaExceededError } from "../state/errors.ts";
import type { Store } from "../state/store.ts";
import { versionAt } from "../state/version.ts";
import { jsonTypes, lazyBody, requiredBody } from "./body.ts";
import { badRequest, invalid } from "./errors.ts";
import { inCluster, type PathCall } from "./path-call.ts";
import { plainAnswer } from "./plain-answer.ts";
import { quotaRefusal } from "./quotas.ts";

const listSchema = z.object({ items: z.array(z.looseObject({ kind: z.string() })) });

type Item = { readonly definition: KindDefinition; readonly object: ObjectInput };

export function importObjects(call: PathCall): Promise<ApiResponse> {
  const body = lazyBody(call.request, jsonTypes);
  return inCluster(call, "administer", async (store) => {
    const parsed = listSchema.safeParse(await requiredBody(body));
    if (!parsed.success) throw badRequest(`the body is not a list of objects: ${z.prettifyError(parsed.error)}`);
    const items = parsed.data.items.map((item) => itemOf(store.registry, item as Json & { readonly kind: string }));
    const { revision, created } = await make(call, store, items);
    return plainAnswer({ kind: "Imported", apiVersion, objects: items.length, created, resourceVersion: versionAt(revision) });
  });
}

/** Clients' writes, so held to the cluster's quotas. */
async function make({ principal }: PathCall, store: Store, items: readonly Item[]) {
  // A step may run again: what it did counts by its key.
  const made = new Set<string>();
  const steps = items.map(
    ({ definition, object }): BatchStep =>
      (transaction) => {
        const table = transaction.of(definition);
        const { name, namespace } = object.metadata;
        const key = keyOf(definition, name, namespace);
        const current = table.get(name, namespace);
        if (current === undefined) {
          made.add(key);
          table.create(object);
        } else if (!isDeepStrictEqual(unversioned(current), object)) throw new AlreadyExistsError(key, current);
        else made.delete(key);
      },
  );
  try {
    const { revision } = await store.batch(steps, { actor: principal.name, isHeld: true });
    return { revision, created: made.size };
  } catch (error) {
    throw error instanceof BatchError ? refusal(error, items.length) : error;
  }
}

/** What the batch failed of, with how far it came where that is not nothing. */
function refusal({ cause, committed }: BatchError, items: number): unknown {
  if (!(cause instanceof QuotaExceededError) || committed === 0) return cause;
  return quotaRefusal(cause, `; the first ${committed} of these ${items} objects are imported`);
}

/** @throws RefusedError: not an object of a kind that clusters hold, or not whole, or with fields that would be lost. */
function itemOf(registry: Registry, item: Json & { readonly kind: string }): Item {
  const definition = registry.byKind(item.kind);
  if (definition === undefined || definition.scope !== "cluster") {
    throw badRequest(`${JSON.stringify(item.kind)} is not a kind that clusters of this installation hold`);
  }
  const decoded = decodeObject(definition, item);
  if (!decoded.ok) throw invalid(definition.kind, "", decoded.errors);
  const { object, unknownFields } = decoded;
  const { name, uid, generation, creationTimestamp } = object.metadata;
  const isWhole = name !== undefined && uid !== undefined && generation !== undefined && creationTimestamp !== undefined;
  if (!isWhole) throw invalid(definition.kind, name ?? "", [...checkNamed(object.metadata), notExported]);
  if (unknownFields.length > 0)
    throw badRequest(`${definition.kind} ${name} has fields that are not known here: ${unknownFields.join(", ")}`);
  return { definition, object: unversioned(object as WindlassObject) };
}

const notExported = {
  field: "metadata",
  message: "Required value: uid, generation and creationTimestamp, as an export has them",
  type: "FieldValueRequired",
} as const;

function unversioned(object: WindlassObject): ObjectInput {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
