/** What the embedded host serves: the HTTP interface on SQLite, put together from its parts. The one place of this host that knows them. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Registry as MetricsRegistry } from "prom-client";
import { type Authenticator, firstOf } from "../../shared/access/access.ts";
import { OidcAuthenticator } from "../../shared/access/oidc.ts";
import { issuerKeys } from "../../shared/access/oidc-keys.ts";
import { Tokens, tokenAuthenticator } from "../../shared/access/tokens.ts";
import { buildApp } from "../../shared/api/app.ts";
import { Metrics } from "../../shared/api/metrics.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { jsonLogger } from "../../shared/base/logger.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openSqlite } from "../../shared/log/sqlite/open.ts";
import { Clusters, installationUid } from "../../shared/state/clusters.ts";
import type { Config } from "./config.ts";
import { collectGarbage } from "./gc.ts";
import type { BuildApp } from "./host.ts";
import { localClearance, openLocalFleet } from "./local-fleet.ts";
import { release } from "./release.ts";
import { keepUp } from "./upkeep.ts";

export const buildLocalApp: BuildApp = async (config) => {
  const logger = jsonLogger((line) => process.stderr.write(line), systemClock.now);
  const common = { clock: systemClock, ids: systemIds, logger };
  const sqlite = openSqlite(config.data, { pid: process.pid });
  try {
    const registry = createRegistry(builtinKinds);
    const metrics = new Metrics({ registry: new MetricsRegistry(), withProcess: true });
    const stopping = new AbortController();
    const clear = localClearance({ ...common, ...sqlite, config }, stopping.signal);
    const clusters = await Clusters.open({ ...common, ...sqlite, registry, observe: metrics.committed, clear });
    const tokens = new Tokens({ ...common, cells: sqlite.cells, rootUid: installationUid, newSecret });
    const authenticator = authenticatorOf(config, clusters, tokens);
    const storage = () => databaseBytes(config.data);
    const parts = { ...common, ...sqlite, clusters, registry, authenticator, tokens, metrics, storage };
    const app = buildApp({ ...parts, release, stop: stopping.signal });
    const upkeep = keepUp({ ...common, ...sqlite, retentions: () => clusters.retentions() }, stopping.signal);
    const garbage = collectGarbage({ ...common, ...sqlite, clusters }, stopping.signal);
    const fleet = openLocalFleet({ ...common, ...sqlite, config, clusters, authenticator, metrics }, stopping.signal);
    return {
      tokens,
      authenticator,
      handle: app.handle,
      streamed: fleet.docker,
      upgrade: fleet.upgrade,
      stop: () => stopping.abort(),
      close: async () => {
        await upkeep;
        await garbage;
        await fleet.close();
        clusters.close();
        await sqlite.close();
      },
    };
  } catch (error) {
    await sqlite.close();
    throw error;
  }
};

function authenticatorOf({ oidc }: Config, clusters: Clusters, tokens: Tokens): Authenticator {
  const byToken = tokenAuthenticator(tokens);
  if (oidc === undefined) return byToken;
  const keys = issuerKeys(oidc.issuer, { clock: systemClock, fetch: (url, init) => fetch(url, init) });
  const uidOf = async (name: string): Promise<string | undefined> => (await clusters.resolve(name))?.uid;
  return firstOf([byToken, new OidcAuthenticator({ config: oidc, clock: systemClock, keys, uidOf })]);
}

/** The database and its write-ahead log. */
async function databaseBytes(folder: string): Promise<ReadonlyMap<string, number>> {
  const names = ["windlass.db", "windlass.db-wal"];
  const sizes = await Promise.all(
    names.map(async (name): Promise<[string, number]> => [name, (await stat(join(folder, name))).size]),
  );
  return new Map(sizes);
}
