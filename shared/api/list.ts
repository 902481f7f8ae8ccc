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
import { type ContinueToken, newestRevision, readToken, writeToken } from "./continue-token.ts";
import { badRequest, invalid, RefusedError } from "./errors.ts";
import { checkListOptions, checkReadVersion, parseAt } from "./list-options.ts";
import { checkShape } from "./negotiate.ts";
import { type ListMetadata, presentList } from "./present.ts";
import { parseCount } from "./query.ts";
import { type Selection, selectionOf } from "./selection.ts";

/** So many objects are counted beyond a page for remainingItemCount; where there are more, it is left out, as Kubernetes may. */
const countAheadMax = 5_000;

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
  const { definition, namespace } = call;
  const { limit, after } = plan;
  const read = limit === undefined ? undefined : limit + 1 + (selection.isFiltered ? 0 : countAheadMax);
  const { value: found, revision } = await viewPlanned(store, plan, selection, (transaction) =>
    transaction.of(definition).find(selection.selector, {
      ...(namespace !== undefined && { namespace }),
      ...(after !== undefined && { after }),
      ...(read !== undefined && { limit: read }),
    }),
  );
  plan.check(revision);
  const objects = limit === undefined ? found : found.slice(0, limit);
  const next = nextPage(call, store.uid, { selection, revision, objects, found, read });
  return { objects, metadata: { resourceVersion: versionAt(revision), ...next }, revision };
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
    throw tooOldToContinue({ uid: store.uid, revision: newestRevision, after }, selection);
  }
}

/** Kubernetes' words, and its way on: a token for the rest as it is now. */
function tooOldToContinue(token: ContinueToken, selection: Selection): RefusedError {
  const message =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the " +
    "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with " +
    "the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the " +
    "first chunk was returned and now may show up in the list.";
  return new RefusedError({ kind: "expired", message, continue: writeToken(token, selection.text) });
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
  const version = query("resourceVersion") ?? "";
  if (version !== "" && version !== "0") throw badRequest("specifying resource version is not allowed when using continue");
  if (token.uid !== store.uid) {
    throw new RefusedError({
      kind: "expired",
      message: "The provided continue parameter belongs to a former cluster of this name. List again without it.",
    });
  }
  const at = token.revision === newestRevision ? undefined : token.revision;
  return { at, after: token.after, limit, check: () => undefined };
}

type Page = {
  readonly selection: Selection;
  readonly revision: number;
  readonly objects: readonly WindlassObject[];
  readonly found: readonly WindlassObject[];
  readonly read: number | undefined;
};

function nextPage({ definition }: Call, uid: string, page: Page): Omit<ListMetadata, "resourceVersion"> {
  const { selection, revision, objects, found, read } = page;
  const last = objects.at(-1);
  if (last === undefined || found.length === objects.length) return {};
  const after = keyOf(definition, last.metadata.name, last.metadata.namespace);
  const isCounted = !selection.isFiltered && read !== undefined && found.length < read;
  return {
    continue: writeToken({ uid, revision, after }, selection.text),
    ...(isCounted && { remainingItemCount: found.length - objects.length }),
  };
}
