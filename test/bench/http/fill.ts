/** A data folder as `npm start` leaves it, with many objects in its default cluster: made in this process, so that the server's is fresh. */
import assert from "node:assert";
import { mkdirSync } from "node:fs";
import { systemClock } from "../../../shared/base/clock.ts";
import { systemIds } from "../../../shared/base/ids.ts";
import { silentLogger } from "../../../shared/base/logger.ts";
import type { Node } from "../../../shared/kinds/node.ts";
import type { ObjectInput } from "../../../shared/kinds/object.ts";
import { builtinKinds, createRegistry } from "../../../shared/kinds/registry.ts";
import { openSqlite } from "../../../shared/log/sqlite/open.ts";
import { Clusters, defaultCluster } from "../../../shared/state/clusters.ts";
import { byBench, transactions } from "../store/open.ts";

/** As the load's puts make them. */
const valueBytes = 256;
const nodeOf = (index: number): ObjectInput<Node> => ({
  apiVersion: "windlass.dev/v1",
  kind: "Node",
  metadata: { name: `bench-${index}`, annotations: { value: `${index}-`.padEnd(valueBytes, "x") } },
  spec: { address: "tcp://127.0.0.1:2375", role: "worker", membership: "accepted", availability: "active" },
});

export async function fillFolder(folder: string, objects: number): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ports = openSqlite(folder, { pid: process.pid });
  const registry = createRegistry(builtinKinds);
  const common = { clock: systemClock, ids: systemIds, logger: silentLogger, registry };
  const clusters = await Clusters.open({ ...ports, ...common });
  try {
    const store = await clusters.resolve(defaultCluster);
    assert(store !== undefined, "an installation has a default cluster");
    for (const { from, to } of transactions(objects)) {
      await store.update((transaction) => {
        for (let index = from; index < to; index += 1) transaction.nodes.create(nodeOf(index));
      }, byBench);
    }
  } finally {
    clusters.close();
    await ports.close();
  }
}
