/** What the embedded host does for the nodes of a deleted cluster: with the fleet on it asks their engines, with the fleet off it says that it does not. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { localClearance } from "../../functions/local/local-fleet.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { attemptLabel, clusterUidLabel, newAttemptId } from "../../shared/fleet/containers/labels.ts";
import { type Cluster, clusterKind } from "../../shared/kinds/cluster.ts";
import { nodeKind } from "../../shared/kinds/node.ts";
import { apiVersion } from "../../shared/kinds/object.ts";
import { builtinKinds, createRegistry } from "../../shared/kinds/registry.ts";
import { openMemory } from "../../shared/log/memory/open.ts";
import { Clusters } from "../../shared/state/clusters.ts";

const byUser = { actor: "user" };

/** Lists one container of the cluster `uid` until it is removed, as Docker does; gives its port and what it was asked. */
async function engine(uid: string) {
  const asked: string[] = [];
  const attempt = newAttemptId(systemIds);
  const Id = "ab".repeat(32);
  const Labels = { [clusterUidLabel]: uid, [attemptLabel]: attempt };
  const row = { Id, Names: [`/${attempt}`], Image: "busybox", ImageID: "sha256:1", Command: "sh", Created: 1, State: "running" };
  const server = createServer(({ method, url = "" }, response) => {
    const path = url.replace(/^\/v[\d.]+/, "").replace(/\?.*/, "");
    asked.push(`${method} ${path}`);
    if (method === "DELETE") {
      response.writeHead(204).end();
      return;
    }
    const rows = path === "/containers/json" ? [{ ...row, Status: "Up", Ports: [], Labels }] : [];
    const body =
      path === "/version" || path === "/_ping" ? { Version: "20.10.5", ApiVersion: "1.41", MinAPIVersion: "1.12" } : rows;
    response.writeHead(200, { "content-type": "application/json", "api-version": "1.41" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  onTestFinished(() => server.closeAllConnections());
  return { asked, Id, address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A sealed cluster with one node, and what the host says of it. */
async function deleted(fleet: boolean | undefined) {
  const memory = openMemory({ exclusive: true, appliesOnAppend: true });
  const said: string[] = [];
  const logger = { log: (level: string, message: string) => void said.push(`${level}: ${message}`) };
  const common = { ...memory, clock: systemClock, logger };
  const clusters = await Clusters.open({ ...common, registry: createRegistry(builtinKinds), ids: systemIds });
  onTestFinished(() => clusters.close());
  const store = await clusters.resolve("default");
  if (store === undefined) throw new Error("the default cluster is there");
  const { asked, Id, address } = await engine(store.uid);
  const spec = nodeKind.spec.parse({ address });
  await store.update(
    ({ nodes }) => nodes.create({ apiVersion, kind: "Node", metadata: { name: "a" }, spec, status: { state: "ready" } }),
    byUser,
  );
  await store.seal(byUser);
  const metadata = { name: "default", uid: store.uid, deletionTimestamp: new Date(systemClock.now()).toISOString() };
  const cluster = { apiVersion, kind: "Cluster", metadata, spec: clusterKind.spec.parse({}) } as Cluster;
  const config = { data: "/nowhere", ...(fleet !== undefined && { fleet }) } as Parameters<typeof localClearance>[0]["config"];
  const clear = localClearance({ ...common, config }, new AbortController().signal);
  return { clear: () => clear(cluster), asked, Id, said };
}

describe("the embedded host and a deleted cluster", () => {
  it("removes its containers from their engines", async () => {
    const { clear, asked, Id, said } = await deleted(undefined);
    expect([await clear(), said]).toEqual([true, []]);
    expect(asked).toContain(`DELETE /containers/${Id}`);
  });

  it("leaves them where the fleet is off, and says so", async () => {
    const { clear, asked, said } = await deleted(false);
    expect(await clear()).toBe(true);
    expect([asked, said]).toEqual([[], ["warn: a deleted cluster's containers stay on its nodes: the fleet is off"]]);
  });
});
