/**
 * One request for something else than objects (documents, reviews, tokens, history, export): who asks, and in which cluster. As in
 * call.ts, whoever may not look into a cluster does not learn whether it is there.
 */

import { allowed, type Principal, rootScope, type Verb } from "../access/access.ts";
import type { ApiRequest, ApiResponse } from "../http/exchange.ts";
import { defaultCluster, withCluster } from "../state/clusters.ts";
import type { Store } from "../state/store.ts";
import { type Api, noCluster } from "./call.ts";
import { RefusedError } from "./errors.ts";

export type PathCall = {
  readonly api: Api;
  readonly request: ApiRequest;
  readonly principal: Principal;
  readonly path: string;
  /** undefined: the root of the tree, which stands for the default cluster and for the installation. */
  readonly cluster: string | undefined;
  /** The first value of a query parameter. */
  query(name: string): string | undefined;
};

/** Runs `run` on the call's cluster; twice where it was replaced meanwhile. @throws RefusedError: forbidden, or not found. */
export async function inCluster<T>(call: PathCall, verb: Verb, run: (store: Store) => Promise<T>): Promise<T> {
  const { api, principal, cluster = defaultCluster } = call;
  const answer = await withCluster(api.clusters, cluster, (store) => {
    if (!allowed(principal, store.uid, verb)) throw forbiddenPath(call, verb);
    return run(store);
  });
  if (answer !== undefined) return answer;
  if (!allowed(principal, undefined, verb)) throw forbiddenPath(call, verb);
  throw noCluster(cluster);
}

/** Runs `run` for who may do `verb` in the root. @throws RefusedError: forbidden. */
export async function inRoot(call: PathCall, verb: Verb, run: () => Promise<ApiResponse>): Promise<ApiResponse> {
  if (!allowed(call.principal, rootScope, verb)) throw forbiddenPath(call, verb);
  return run();
}

/** In Kubernetes' words; it repeats what was asked and tells nothing else. */
function forbiddenPath({ principal, path }: PathCall, verb: Verb): RefusedError {
  const message = `forbidden: User "${principal.name}" cannot ${verb} path ${JSON.stringify(path)}`;
  return new RefusedError({ kind: "forbidden", message });
}
