/**
 * GET of a collection. All pages of one list are read at one revision, however much is written meanwhile: the first page's, which its
 * continue tokens carry.
 */

import type { ApiResponse } from "../http/exchange.ts";
import { keyOf } from "../kinds/definition.ts";
import { checkNamespace } from "../kinds/names.ts";
import type { WindlassObject } from "../kinds/object.ts";
import { GoneError } from "../state/errors.ts";
import type { Store } from "../state/store.ts";
import type { Transaction } from "../state/transaction.ts";
import { versionAt } from "../state/version.ts";
import { type Call, inStore } from "./call.ts";
import { noClusterServices } from "./cluster-services.ts";
import { type ContinueToken, checkContinued, newestRevision, readToken, tooOld, writeToken } from "./continue-token.ts";
import { invalid } from "./errors.ts";
import { checkListOptions, checkReadVersion, parseAt } from "./list-options.ts";
import { checkShape } from "./negotiate.ts";
import { type ListMetadata, presentList } from "./present.ts";
import { parseCount } from "./query.ts";
import { type Selection, selectionOf } from "./selection.ts";

/** What is to be read: at which revision (undefined: the newest), from where and how much. */
type Plan = {
  readonly at: number | undefined;
  readonly after: string | undefined;
  /** undefined: all. */
  readonly limit: number | undefined;
  readonly check: (revision: number) => void;
};

export function listObjects(call: Call): Promise<ApiResponse> {
  return inStore(call, "list", async (store) => {
    const page = await readPage(call, store);
    const { objects, metadata, revision } = page;
    return noClusterServices(call, page) ?? presentList(call, objects, metadata, { revision });
  });
}

export type ReadPage = {
  readonly objects: readonly WindlassObject[];
  readonly metadata: ListMetadata;
  readonly revision: number;
};

/** What the call selects, or a page of it. @throws RefusedError when the query can't be met. */
export async function readPage(call: Call, store: Store): Promise<ReadPage> {
  checkNamespaceOf(call);
  checkShape(call.format, { isList: true });
  checkListOptions(call.query);
  const selection = selectionOf(call);
  const plan = planOf(call, store, selection);
  const { value, revision } = await viewPlanned(store, plan, selection, (transaction) =>
    pageOf(call, transaction, plan, selection),
  );
  plan.check(revision);
  const { objects, next } = value;
  const metadata = { resourceVersion: versionAt(revision), ...(next && continued(store.uid, revision, { next, selection })) };
  return { objects, metadata, revision };
}

type Page = {
  readonly objects: readonly WindlassObject[];
  /** Where more follow: the last key of this page, and how many they are, where no selector was given. */
  readonly next?: Next;
};
type Next = { readonly after: string; readonly remaining: number | undefined };

function pageOf({ definition, namespace }: Call, transaction: Transaction, { after, limit }: Plan, selection: Selection): Page {
  const { selector, isFiltered } = selection;
  const table = transaction.of(definition);
  const range = { ...(namespace !== undefined && { namespace }), ...(after !== undefined && { after }) };
  if (limit === undefined) return { objects: table.find(selector, range) };
  // One more tells whether another page follows.
  const found = table.find(selector, { ...range, limit: limit + 1 });
  const objects = found.slice(0, limit);
  const last = objects.at(-1);
  if (last === undefined || found.length === objects.length) return { objects };
  const key = keyOf(definition, last.metadata.name, last.metadata.namespace);
  const remaining = isFiltered ? undefined : table.count({ ...range, after: key });
  return { objects, next: { after: key, remaining } };
}

type Continued = { readonly next: Next; readonly selection: Selection };

function continued(uid: string, revision: number, { next, selection }: Continued): Omit<ListMetadata, "resourceVersion"> {
  const { after, remaining } = next;
  return {
    continue: writeToken({ uid, revision, after }, selection.text),
    ...(remaining !== undefined && { remainingItemCount: remaining }),
  };
}

async function viewPlanned<T>(
  store: Store,
  { at, after }: Plan,
  selection: Selection,
  call: (transaction: Transaction) => T,
): Promise<{ readonly value: T; readonly revision: number }> {
  try {
    return await store.view(call, at === undefined ? {} : { at });
  } catch (error) {
    if (!(error instanceof GoneError) || after === undefined) throw error;
    throw tooOld(writeToken({ uid: store.uid, revision: newestRevision, after }, selection.text));
  }
}

/** @throws RefusedError: a name that no namespace can have. */
export function checkNamespaceOf({ definition, namespace }: Pick<Call, "definition" | "namespace">): void {
  const errors = namespace === undefined ? [] : checkNamespace(namespace);
  if (errors.length > 0) throw invalid(definition.kind, "", errors);
}

function planOf({ query }: Call, store: Store, selection: Selection): Plan {
  const limit = parseCount("limit", query("limit")) || undefined;
  const text = query("continue");
  if (text !== undefined && text !== "") return continuedPlan(query, store, readToken(text, selection.text), limit);
  const wanted = parseAt(query, limit !== undefined);
  switch (wanted.kind) {
    case "newest":
      return { at: undefined, after: undefined, limit, check: () => undefined };
    case "notOlderThan":
      return {
        at: undefined,
        after: undefined,
        limit,
        check: (revision) => checkReadVersion(store, wanted.position, revision),
      };
    case "exact":
      return { at: wanted.position.revision, after: undefined, limit, check: () => undefined };
    default:
      return wanted satisfies never;
  }
}

function continuedPlan(query: Call["query"], store: Store, token: ContinueToken, limit: number | undefined): Plan {
  checkContinued(query, token, store.uid);
  const at = token.revision === newestRevision ? undefined : token.revision;
  return { at, after: token.after, limit, check: () => undefined };
}
