/**
 * DELETE of a collection: what a list with the same query gives is deleted, each object as by its own DELETE. As in Kubernetes it is no
 * transaction: when one is refused, those before it are gone. With `limit` it is one page; the answer is the list as it was found.
 */

import type { ApiResponse } from "../http/exchange.ts";
import type { WindlassObject } from "../kinds/object.ts";
import { BatchError } from "../state/errors.ts";
import type { Store } from "../state/store.ts";
import type { Transaction } from "../state/transaction.ts";
import { jsonTypes, lazyBody } from "./body.ts";
import { type Call, inStore } from "./call.ts";
import { type DeleteOptions, deleteOptions } from "./delete-options.ts";
import { readPage } from "./list.ts";
import { changeObject } from "./pipeline.ts";
import { presentList } from "./present.ts";
import { removal, removalOf } from "./remove.ts";

export function removeCollection(call: Call): Promise<ApiResponse> {
  const body = lazyBody(call.request, jsonTypes);
  return inStore(call, "deletecollection", async (store) => {
    const options = deleteOptions(call.query, await body(), { versionInQuery: false });
    const { objects, metadata, revision } = await readPage(call, store);
    await removeAll(call, store, { objects, options });
    return presentList(call, objects, metadata, { revision });
  });
}

type Removal = { readonly objects: readonly WindlassObject[]; readonly options: DeleteOptions };

/** @throws what the first one that is refused is refused with. */
async function removeAll({ principal, ...call }: Call, store: Store, { objects, options }: Removal): Promise<void> {
  const steps = objects.map(
    (object) => (transaction: Transaction) => removeOne({ principal, ...call }, transaction, { object, options }),
  );
  const admission = await store.meter?.admit();
  let commits = 0;
  try {
    ({ commits } = await store.batch(steps, { actor: principal.name }));
  } catch (error) {
    throw error instanceof BatchError ? error.cause : error;
  } finally {
    admission?.done(commits > 0);
  }
}

/** What has gone since it was listed, and what has come under its name, is left alone. */
function removeOne(
  call: Call,
  transaction: Transaction,
  { object, options }: { readonly object: WindlassObject; readonly options: DeleteOptions },
): void {
  const { name, namespace, uid } = object.metadata;
  if (transaction.of(call.definition).get(name, namespace)?.metadata.uid !== uid) return;
  const write = { ...removalOf(call, name, options), namespace };
  changeObject(transaction, write, removal(call, name, options));
}
