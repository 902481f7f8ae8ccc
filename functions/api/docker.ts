/**
 * The Docker API as a function serves it: what it asks is gathered, and its answer is sent when it is whole. Loaded when the first request
 * of docker comes. An environment serves one request at a time, and its connections to engines end with it: none outlives the pause
 * until the next.
 */
import type { Authenticator } from "../../shared/access/access.ts";
import type { Clock } from "../../shared/base/clock.ts";
import type { Ids } from "../../shared/base/ids.ts";
import type { Logger } from "../../shared/base/logger.ts";
import { DockerApi } from "../../shared/docker-api/docker-api.ts";
import type { DockerAnswer, DockerRequest } from "../../shared/docker-api/exchange.ts";
import { type ClusterFleet, openClusterFleet } from "../../shared/fleet/cluster-fleet.ts";
import type { OpenEngine } from "../../shared/fleet/nodes/engines.ts";
import type { SecretResolver } from "../../shared/fleet/secrets/resolver.ts";
import type { ApiResponse } from "../../shared/http/exchange.ts";
import type { Cells } from "../../shared/log/ports.ts";
import type { Clusters } from "../../shared/state/clusters.ts";
import type { ProxiedRequest } from "./proxy-event.ts";

export type DockerOptions = {
  readonly clusters: Clusters;
  readonly cells: Cells;
  readonly authenticator: Authenticator;
  readonly secrets: SecretResolver;
  readonly open: OpenEngine;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly release: string;
};

/** Answers one request; `signal` aborts a little before the function's time is over. */
export type DockerHandle = (request: ProxiedRequest, signal: AbortSignal) => Promise<ApiResponse>;

/** API Gateway: a request's body has at most 10 MB. */
const bodyBytesMax = 10 * 1024 * 1024;

export function dockerHandle(options: DockerOptions): DockerHandle {
  const opened: ClusterFleet[] = [];
  const find = async (name: string): Promise<ClusterFleet | undefined> => {
    const store = await options.clusters.resolve(name);
    if (store === undefined) return undefined;
    const fleet = openClusterFleet({ ...options, store, root: options.clusters.root });
    opened.push(fleet);
    return fleet;
  };
  const api = new DockerApi({ ...options, transport: "buffer", fleets: find });
  return async (request, signal) => {
    try {
      return responseOf(await api.handle(dockerRequestOf(request, signal)), request.method);
    } finally {
      await Promise.all(opened.splice(0).map((fleet) => fleet[Symbol.asyncDispose]()));
    }
  };
}

function dockerRequestOf({ method, url, header, headers, read }: ProxiedRequest, signal: AbortSignal): DockerRequest {
  async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
    const bytes = await read(bodyBytesMax);
    if (bytes === undefined) throw new Error(`a body has at most ${bodyBytesMax} bytes here`);
    if (bytes.length > 0) yield bytes;
  }
  return { method, url, header, headers: Object.fromEntries(headers), body: body(), signal };
}

/** The transport `buffer` answers nothing that streams. */
function responseOf({ status, headers, body }: DockerAnswer, method: string): ApiResponse {
  const joined = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]));
  if (body !== null && typeof body !== "string" && !(body instanceof Uint8Array)) {
    body.destroy();
    throw new Error("an answer of docker that streams can't be sent from here");
  }
  return { status, headers: joined, body: method === "HEAD" ? null : body };
}
