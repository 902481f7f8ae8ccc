/** The fleets of the embedded host: one for each cluster that has something to run, for as long as it is there. */

import { describe, expect, it, onTestFinished } from "vitest";
import { Fleets } from "../../functions/local/fleets.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import type { Logger } from "../../shared/base/logger.ts";
import { failureOf } from "../../shared/docker-api/status.ts";
import { Clearance } from "../../shared/fleet/clearance.ts";
import type { Fleet } from "../../shared/fleet/fleet.ts";
import { EnginesClosedError } from "../../shared/fleet/nodes/errors.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import type { Cluster } from "../../shared/kinds/cluster.ts";
import type { MemoryStore } from "../../shared/log/memory/open.ts";
import { UnavailableError } from "../../shared/state/errors.ts";
import { startServer } from "../api/server.ts";
import { Client, group, node } from "../cases/client.ts";
import { runs } from "../fleet/commands.ts";
import { noSecrets } from "../fleet/map-secrets.ts";

const merge = "application/merge-patch+json";

async function open() {
  const engine = new SimulatedEngine({ address: "tcp://a:2375", clock: systemClock, random: Math.random });
  const warnings: string[] = [];
  const logger: Logger = {
    log: (level, message, fields) => void (level !== "info" && warnings.push(`${message}: ${fields?.["error"]}`)),
  };
  const common = { clock: systemClock, ids: systemIds, logger, secrets: noSecrets };
  const clear = (memory: MemoryStore) => {
    const clearance = new Clearance({ ...common, ...memory, open: async () => engine.open() });
    return (cluster: Cluster) => clearance.clear(cluster);
  };
  const server = await startServer({ clear });
  const client = new Client(() => server.target);
  const stops: (() => Promise<void>)[] = [];
  onTestFinished(async () => {
    for (const stop of stops.splice(0)) await stop();
    engine.world.clear();
    await server.close();
  });
  let opened = 0;
  /** As at a start of the host; gives the way to end it. */
  const start = (isAtWork = true) => {
    const signal = new AbortController();
    const openEngine = async () => {
      opened += 1;
      return engine.open();
    };
    const fleets = new Fleets(
      { ...common, ...server.memory, clusters: server.clusters, open: openEngine, isAtWork },
      signal.signal,
    );
    const done = fleets.run();
    const stopWork = async (): Promise<void> => {
      signal.abort();
      await done;
    };
    const stop = async (): Promise<void> => {
      await stopWork();
      await fleets[Symbol.asyncDispose]();
    };
    stops.push(stop);
    return { fleets, stopWork, stop };
  };
  const makeCluster = async (name: string) =>
    expect((await client.post(`${group}/clusters`, { kind: "Cluster", metadata: { name }, spec: {} })).status).toBe(201);
  const fill = async (name: string, replicas: number) => {
    const spec = { address: "tcp://a:2375" };
    await client.post(`/clusters/${name}${group}/nodes`, { ...(node("a") as object), spec });
    const template = { spec: { image: "busybox", command: runs, stopGracePeriod: "1s", restartPolicy: { delay: "0s" } } };
    const service = { kind: "Service", metadata: { name: "web" }, spec: { replicas, template } };
    expect((await client.post(`/clusters/${name}${group}/namespaces/default/services`, service)).status).toBe(201);
  };
  const running = () => [...engine.world.containers.values()].filter((container) => container.isRunning).length;
  return { client, engine, start, makeCluster, fill, running, warnings, opened: () => opened };
}

