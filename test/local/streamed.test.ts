/** Requests that the listener hands on with their streams, docker's: at their clients' pace, whatever they send or do not read. */
import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { pipeline, Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import type { StreamedFront } from "../../functions/local/docker-front.ts";
import { Listener, type ListenerLimits } from "../../functions/local/listener.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import type { PushedBody, Sink } from "../../shared/http/exchange.ts";
import { makeKeys } from "./keys.ts";

const host = "127.0.0.1";
const path = "/clusters/default/docker/v1.41/anything";
const chunk = Buffer.alloc(64 * 1024);

type Answer = (incoming: IncomingMessage, response: ServerResponse) => void;

type Options = { readonly limits?: Partial<ListenerLimits>; readonly left?: () => void };

/** `left`: called when the reader of an answer that is not streamed is cut off. */
async function start(answer: Answer, { limits = {}, left = () => undefined }: Options = {}) {
  const streamed: StreamedFront = {
    takes: (url) => url.startsWith("/clusters/"),
    answer: async (incoming, response) => answer(incoming, response),
  };
  const handle = async () => ({ status: 200, headers: {}, body: endless(left) });
  const keys = await makeKeys();
  const options = { host, port: 0, keys, handle, upgrade: () => undefined, logger: silentLogger, limits };
  const listener = new Listener({ ...options, streamed });
  onTestFinished(() => listener.close());
  return (await listener.listen()).port;
}

/** As a watch that has more to say than its reader takes. */
function endless(left: () => void): PushedBody {
  let fill = (): void => undefined;
  const begin = (sink: Sink): void => {
    fill = () => {
      while (sink.write(chunk));
    };
    fill();
  };
  return { begin, drained: () => fill(), left };
}

function open(port: number) {
  const socket = connect({ host, port });
  onTestFinished(() => void socket.destroy());
  return socket;
}

test("a reader that pauses is not cut off, and the writer waits for it; any other request's reader is", async () => {
  const cut = Promise.withResolvers<void>();
  let sent = 0;
  const port = await start(
    (_, response) => {
      const body = new Readable({
        read() {
          sent += chunk.length;
          this.push(chunk);
        },
      });
      pipeline(body, response, () => undefined);
    },
    { limits: { stallMs: 40, checkMs: 10 }, left: cut.resolve },
  );
  const [paused, other] = [open(port), open(port)];
  for (const [socket, url] of [
    [paused, path],
    [other, "/"],
  ] as const) {
    socket.pause();
    socket.write(`GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`);
  }
  // By the same clock the paused one would have been, too.
  await cut.promise;
  const before = sent;
  expect(before).toBeLessThan(64 * 1024 * 1024);
  paused.resume();
  await expect.poll(() => sent).toBeGreaterThan(before);
});

test("an upload waits for its reader: what is not read is not taken", async () => {
  const reading = Promise.withResolvers<void>();
  let bytes = 0;
  const port = await start((incoming, response) => {
    void (async () => {
      await reading.promise;
      for await (const part of incoming as AsyncIterable<Buffer>) bytes += part.length;
      response.end(String(bytes));
    })();
  });
  const all = 64 * 1024 * 1024;
  const request = http.request({ host, port, path, method: "POST", headers: { "content-length": all } });
  let written = 0;
  const source = new Readable({
    read() {
      written += chunk.length;
      this.push(written > all ? null : chunk);
    },
  });
  pipeline(source, request, () => undefined);
  // As much as the buffers of two sockets hold, and no more.
  const seen: number[] = [];
  await expect
    .poll(
      () => {
        seen.push(written);
        return seen.at(-1) === seen.at(-2);
      },
      { interval: 100 },
    )
    .toBe(true);
  expect(written).toBeLessThan(all / 2);
  reading.resolve();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  expect(Buffer.concat(await response.toArray()).toString()).toBe(String(all));
});

test("Expect: 100-continue is answered before the body; HEAD has a head only; a proxy's URL is its path", async () => {
  const port = await start((incoming, response) => {
    incoming.resume().on("end", () => response.setHeader("asked", `${incoming.method} ${incoming.url}`).end("the body"));
  });
  const request = http.request({ host, port, path, method: "PUT", headers: { expect: "100-continue", "content-length": 3 } });
  request.flushHeaders();
  await once(request, "continue");
  request.end("abc");
  const [put] = (await once(request, "response")) as [IncomingMessage];
  expect([put.headers["asked"], Buffer.concat(await put.toArray()).toString()]).toEqual([`PUT ${path}`, "the body"]);
  const headed = http.request({ host, port, path, method: "HEAD" }).end();
  const [head] = (await once(headed, "response")) as [IncomingMessage];
  expect([head.headers["asked"], (await head.toArray()).length]).toEqual([`HEAD ${path}`, 0]);
  const proxied = http.request({ host, port, path: `http://elsewhere:1${path}?all=1` }).end();
  const [got] = (await once(proxied, "response")) as [IncomingMessage];
  expect(got.headers["asked"]).toBe(`GET ${path}?all=1`);
  got.resume();
});

test("a client that leaves in the middle is heard by who answers", async () => {
  const left = Promise.withResolvers<void>();
  const port = await start((_, response) => {
    response.on("close", left.resolve);
    response.write("begun");
  });
  const socket = open(port);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(socket, "data");
  socket.destroy();
  await left.promise;
});

test("a bug in the answering is a 500, or breaks off what has begun; the host goes on", async () => {
  const port = await start((incoming, response) => {
    if (incoming.method === "PUT") response.writeHead(200).write("begun");
    throw new Error("a bug");
  });
  const [failed] = (await once(http.request({ host, port, path }).end(), "response")) as [IncomingMessage];
  failed.resume();
  expect(failed.statusCode).toBe(500);
  const broken = http.request({ host, port, path, method: "PUT" }).end();
  const end = once(broken, "response").then(async ([response]) => (response as IncomingMessage).toArray());
  await expect(end).rejects.toMatchObject({ code: "ECONNRESET" });
});
