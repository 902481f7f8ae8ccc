/** The deployment's fleet on a real engine of this machine: woken by the bus, by the schedule, and by nothing that lives between. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Client, group, unique } from "../cases/client.ts";
import { RealEngine } from "../docker/real-engine.ts";

/** An event's way over bus and queue, and the minute of the schedule, on two busy cores. */
const waitMs = 240_000;
const tests = `/clusters/${unique("fleet")}`;

export function fleetCases(client: Client): void {
  let engine: RealEngine;
  const cluster = tests.split("/").at(-1) ?? "";
  const services = `${tests}${group}/namespaces/default/services`;

  beforeAll(async () => {
    engine = await RealEngine.start();
    const made = await client.post(`${group}/clusters`, { kind: "Cluster", metadata: { name: cluster }, spec: {} });
    expect(made.status).toBe(201);
    const node = { kind: "Node", metadata: { name: "node-a" }, spec: { address: engine.address } };
    expect((await client.post(`${tests}${group}/nodes`, node)).status).toBe(201);
  });
  afterAll(async () => engine?.stop());

  const status = async (path: string) => (await client.get(path)).body["status"];

  it(
    "a node is found ready, and a service gets its replicas",
    async () => {
      const template = { spec: { image: "busybox:latest", command: ["sleep", "3600"], stopGracePeriod: "1s" } };
      const service = { kind: "Service", metadata: { name: "web" }, spec: { replicas: 2, template } };
      expect((await client.post(services, service)).status).toBe(201);
      await expect
        .poll(async () => (await status(`${services}/web`))?.["readyReplicas"], { timeout: waitMs, interval: 1_000 })
        .toBe(2);
      expect(await status(`${tests}${group}/nodes/node-a`)).toMatchObject({ state: "ready" });
    },
    waitMs,
  );

  it("docker ps through the gateway shows what runs", async () => {
    const { status: code, body } = await client.get(`${tests}/docker/v1.41/containers/json`);
    expect([code, [...body].map((row) => row["State"])]).toEqual([200, ["running", "running"]]);
  });

  it(
    "an engine that ends is noticed, and the node says why",
    async () => {
      await engine.kill();
      const state = async () => (await status(`${tests}${group}/nodes/node-a`))?.["state"];
      await expect.poll(state, { timeout: waitMs, interval: 1_000 }).toMatch(/disconnected|down/);
      expect(JSON.stringify(await status(`${tests}${group}/nodes/node-a`))).toContain("can't be reached");
    },
    waitMs,
  );
}
