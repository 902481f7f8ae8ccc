/**
 * One request for objects, taken apart: who asks for what, and what the interface stands on. `inStore` is the only way from a call to
 * a store, and it asks first whether the caller may.
 */

import { type Authenticator, allowed, type Principal, rootScope, type Verb } from "../access/access.ts";
import type { Tokens } from "../access/tokens.ts";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import type { ApiRequest, ApiResponse } from "../http/exchange.ts";
import type { KindDefinition } from "../kinds/definition.ts";
import { group } from "../kinds/object.ts";
import type { Registry } from "../kinds/registry.ts";
import type { Cells, Log, Objects } from "../log/ports.ts";
import { type Clusters, withCluster } from "../state/clusters.ts";
import type { EventJournal } from "../state/core-events/event-journal.ts";
import type { Store } from "../state/store.ts";
import { RefusedError } from "./errors.ts";
import type { Metrics } from "./metrics.ts";
import type { Format } from "./negotiate.ts";
import type { OpenWatches } from "./open-watches.ts";
import type { IncludeObject } from "./table.ts";

/** What every verb stands on. */
export type Api = {
  readonly clusters: Clusters;
  readonly registry: Registry;
  readonly authenticator: Authenticator;
  /** Those that the authenticator asks, so that a revocation counts at once. */
  readonly tokens: Tokens;
  /** What the clusters stand on: for events, history, metrics and the doctor. */
  readonly log: Log;
  readonly objects: Objects;
  readonly cells: Cells;
  /** core/v1 Events, of all clusters. */
  readonly events: EventJournal;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Windlass' own, like 0.1.0. */
  readonly release: string;
  readonly watches: OpenWatches;
  readonly bookmarkSeconds: number;
  readonly watchSecondsMax: number;
  /** buffer: answers reach the client whole, so a watch ends after the first events it told: a long poll. */
  readonly transport: Transport;
};

export type Transport = "stream" | "buffer";

export type Subresource = "status" | "scale";

export type Call = {
  readonly api: Api;
  readonly request: ApiRequest;
  readonly principal: Principal;
  readonly cluster: string;
  readonly definition: KindDefinition;
  /** undefined: a cluster-wide kind, or objects of all namespaces. */
  readonly namespace: string | undefined;
  readonly subresource: Subresource | undefined;
  /** How the answer is to look; agreed on before anything is done. */
  readonly format: Format;
  readonly includeObject: IncludeObject;
  /** The first value of a query parameter. */
  query(name: string): string | undefined;
};

/** A call for one object. */
export type ItemCall = Call & { readonly name: string };

/**
 * Runs `run` on the store that the call's objects live in; twice where the cluster was replaced meanwhile.
 * @throws RefusedError: forbidden, or not found where the cluster is not there and the caller may know that.
 */
export async function inStore(call: Call, verb: Verb, run: (store: Store) => Promise<ApiResponse>): Promise<ApiResponse> {
  const { api, principal, cluster, definition } = call;
  if (definition.scope === "root") {
    if (!allowed(principal, rootScope, neededVerb(definition, verb))) throw forbidden(call, verb);
    return run(api.clusters.root);
  }
  const answer = await withCluster(api.clusters, cluster, (store) => {
    if (!allowed(principal, store.uid, verb)) throw forbidden(call, verb);
    return run(store);
  });
  if (answer !== undefined) return answer;
  if (!allowed(principal, undefined, verb)) throw forbidden(call, verb);
  throw noCluster(cluster);
}

/** What a caller must be allowed to do for `verb` on objects of the kind: clusters are made, changed and deleted by admins only. */
export function neededVerb({ scope }: Pick<KindDefinition, "scope">, verb: Verb): Verb {
  const isRead = verb === "get" || verb === "list" || verb === "watch";
  return scope === "root" && !isRead ? "administer" : verb;
}

export const noCluster = (name: string): RefusedError => new RefusedError({ kind: "notFound", resource: "clusters", name });

/** In Kubernetes' words; it repeats what was asked and tells nothing else. */
function forbidden(
  { principal, definition, namespace, subresource, ...call }: Call & { readonly name?: string },
  verb: Verb,
): RefusedError {
  const { plural } = definition;
  const name = "name" in call ? call.name : undefined;
  const resource = subresource === undefined ? plural : `${plural}/${subresource}`;
  const where = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const subject = name === undefined ? `${plural}.${group}` : `${plural}.${group} "${name}"`;
  const message = `${subject} is forbidden: User "${principal.name}" cannot ${verb} resource "${resource}" in API group "${group}" ${where}`;
  return new RefusedError({ kind: "forbidden", message, resource: plural, ...(name !== undefined && { name }) });
}
