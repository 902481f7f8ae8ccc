/** Bodies that are long: taken at their reader's pace, left when the reader leaves, cut where the engine cuts them. */
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Call } from "../../shared/docker-api/call.ts";
import { rows } from "../../shared/docker-api/rows.ts";
import { type Front, openFront } from "./front-host.ts";
import { type Script, scriptedEngine } from "./scripted-engine.ts";

const opened: Front[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((front) => front.close()));
});

const chunkBytes = 64 * 1024;

/** A log without end, which counts what was taken of it. */
function endless() {
  const chunk = Buffer.alloc(chunkBytes, "x");
  const log = { taken: 0, stream: new Readable() };
  log.stream = new Readable({
    highWaterMark: chunkBytes,
    read() {
      log.taken += chunk.length;
      setImmediate(() => this.push(chunk));
    },
  });
  return log;
}

async function frontWith(script: Script): Promise<Front> {
  const engine = scriptedEngine(script);
  const front = await openFront({ nodes: { "node-a": engine.simulated.open().address }, open: engine.open });
  opened.push(front);
  await front.ask("POST", "/v1.41/containers/create?name=web", { json: { Image: "busybox" } });
  return front;
}

const onLogs = (body: Readable): Script => ({
  forward: async ({ path }, { signal }) => {
    if (!path.includes("/logs")) return undefined;
    signal?.addEventListener("abort", () => body.destroy());
    return { status: 200, headers: { "content-type": "application/vnd.docker.raw-stream" }, body };
  },
});

async function begin(front: Front, path: string): Promise<IncomingMessage> {
  const request = httpRequest(`${front.url}${path}`, { agent: false, headers: { authorization: "Bearer viewer" } });
  request.on("error", () => undefined);
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  return response;
}

/** Until nothing more has been taken for some turns. */
async function still(count: () => number): Promise<number> {
  for (let turns = 0, last = count(); turns < 50; turns += 1) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (count() !== last) turns = 0;
    last = count();
  }
  return count();
}

