/** The Docker API through API Gateway: what fits in one answer is answered, what streams is refused with the node to ask. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { SimulatedEngine } from "../../shared/fleet/simulated/engine.ts";
import { Client, group, node } from "../cases/client.ts";
import { type LambdaHost, startLambdaHost } from "./lambda-host.ts";

const docker = "/clusters/default/docker";

describe.each(["buffer", "stream"] as const)("docker on Lambda, transport %s", (transport) => {
  const engine = new SimulatedEngine({ address: "tcp://a:2375", clock: systemClock, random: Math.random });
  let host: LambdaHost;
  let closed = 0;
  const client = new Client(() => host.target);
  beforeAll(async () => {
    const openEngine = async () => ({
      ...engine.open(),
      [Symbol.asyncDispose]: async () => {
        closed += 1;
      },
    });
    host = await startLambdaHost({ transport, openEngine });
    await client.post(`${group}/nodes`, { ...(node("a") as object), spec: { address: "tcp://a:2375" } });
    await client.put(`${group}/nodes/a/status`, { metadata: { name: "a" }, status: { state: "ready" } });
  });
  afterAll(async () => {
    await host.close();
    engine.world.clear();
  });

  it("pings with and without a body, says its version, and lists", async () => {
    const ping = await client.get(`${docker}/_ping`);
    expect([ping.status, ping.text, ping.headers.get("api-version")]).toEqual([200, "OK", expect.stringMatching(/^1\.\d+$/)]);
    const head = await client.send("HEAD", `${docker}/_ping`);
    expect([head.status, head.text]).toEqual([200, ""]);
    expect((await client.get(`${docker}/v1.41/version`)).status).toBe(200);
    expect((await client.get(`${docker}/v1.41/containers/json?all=1`)).body).toEqual([]);
  });

  it("makes, starts and removes a container, and leaves no connection to an engine behind", async () => {
    const before = closed;
    const made = await client.post(`${docker}/v1.41/containers/create?name=one`, { Image: "busybox", Cmd: ["true"] });
    expect([made.status, made.text]).toEqual([201, expect.anything()]);
    expect((await client.send("POST", `${docker}/v1.41/containers/one/start`)).status).toBe(204);
    expect((await client.delete(`${docker}/v1.41/containers/one?force=1`)).status).toBe(204);
    expect(closed).toBeGreaterThan(before);
  });

  it("refuses what streams with the node where it can be had", async () => {
    await client.post(`${docker}/v1.41/containers/create?name=two`, { Image: "busybox", Cmd: ["sh"] });
    const attach = await client.send("POST", `${docker}/v1.41/containers/two/attach?stream=1&stdout=1`);
    expect([attach.status, attach.text]).toEqual([501, expect.stringContaining("tcp://a:2375")]);
  });

  it("asks who calls before anything else", async () => {
    expect((await client.get(`${docker}/v1.41/containers/json`, { token: null })).status).toBe(401);
    expect((await client.get(`/clusters/none/docker/_ping`)).status).toBe(404);
  });
});
