/** `npm start`: the whole control plane in one process, on SQLite. */
import { createRequire } from "node:module";
import { Tokens, tokenAuthenticator } from "../../shared/api/access/tokens.ts";
import { buildApp } from "../../shared/api/app.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { newSecret, systemIds } from "../../shared/base/ids.ts";
import { jsonLogger } from "../../shared/base/logger.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openSqliteThreaded } from "../../shared/log/sqlite/threaded.ts";
import { Clusters, installationUid } from "../../shared/state/clusters.ts";
import type { BuildApp } from "./host.ts";
import { run } from "./run.ts";
import { keepUp } from "./upkeep.ts";

const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string };

const openApp: BuildApp = async ({ data }) => {
  const logger = jsonLogger((line) => process.stderr.write(line), systemClock.now);
  const common = { clock: systemClock, ids: systemIds, logger };
  const sqlite = await openSqliteThreaded(data, { pid: process.pid });
  try {
    const registry = createRegistry(builtinKinds);
    const clusters = await Clusters.open({ ...common, ...sqlite, registry });
    const tokens = new Tokens({ ...common, cells: sqlite.cells, rootUid: installationUid, newSecret });
    const stopping = new AbortController();
    const authenticator = tokenAuthenticator(tokens);
    const app = buildApp({ ...common, clusters, registry, authenticator, release: version, stop: stopping.signal });
    const upkeep = keepUp({ ...common, ...sqlite, retentions: () => clusters.retentions() }, stopping.signal);
    return {
      tokens,
      fetch: app.fetch,
      stop: () => stopping.abort(),
      close: async () => {
        await upkeep;
        clusters.close();
        await sqlite.close();
      },
    };
  } catch (error) {
    await sqlite.close();
    throw error;
  }
};

await run(openApp);