describe("long bodies", () => {
  it("a log of which nothing is read is not taken from the engine beyond the buffers, and goes on when it is read", async () => {
    const log = endless();
    const front = await frontWith(onLogs(log.stream));
    const response = await begin(front, "/v1.41/containers/web/logs?follow=1&stdout=1");
    response.pause();
    const held = await still(() => log.taken);
    expect(held).toBeLessThan(16 * 1024 * 1024);
    let read = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      read += chunk.length;
      if (read > held + 128 * 1024 * 1024) break;
    }
    expect(log.taken).toBeGreaterThan(held + 100 * 1024 * 1024);
    // The most that was ever waiting is what the buffers hold: never what was not read.
    expect(log.taken - read).toBeLessThan(16 * 1024 * 1024);
    response.destroy();
  });

  it("a slow reader holds up its own stream, and no other", async () => {
    const [slow, quick] = [endless(), endless()];
    const logs = [slow, quick];
    const front = await frontWith({
      forward: async ({ path }) => {
        const log = path.includes("/logs") ? logs.shift() : undefined;
        return log && { status: 200, headers: {}, body: log.stream };
      },
    });
    const waiting = await begin(front, "/v1.41/containers/web/logs?follow=1&stdout=1");
    waiting.pause();
    const held = await still(() => slow.taken);
    const response = await begin(front, "/v1.41/containers/web/logs?follow=1&stdout=1");
    let read = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      read += chunk.length;
      if (read > 64 * 1024 * 1024) break;
    }
    expect(slow.taken).toBe(held);
    waiting.destroy();
  });

  it("a client that leaves in the middle ends the engine's side", async () => {
    const log = endless();
    const front = await frontWith(onLogs(log.stream));
    const response = await begin(front, "/v1.41/containers/web/logs?follow=1&stdout=1");
    await once(response, "data");
    const closed = once(log.stream, "close");
    response.destroy();
    await closed;
  });

  it("a client that leaves before there is an answer ends the engine's side, too", async () => {
    const { promise: asked, resolve: isAsked } = Promise.withResolvers<AbortSignal | undefined>();
    const front = await frontWith({
      forward: ({ path }, { signal }) => {
        if (!path.includes("/logs")) return Promise.resolve(undefined);
        isAsked(signal);
        return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
      },
    });
    const request = httpRequest(`${front.url}/v1.41/containers/web/logs?follow=1`, {
      agent: false,
      headers: { authorization: "Bearer viewer" },
    });
    request.on("error", () => undefined);
    request.end();
    const signal = await asked;
    const aborted = signal?.aborted ? undefined : once(signal as AbortSignal, "abort");
    request.destroy();
    await aborted;
    expect(signal?.aborted).toBe(true);
  });

  it("a stream that the engine cuts is cut, not ended as if it were whole", async () => {
    const body = Readable.from(
      (async function* () {
        yield Buffer.from("some");
        throw new Error("connection reset");
      })(),
      { objectMode: false },
    );
    const front = await frontWith(onLogs(body));
    const response = await begin(front, "/v1.41/containers/web/logs?stdout=1");
    const read = (async () => {
      for await (const _ of response);
    })();
    await expect(read).rejects.toThrow();
  });

  it("an upload is passed at the engine's pace, and an engine that refuses early is heard", async () => {
    let seen = 0;
    const front = await frontWith({
      forward: async ({ path, body }) => {
        if (!path.includes("/archive") || body === undefined || body instanceof Uint8Array) return undefined;
        for await (const chunk of body) {
          seen += chunk.length;
          if (seen > 1024 * 1024) break;
        }
        return { status: 404, headers: {}, body: Readable.from([Buffer.from('{"message":"Could not find the file"}')]) };
      },
    });
    const answer = await front.ask("PUT", "/v1.41/containers/web/archive?path=/x", { body: Buffer.alloc(8 * 1024 * 1024) });
    expect([answer.status, answer.json()]).toEqual([404, { message: "Could not find the file" }]);
    expect(seen).toBeLessThan(4 * 1024 * 1024);
  });

  it("a stop with a grace time beyond what timers reach waits as long as they do", async () => {
    const waits: (number | undefined)[] = [];
    const front = await frontWith({
      forward: async ({ path }, { timeoutMs }) => {
        if (path.includes("/stop")) waits.push(timeoutMs);
        return undefined;
      },
    });
    for (const t of ["10", "999999999999"]) await front.ask("POST", `/v1.41/containers/web/stop?t=${t}`);
    expect(waits[0]).toBe(10_000 + 15 * 60_000);
    expect(waits[1]).toBeGreaterThan(24 * 3_600_000);
    expect(waits[1]).toBeLessThan(2 ** 31);
  });

  it("events whose end lies further away than timers reach are waited for", async () => {
    const engine = scriptedEngine({});
    const front = await openFront({ nodes: { "node-a": engine.simulated.open().address }, open: engine.open });
    opened.push(front);
    const until = Math.floor(Date.now() / 1_000) + 40 * 24 * 3_600;
    const response = await begin(front, `/v1.41/events?until=${until}`);
    await vi.waitFor(() => expect(engine.simulated.world.listeners.size).toBe(1));
    const heard = once(response, "data");
    await front.ask("POST", "/v1.41/containers/create?name=web", { json: { Image: "busybox" } });
    expect(String((await heard)[0])).toContain('"Action":"create"');
    response.destroy();
  });

  it("many nodes may wait for one reader", async () => {
    const warnings: string[] = [];
    const note = ({ message }: Error) => void warnings.push(message);
    process.on("warning", note);
    const { signal } = new AbortController();
    const { body } = await rows(
      { signal } as Call,
      async (send) => {
        await Promise.all(Array.from({ length: 40 }, () => send({ text: "x".repeat(chunkBytes) })));
      },
      { isEager: true },
    );
    await new Promise(setImmediate);
    const text = await buffer(body as Readable);
    process.off("warning", note);
    expect([text.length > 40 * chunkBytes, warnings]).toEqual([true, []]);
  });

  it("rows of stats keep their bytes but for the name, however they are cut into pieces", async () => {
    const sent = `${JSON.stringify({ read: "now", name: "/wl-1", id: "x", text: "ä" })}\n${JSON.stringify({ name: "/wl-1", n: 2 })}\n`;
    const bytes = Buffer.from(sent);
    const front = await frontWith({
      forward: async ({ path }) => {
        if (!path.includes("/stats")) return undefined;
        const body = Readable.from(
          [...bytes].map((byte) => Buffer.from([byte])),
          { objectMode: false },
        );
        return { status: 200, headers: { "content-length": String(bytes.length) }, body };
      },
    });
    const { text, headers } = await front.ask("GET", "/v1.41/containers/web/stats?stream=1");
    expect(text).toBe(sent.replaceAll("/wl-1", "/web"));
    expect(headers["content-length"]).toBeUndefined();
  });
});
