/**
 * `kubectl cluster-info` asks for Kubernetes' own services by their label before it prints where the control plane is. Its mapping of kinds leads
 * it to ours, and it reads nothing but the core's list. There are none of those here: that is what it is told, in the type that it asks for.
 */

import type { ApiResponse } from "../http/exchange.ts";
import type { Call } from "./call.ts";
import type { ListMetadata } from "./present.ts";
import { presentJson } from "./present.ts";

const label = "kubernetes.io/cluster-service=true";
const namespaceAsked = "kube-system";

/** undefined: another question, or there are such services of our kind. */
export function noClusterServices(
  { definition, namespace, format, request, query }: Call,
  {
    objects,
    metadata,
    revision,
  }: { readonly objects: readonly unknown[]; readonly metadata: ListMetadata; readonly revision: number },
): ApiResponse | undefined {
  if (namespace !== namespaceAsked || objects.length > 0 || query("labelSelector") !== label) return undefined;
  const isAsked = definition.plural === "services" && format.as === "json" && request.header("user-agent")?.startsWith("kubectl");
  if (isAsked !== true) return undefined;
  return presentJson(JSON.stringify({ kind: "ServiceList", apiVersion: "v1", metadata, items: [] }), { revision });
}
