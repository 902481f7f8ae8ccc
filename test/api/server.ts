/** The interface over the ports in memory, behind a real HTTP server on a free port: what its own tests run on. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Registry } from "prom-client";
import { collectGarbage } from "../../functions/local/gc.ts";
import { requestOf, send } from "../../functions/local/node-exchange.ts";
import type { Authenticator, Principal } from "../../shared/access/access.ts";
import { bearerToken, firstOf, isExpired, rootScope } from "../../shared/access/access.ts";
import { Tokens, tokenAuthenticator } from "../../shared/access/tokens.ts";
import { type AppOptions, buildApp } from "../../shared/api/app.ts";
import { Metrics } from "../../shared/api/metrics.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { type Logger, silentLogger } from "../../shared/base/logger.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { type MemoryStore, openMemory } from "../../shared/log/memory/open.ts";
import { Clusters, type ClustersOptions, installationUid } from "../../shared/state/clusters.ts";
import type { Target } from "../cases/client.ts";

const adminToken = "admin-of-the-root";

export type TestServer = {
  readonly target: Target;
  readonly memory: MemoryStore;
  readonly clusters: Clusters;
  readonly app: ReturnType<typeof buildApp>;
  /** Whom a token stands for, beside the admin. */
  readonly principals: Map<string, Principal>;
  close(): Promise<void>;
};

export type ServerOptions = Partial<
  Pick<AppOptions, "bookmarkSeconds" | "watchSecondsMax" | "admission" | "stop" | "clock" | "authenticator">
> & {
  readonly prefix?: string;
  readonly logger?: Logger;
  /** What removes from nodes what deleted clusters left there. Absent: nothing. */
  readonly clear?: (memory: MemoryStore) => ClustersOptions["clear"];
};

/** With `prefix` the interface is mounted under it, as a stage of a gateway does. */
export async function startServer({
  prefix = "",
  logger = silentLogger,
  clear: clearOf,
  ...options
}: ServerOptions = {}): Promise<TestServer> {
  const registry = createRegistry(builtinKinds);
  const common = { clock: systemClock, ids: systemIds, logger, registry };
  const memory = openMemory();
  const metrics = new Metrics({ registry: new Registry(), withProcess: false });
  const clear = clearOf?.(memory);
  const clusters = await Clusters.open({ ...common, ...memory, observe: metrics.committed, ...(clear && { clear }) });
  const tokens = new Tokens({ ...common, cells: memory.cells, rootUid: installationUid, newSecret });
  const principals = new Map<string, Principal>([[adminToken, { name: "admin", role: "admin", clusterUid: rootScope }]]);
  const authenticator = firstOf([mapAuthenticator(principals), tokenAuthenticator(tokens)]);
  const parts = { ...common, ...memory, clusters, authenticator, tokens, metrics, release: "0.0.0-test" };
  const app = buildApp({ ...parts, ...options });
  const stopping = new AbortController();
  const garbage = collectGarbage({ ...common, ...memory, clusters }, stopping.signal);
  const server = createServer(async (incoming, response) => {
    // Before it is asked for: Node's own name for where a request goes.
    incoming.url = incoming.url?.slice(prefix.length);
    const request = requestOf(incoming);
    if (request === undefined) throw new Error("the tests' clients name paths");
    send(await app.handle(request), response, (error) => logger.log("error", "a body failed", { error }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`;
  return {
    target: { baseUrl, token: adminToken, fetch: (url, init) => fetch(url, init) },
    memory,
    clusters,
    app,
    principals,
    close: async () => {
      stopping.abort();
      await garbage;
      await closeAll(server, clusters);
    },
  };
}

function mapAuthenticator(principals: ReadonlyMap<string, Principal>): Authenticator {
  return {
    async authenticate(authorization) {
      const principal = principals.get(bearerToken(authorization) ?? "");
      return principal === undefined || isExpired(principal, systemClock.now()) ? undefined : principal;
    },
  };
}

async function closeAll(server: Server, clusters: Clusters): Promise<void> {
  clusters.close();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}
