/** A host that sends answers whole: what it can carry works, what it can't is 501 in words that name why and the node. */
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerBytesMax } from "../../shared/docker-api/buffered.ts";
import { idle } from "./containers.ts";
import { type Front, openFront, openSimulatedFront, type SimulatedFront } from "./front-host.ts";
import { scriptedEngine } from "./scripted-engine.ts";

let front: SimulatedFront;
beforeEach(async () => {
  front = await openSimulatedFront(1, { transport: "buffer" });
  await front.ask("POST", "/v1.41/containers/create?name=web", {
    json: { Image: "busybox", Cmd: ["sh", "-c", "echo hello; sleep 3600"] },
  });
  await front.ask("POST", "/v1.41/containers/web/start");
});
afterEach(() => front.close());

describe("a host that buffers", () => {
  it.each([
    ["POST", "/containers/web/attach?stream=1&stdout=1"],
    ["GET", "/containers/web/logs?follow=1&stdout=1"],
    ["GET", "/containers/web/stats"],
    ["GET", "/containers/web/export"],
    ["GET", "/containers/web/archive?path=/bin"],
    ["PUT", "/containers/web/archive?path=/bin"],
    ["GET", "/events"],
    ["GET", "/images/get?names=busybox"],
    ["GET", "/images/busybox/get"],
    ["POST", "/images/load"],
    ["POST", "/images/create?fromSrc=-&repo=x"],
    ["POST", "/build"],
  ])("%s %s: 501", async (method, path) => {
    const { status, json } = await front.ask(method, `/v1.41${path}`);
    expect([status, json()]).toEqual([
      501,
      {
        message: expect.stringMatching(/which this host does not have; ask the node itself: node-a at tcp:\/\/10\.0\.0\.1:2375$/),
      },
    ]);
  });

  it("exec start: 501, unless it is detached", async () => {
    const made = await front.ask("POST", "/v1.41/containers/web/exec", { json: { Cmd: ["true"] } });
    const { Id } = made.json() as { readonly Id: string };
    const attached = await front.ask("POST", `/v1.41/exec/${Id}/start`, { json: { Detach: false } });
    expect([attached.status, attached.json()]).toEqual([
      501,
      { message: expect.stringContaining("exec start needs a connection that streams") },
    ]);
    expect((await front.ask("POST", `/v1.41/exec/${Id}/start`, { json: { Detach: true } })).status).not.toBe(501);
  });

  it("a connection that asks to leave HTTP is refused the same way", async () => {
    const request = httpRequest(`${front.url}/v1.41/containers/web/attach?stream=1`, {
      method: "POST",
      agent: false,
      headers: { authorization: "Bearer admin", connection: "Upgrade", upgrade: "tcp" },
    });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    expect(response.statusCode).toBe(501);
    response.resume();
    await once(response, "end");
  });

  it.each([
    ["GET", "/containers/json", 200],
    ["GET", "/containers/web/json", 200],
    ["GET", "/containers/web/logs?stdout=1", 200],
    ["GET", "/containers/web/stats?stream=0", 404],
    ["GET", "/containers/web/top", 200],
    ["GET", "/containers/web/changes", 200],
    ["GET", "/images/json", 200],
    ["GET", "/info", 200],
    ["GET", "/events?since=1&until=2", 200],
    ["POST", "/containers/web/kill", 204],
  ])("%s %s works", async (method, path, status) => {
    // A simulated engine has no stats to pass: 404 is its own.
    expect((await front.ask(method, `/v1.41${path}`)).status).toBe(status);
  });

  it("an answer that is too large says how to ask for less", async () => {
    const engine = scriptedEngine({
      forward: async ({ path }) =>
        path.includes("/logs")
          ? {
              status: 200,
              headers: {},
              body: Readable.from([Buffer.alloc(answerBytesMax), Buffer.alloc(1)], { objectMode: false }),
            }
          : undefined,
    });
    const own: Front = await openFront({ nodes: { "node-a": "tcp://10.0.0.1:2375" }, open: engine.open, transport: "buffer" });
    try {
      await own.ask("POST", "/v1.41/containers/create?name=web", { json: { Image: "busybox", Cmd: idle } });
      const { status, json } = await own.ask("GET", "/v1.41/containers/web/logs?stdout=1");
      expect([status, json()]).toEqual([501, { message: expect.stringContaining("ask for less (--tail, --limit, filters)") }]);
    } finally {
      await own.close();
    }
  });

  it("a wait for what has ended is answered", async () => {
    await front.ask("POST", "/v1.41/containers/web/kill");
    const { status, json } = await front.ask("POST", "/v1.41/containers/web/wait");
    expect([status, json()]).toEqual([200, { StatusCode: 137 }]);
  });
});