describe("fleets", () => {
  it("begin with what there is to run, also of clusters that come later, and end with the host", async () => {
    const { client, start, makeCluster, fill, running } = await open();
    const { stop } = start();
    await makeCluster("blue");
    await fill("blue", 2);
    await expect.poll(running, { timeout: 10_000 }).toBe(2);
    const scale = { body: { spec: { replicas: 3 } }, type: merge };
    await client.send("PATCH", `/clusters/blue${group}/namespaces/default/services/web`, scale);
    await expect.poll(running, { timeout: 10_000 }).toBe(3);
    await stop();
    expect(running()).toBe(3);
  });

  it("of a host that stops are not there now, which is not that there are none", async () => {
    const { start, makeCluster } = await open();
    const { fleets, stop } = start();
    await makeCluster("blue");
    await stop();
    await expect(fleets.find("blue")).rejects.toBeInstanceOf(UnavailableError);
  });

  it("of a host that stops still serve who has begun to ask, until the host lets go of them", async () => {
    const { start, makeCluster, fill, running } = await open();
    const { fleets, stopWork, stop } = start();
    await makeCluster("blue");
    await fill("blue", 1);
    await expect.poll(running, { timeout: 10_000 }).toBe(1);
    const fleet = (await fleets.find("blue"))?.fleet as Fleet;
    await stopWork();
    expect((await fleet.containers.list()).rows).toHaveLength(1);
    await stop();
    const { errors } = await fleet.containers.list();
    expect(errors.map(({ cause }) => cause)).toEqual([new EnginesClosedError()]);
    expect(failureOf(errors[0])).toMatchObject({ status: 503, isFault: false });
  });

  it("of an earlier start are found again, without anybody asking for them", async () => {
    const { client, start, makeCluster, fill, running, engine } = await open();
    await makeCluster("blue");
    await fill("blue", 2);
    const { stop } = start();
    await expect.poll(running, { timeout: 10_000 }).toBe(2);
    await stop();
    engine.loseData();
    start();
    await expect.poll(running, { timeout: 10_000 }).toBe(2);
    const { text } = await client.get(`/clusters/blue/api/v1/namespaces/default/events`);
    expect(text).toContain("ScalingUp");
  });

  it("of a deleted cluster end quietly, and its containers go", async () => {
    const { client, engine, start, makeCluster, fill, running, warnings } = await open();
    start();
    await makeCluster("blue");
    await fill("blue", 3);
    await expect.poll(running, { timeout: 10_000 }).toBe(3);
    expect((await client.send("DELETE", `${group}/clusters/blue`)).status).toBe(200);
    await expect.poll(async () => (await client.get(`${group}/clusters/blue`)).status, { timeout: 10_000 }).toBe(404);
    expect([engine.world.containers.size, warnings]).toEqual([0, []]);
  });

  it("of a cluster without nodes open nothing; one that is not at work opens no engine by itself", async () => {
    const { start, makeCluster, fill, opened } = await open();
    const first = start();
    await makeCluster("blue");
    expect(await first.fleets.find("blue")).toBeDefined();
    expect(await first.fleets.find("none")).toBeUndefined();
    await first.stop();
    const idle = start(false);
    await fill("blue", 1);
    const found = await idle.fleets.find("blue");
    expect([(await found?.fleet.nodes.unfilteredNodes())?.length, opened()]).toEqual([1, 0]);
  });

  it("that is not at work ends with its cluster all the same", async () => {
    const { client, start, makeCluster } = await open();
    const { fleets } = start(false);
    await makeCluster("blue");
    const fleet = (await fleets.find("blue"))?.fleet as Fleet;
    await fleet.dryMode();
    expect((await client.send("DELETE", `${group}/clusters/blue`)).status).toBe(200);
    await expect.poll(() => fleet.isDry, { timeout: 10_000 }).toBe(false);
  });

  it("in dry mode what is done is done to a copy, until it is ended or the host ends", async () => {
    const { engine, start, makeCluster, fill, running } = await open();
    const { fleets, stop } = start();
    await makeCluster("blue");
    await fill("blue", 1);
    await expect.poll(running, { timeout: 10_000 }).toBe(1);
    const fleet = (await fleets.find("blue"))?.fleet as Fleet;
    const make = () => fleet.containers.create({ body: { Image: "any/thing:1" }, name: "dry" });
    await fleet.dryMode();
    await make();
    await fleet.containers.start("dry");
    expect((await fleet.containers.inspect("dry")).State.Running).toBe(true);
    await fleet.stopDryMode();
    await expect(fleet.containers.find("dry")).rejects.toThrow("No such container: dry");
    expect(engine.world.containers.size).toBe(1);
    await fleet.dryMode();
    await make();
    await stop();
    expect([fleet.isDry, engine.world.containers.size]).toEqual([false, 1]);
  });

  it("a cluster that is paused is left alone until it is not", async () => {
    const { client, engine, start, makeCluster, fill, running } = await open();
    start();
    await makeCluster("blue");
    await fill("blue", 1);
    await expect.poll(running, { timeout: 10_000 }).toBe(1);
    const pause = (paused: boolean) =>
      client.send("PATCH", `${group}/clusters/blue`, { body: { spec: { paused } }, type: merge });
    const scale = (replicas: number) =>
      client.send("PATCH", `/clusters/blue${group}/namespaces/default/services/web`, {
        body: { spec: { replicas } },
        type: merge,
      });
    await pause(true);
    // It is heard of a moment later: then nobody listens to its engine any more.
    await expect.poll(() => engine.world.listeners.size, { timeout: 10_000 }).toBe(0);
    const observed = async () => (await client.get(`/clusters/blue${group}/namespaces/default/services/web`)).body;
    const before = (await observed())["status"];
    await scale(2);
    await pause(true);
    expect((await observed())["status"]).toEqual(before);
    await pause(false);
    await expect.poll(running, { timeout: 10_000 }).toBe(2);
  });

  it("a cluster that is deleted ends its own; the name can be used again", async () => {
    const { client, start, makeCluster, fill, running } = await open();
    const { fleets } = start();
    await makeCluster("blue");
    await fill("blue", 1);
    await expect.poll(running, { timeout: 10_000 }).toBe(1);
    const former = await fleets.find("blue");
    await client.delete(`${group}/clusters/blue`);
    await expect.poll(async () => (await client.get(`${group}/clusters/blue`)).status, { timeout: 10_000 }).toBe(404);
    expect(await fleets.find("blue")).toBeUndefined();
    await makeCluster("blue");
    expect(await fleets.find("blue")).not.toBe(former);
  });
});
