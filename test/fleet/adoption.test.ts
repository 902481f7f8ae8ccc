/**
 * A cluster that is exported and imported into a new life: with the former uid adopted its containers run on as the new life's own; else
 * they are somebody else's, and never touched. The fleet is the whole one, on simulated engines.
 */

import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { systemIds } from "../../shared/base/ids.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import { type ClusterFleet, openClusterFleet } from "../../shared/fleet/cluster-fleet.ts";
import { isWanted, stateOf } from "../../shared/fleet/reconcile/world.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import { startServer, type TestServer } from "../api/server.ts";
import { Client, group, node } from "../cases/client.ts";
import { runs } from "./commands.ts";
import { noSecrets } from "./map-secrets.ts";

const clusters = `${group}/clusters`;
/** Rounds until a fleet of a few containers has come to rest. */
const roundsMax = 50;

class World {
  readonly server: TestServer;
  readonly client: Client;
  readonly engines = new Map<string, SimulatedEngine>();

  private constructor(server: TestServer) {
    this.server = server;
    this.client = new Client(() => server.target);
  }

  static async open(): Promise<World> {
    const world = new World(await startServer());
    onTestFinished(async () => {
      await world.server.close();
      for (const engine of world.engines.values()) engine.world.clear();
    });
    return world;
  }

  /** Life of the name, with nodes a and b and a service of three replicas that run. */
  async firstLife(): Promise<string> {
    const made = await this.client.post(clusters, { kind: "Cluster", metadata: { name: "red" }, spec: {} });
    for (const name of ["a", "b"]) {
      const address = `tcp://${name}:2375`;
      this.engines.set(address, new SimulatedEngine({ address, clock: systemClock, random: Math.random }));
      const body = { ...(node(name) as object), spec: { address } };
      expect((await this.client.post(`/clusters/red${group}/nodes`, body)).status).toBe(201);
    }
    const spec = { image: "busybox", command: runs, stopGracePeriod: "1s", restartPolicy: { delay: "0s" } };
    const service = { kind: "Service", metadata: { name: "web" }, spec: { replicas: 3, template: { spec } } };
    expect((await this.client.post(`/clusters/red${group}/namespaces/default/services`, service)).status).toBe(201);
    await this.rest();
    return String(made.body["metadata"]?.["uid"]);
  }

  /** The cluster ends, and begins anew from its export. */
  async secondLife(spec: object): Promise<void> {
    const lines = (await this.client.get("/clusters/red/windlass/v1/export")).text.trim().split("\n");
    await this.client.delete(`${clusters}/red`);
    await expect.poll(async () => (await this.client.get(`${clusters}/red`)).status).toBe(404);
    const cluster = { kind: "Cluster", metadata: { name: "red" }, spec: { paused: true, ...spec } };
    expect((await this.client.post(clusters, cluster)).status).toBe(201);
    const items = lines.slice(1, -1).map((line) => JSON.parse(line));
    // In two halves, with somebody at work in between.
    for (const part of [items.slice(0, 3), items.slice(3)]) {
      const answer = await this.client.post("/clusters/red/windlass/v1/import", { kind: "List", items: part });
      expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("Imported")]);
      await this.rest();
    }
    const unpaused = { body: { spec: { paused: null } }, type: "application/merge-patch+json" };
    expect((await this.client.send("PATCH", `${clusters}/red`, unpaused)).status).toBe(200);
  }

  async rest(): Promise<void> {
    await using fleet = await this.#fleet();
    for (let count = 0; count < roundsMax; count += 1) {
      const { again, wakeAt } = await fleet.round({ withHealth: true });
      const isDue = wakeAt !== undefined && wakeAt <= systemClock.now() + 1_000;
      if (!again && !isDue) return;
      await systemClock.sleep(20);
    }
    throw new Error(`not at rest after ${roundsMax} rounds`);
  }

  /** Of services' tasks that run. */
  async running(): Promise<string[]> {
    const store = await this.server.clusters.resolve("red");
    const tasks = (await store?.view((transaction) => transaction.tasks.find()))?.value ?? [];
    const up = tasks.filter((task) => isWanted(task) && stateOf(task) === "running");
    return up.map(({ status }) => status?.containerId ?? "").sort();
  }

  containers(): string[] {
    return [...this.engines.values()].flatMap(({ world }) => [...world.containers.keys()]).sort();
  }

  async #fleet(): Promise<ClusterFleet> {
    const { clusters: all, memory } = this.server;
    const store = await all.resolve("red");
    if (store === undefined) throw new Error("the cluster is there");
    return openClusterFleet({
      store,
      root: all.root,
      cells: memory.cells,
      clock: systemClock,
      ids: systemIds,
      logger: silentLogger,
      secrets: noSecrets,
      open: async ({ address }) => {
        const engine = this.engines.get(address);
        if (engine === undefined) throw new Error(`no engine at ${address}`);
        return engine.open();
      },
    });
  }
}

describe("a cluster in a new life", () => {
  it("that adopts the former one: its containers run on, no other is made, and they are its own from then on", async () => {
    const world = await World.open();
    const uid = await world.firstLife();
    const before = world.containers();
    expect([before.length, await world.running()]).toEqual([3, before]);
    await world.secondLife({ adopts: [uid] });
    await world.rest();
    expect([world.containers(), await world.running()]).toEqual([before, before]);
    const scale = { body: { spec: { replicas: 1 } }, type: "application/merge-patch+json" };
    await world.client.send("PATCH", `/clusters/red${group}/namespaces/default/services/web`, scale);
    await world.rest();
    expect(world.containers()).toEqual(await world.running());
    expect(before).toEqual(expect.arrayContaining(world.containers()));
  });

  it("that does not: the former one's containers are never touched, and its own are made beside them", async () => {
    const world = await World.open();
    await world.firstLife();
    const before = world.containers();
    await world.secondLife({});
    await world.rest();
    const running = await world.running();
    expect([running.length, running.filter((id) => before.includes(id))]).toEqual([3, []]);
    expect(world.containers()).toEqual([...before, ...running].sort());
  });

  it("what a living cluster has, or another has adopted, can't be adopted", async () => {
    const world = await World.open();
    const uid = await world.firstLife();
    const adopting = (name: string, adopts: readonly string[]) =>
      world.client.post(clusters, { kind: "Cluster", metadata: { name }, spec: { adopts: [...adopts] } });
    expect(await adopting("blue", [uid])).toMatchObject({ status: 422, text: expect.stringContaining("cluster red has it") });
    expect((await adopting("blue", ["gone"])).status).toBe(201);
    const refused = await adopting("green", ["gone"]);
    expect(refused).toMatchObject({ status: 422, text: expect.stringContaining("cluster blue has adopted it") });
    expect((await adopting("green", ["x", "x"])).status).toBe(422);
  });
});
