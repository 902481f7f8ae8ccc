/** The dockerode adapter against what is no well-behaved engine: every call ends, with an error that says what is known, and leaves nothing open. */
import { once } from "node:events";
import type { RequestListener, ServerResponse } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { systemClock } from "../../shared/base/clock.ts";
import { openDockerEngine } from "../../shared/fleet/docker/open.ts";
import type { Engine } from "../../shared/fleet/engine.ts";
import { messageCharactersMax } from "../../shared/fleet/engine-errors.ts";
import { BadServer } from "./bad-server.ts";
import { LeapClock } from "./leap-clock.ts";

const timeoutMs = 200;
const openOn = (address: string): Promise<Engine> => openDockerEngine({ address, clock: systemClock, timeoutMs });

async function against(listener: RequestListener, test: (engine: Engine, server: BadServer) => Promise<void>): Promise<void> {
  await using server = await BadServer.start(listener);
  await using engine = await openOn(server.address);
  await test(engine, server);
}

const answer = (response: ServerResponse, status: number, body: string): void =>
  void response.writeHead(status, { "content-type": "application/json" }).end(body);

it("nobody listens: unreachable, and it certainly has not happened", async () => {
  await using engine = await openOn("tcp://127.0.0.1:1");
  const refused = { name: "EngineUnreachableError", mayHaveHappened: false, address: "tcp://127.0.0.1:1" };
  await expect(engine.system.ping()).rejects.toMatchObject(refused);
  await expect(engine.runs.start("abc")).rejects.toMatchObject(refused);
});

it("no such socket, no such host: unreachable", async () => {
  for (const address of ["unix:///no/such/docker.sock", "tcp://host.invalid:2375"]) {
    await using engine = await openOn(address);
    await expect(engine.system.ping()).rejects.toMatchObject({ name: "EngineUnreachableError", mayHaveHappened: false });
  }
});

it("a certificate that can't be had, or is none: unreachable, and it certainly has not happened", async () => {
  const tls = [() => Promise.reject(new Error("there is no secret node-key")), async () => ({ cert: "no", key: "PEM" })];
  for (const one of tls) {
    await using engine = await openDockerEngine({ address: "tcp://127.0.0.1:1", clock: systemClock, tls: one });
    const refused = {
      name: "EngineUnreachableError",
      mayHaveHappened: false,
      message: expect.not.stringContaining("ECONNREFUSED"),
    };
    await expect(engine.runs.start("abc")).rejects.toMatchObject(refused);
  }
});

it("a certificate that never comes: unreachable in the call's time, or the signal's reason", async () => {
  const tls = () => new Promise<never>(() => undefined);
  await using engine = await openDockerEngine({ address: "tcp://127.0.0.1:1", clock: systemClock, tls, timeoutMs });
  const late = { name: "EngineUnreachableError", mayHaveHappened: false, message: expect.stringContaining("could not be had") };
  await expect(engine.system.ping({ timeoutMs: 20 })).rejects.toMatchObject(late);
  await expect(engine.containers.create({ body: { Image: "x" } })).rejects.toMatchObject(late);
  await expect(engine.raw.forward({ method: "GET", path: "/info", headers: {} })).rejects.toMatchObject(late);
  const leave = new AbortController();
  const starting = engine.runs.start("abc", { signal: leave.signal, timeoutMs: 60_000 });
  leave.abort(new Error("left"));
  await expect(starting).rejects.toThrow("left");
});

it("the time that a certificate took is the call's", async () => {
  const clock = new LeapClock();
  const tls = async () => {
    clock.leap(30_000);
    return {};
  };
  const silent = createServer((socket) => void sockets.push(socket)).listen(0, "127.0.0.1");
  const sockets: Socket[] = [];
  await once(silent, "listening");
  try {
    const address = `tcp://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await using engine = await openDockerEngine({ address, clock, tls, connectMs: 60_000 });
    const began = clock.monotonic();
    const late = { name: "EngineTimeoutError", timeoutMs: 30_050 };
    await expect(engine.system.ping({ timeoutMs: 30_050 })).rejects.toMatchObject(late);
    expect(clock.monotonic() - began).toBeLessThan(60_000);
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});

it("an address that is none is refused when it is opened", async () => {
  for (const address of ["ssh://host", "ftp://host:1", "host:2375"]) await expect(openOn(address)).rejects.toThrow();
});

it("it says nothing: a time-out, for each kind of call, and the connection is gone", async () => {
  await against(
    () => undefined,
    async (engine, server) => {
      const calls: readonly (() => Promise<unknown>)[] = [
        () => engine.system.ping(),
        () => engine.containers.list(),
        () => engine.containers.create({ body: { Image: "x" } }),
        () => engine.streams.logs("abc"),
        () => engine.streams.attach("abc"),
        () => engine.runs.wait("abc"),
        () => engine.transfers.pull({ reference: "x" }),
        () => engine.raw.forward({ method: "GET", path: "/info", headers: {} }),
      ];
      const outcomes = await Promise.allSettled(calls.map((call) => call()));
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({
          status: "rejected",
          reason: { name: "EngineTimeoutError", timeoutMs, mayHaveHappened: true },
        });
      }
      await expect.poll(() => server.sockets.size).toBe(0);
    },
  );
});

it("it stops in the middle of an answer: a time-out; a stream by its idleMs", async () => {
  await against(
    (_request, response) => void response.writeHead(200).write('{"ID"'),
    async (engine) => {
      await expect(engine.system.info()).rejects.toMatchObject({ name: "EngineTimeoutError" });
      const logs = await engine.streams.logs("abc", {}, { idleMs: 50 });
      await expect(logs.toArray()).rejects.toMatchObject({ name: "EngineTimeoutError", timeoutMs: 50 });
    },
  );
});

it("the answer to a ping is bounded, in bytes and in time", async () => {
  const head = { "content-type": "text/plain", "api-version": "1.41" };
  const chunk = Buffer.alloc(64 * 1024);
  await against(
    (_request, response) => {
      response.writeHead(200, head);
      const fill = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", fill);
      fill();
    },
    async (engine, server) => {
      await expect(engine.system.ping()).rejects.toMatchObject({ name: "EngineAnswerError" });
      await expect.poll(() => server.sockets.size).toBe(0);
    },
  );
  await against(
    (_request, response) => void response.writeHead(200, head).write("O"),
    async (engine, server) => {
      await expect(engine.system.ping()).rejects.toMatchObject({ name: "EngineTimeoutError" });
      await expect.poll(() => server.sockets.size).toBe(0);
    },
  );
});

it("a reader that is slow is no silence of the engine", async () => {
  const chunk = Buffer.alloc(256 * 1024);
  await against(
    (_request, response) => {
      response.writeHead(200);
      for (let count = 0; count < 8; count += 1) response.write(chunk);
      response.end();
    },
    async (engine) => {
      const logs = await engine.streams.logs("abc", {}, { idleMs: 50 });
      let size = 0;
      for await (const part of logs as AsyncIterable<Uint8Array>) {
        if (size === 0) await systemClock.sleep(150);
        size += part.length;
      }
      expect(size).toBe(8 * chunk.length);
    },
  );
});

it("it closes in the middle: cut, in an answer, a stream of bytes and one of rows", async () => {
  await against(
    (_request, response) => {
      response.writeHead(200).write('{"status":"one"}\n{"stat');
      response.flushHeaders();
      systemClock.sleep(20).then(() => response.destroy());
    },
    async (engine) => {
      await expect(engine.system.info()).rejects.toMatchObject({ name: "EngineCutError", mayHaveHappened: true });
      await expect((await engine.streams.logs("abc")).toArray()).rejects.toMatchObject({ name: "EngineCutError" });
      const seen: unknown[] = [];
      const rows = await engine.transfers.pull({ reference: "x" });
      const reading = (async () => {
        for await (const row of rows) seen.push(row);
      })();
      await expect(reading).rejects.toMatchObject({ name: "EngineCutError" });
      expect(seen).toEqual([{ status: "one" }]);
    },
  );
});

it("it closes before an answer: unreachable, and it may have happened", async () => {
  await against(
    (request) => void request.socket.destroy(),
    async (engine) => {
      await expect(engine.runs.start("abc")).rejects.toMatchObject({ name: "EngineUnreachableError", mayHaveHappened: true });
    },
  );
});

it("it refuses: its status and words, also where they are no JSON", async () => {
  await against(
    (_request, response) => answer(response, 500, '{"message":"driver failed"}\n'),
    async (engine) => {
      const error = { name: "EngineError", status: 500, message: "driver failed", mayHaveHappened: true };
      await expect(engine.containers.list()).rejects.toMatchObject(error);
      await expect(engine.streams.logs("abc")).rejects.toMatchObject(error);
      await expect(engine.streams.attach("abc")).rejects.toMatchObject(error);
    },
  );
  await against(
    (_request, response) => answer(response, 502, "<html>proxy</html>"),
    async (engine) => {
      await expect(engine.system.info()).rejects.toMatchObject({ status: 502, message: "<html>proxy</html>" });
    },
  );
});

it.each([
  ["no JSON", "<html>", /is not JSON/],
  ["a list for an object", "[]", /expected object/],
  ["a field of another type", '{"ID":7}', /ID: /],
])("it lies: %s is an answer that can't be used", async (_name, body, message) => {
  await against(
    (_request, response) => answer(response, 200, body),
    async (engine) => {
      await expect(engine.system.info()).rejects.toMatchObject({
        name: "EngineAnswerError",
        message: expect.stringMatching(message),
      });
    },
  );
});

it("null for a list is an empty one; fields that are not known are kept", async () => {
  await against(
    ({ url }, response) =>
      answer(response, 200, url?.includes("changes") ? "null" : '[{"Id":"a","RepoTags":null,"Created":1,"Size":2,"New":3}]'),
    async (engine) => {
      expect(await engine.containers.changes("abc")).toEqual([]);
      expect(await engine.images.list()).toEqual([{ Id: "a", RepoTags: null, Created: 1, Size: 2, New: 3 }]);
    },
  );
});

it("a connection where none was asked for, and none where one was, are no answers", async () => {
  await against(
    (_request, response) => answer(response, 200, "{}"),
    async (engine) => {
      await expect(engine.streams.attach("abc")).rejects.toMatchObject({ name: "EngineAnswerError" });
    },
  );
});

it("a signal that aborts before there is a connection: nothing is asked", async () => {
  let asked = 0;
  await against(
    (_request, response) => {
      asked += 1;
      response.writeHead(204).end();
    },
    async (engine) => {
      const leave = new AbortController();
      const starting = engine.runs.start("abc", { signal: leave.signal });
      leave.abort(new Error("left"));
      await expect(starting).rejects.toThrow("left");
      await engine.runs.start("def");
      expect(asked).toBe(1);
    },
  );
});

it("it switches where nobody asked for a connection: no answer, and the connection is gone", async () => {
  await against(
    ({ socket }) => void socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"),
    async (engine, server) => {
      await expect(engine.system.info()).rejects.toMatchObject({ name: "EngineAnswerError" });
      await expect(engine.runs.start("abc")).rejects.toMatchObject({ name: "EngineAnswerError" });
      await expect(engine.raw.forward({ method: "GET", path: "/info", headers: {} })).rejects.toMatchObject({
        name: "EngineAnswerError",
      });
      await expect.poll(() => server.sockets.size).toBe(0);
    },
  );
});

it("its words are bounded: of a refusal, and of a transfer that fails", async () => {
  const long = "x".repeat(messageCharactersMax + 1);
  await against(
    ({ url }, response) =>
      url?.startsWith("/images/create")
        ? answer(response, 200, JSON.stringify({ error: long }))
        : answer(response, 500, JSON.stringify({ message: long })),
    async (engine) => {
      await expect(engine.runs.start("abc")).rejects.toMatchObject({ status: 500, message: long.slice(1) });
      const pull = async () => {
        for await (const _ of await engine.transfers.pull({ reference: "x" }));
      };
      await expect(pull()).rejects.toMatchObject({ name: "TransferFailedError", message: long.slice(1) });
    },
  );
});

it("credentials and configurations stay out of addresses", async () => {
  const seen: (readonly [string, string])[] = [];
  await against(
    (request, response) => {
      seen.push([`${request.url}`, String(request.headers["x-registry-auth"] ?? "")]);
      request.resume();
      answer(response, 200, '{"Id":"a"}');
    },
    async (engine) => {
      await engine.containers.create({ name: "web", body: { Image: "x", Env: ["PASSWORD=hunter2"] } });
      const auth = { username: "u", password: "hunter2" };
      for await (const _ of await engine.transfers.pull({ reference: "r.test:5000/x", auth }));
      for await (const _ of await engine.transfers.push({ reference: "r.test:5000/x:1", auth }));
    },
  );
  expect(seen.map(([url]) => url)).toEqual([
    "/containers/create?name=web",
    "/images/create?fromImage=r.test%3A5000%2Fx&tag=latest",
    "/images/r.test:5000/x/push?tag=1",
  ]);
  const [, pull = ["", ""]] = seen;
  expect(JSON.parse(Buffer.from(pull[1], "base64url").toString())).toEqual({ username: "u", password: "hunter2" });
});

it("a body that streams is read at the engine's pace, and left when it refuses", async () => {
  let given = 0;
  let hasEnded = false;
  async function* endless() {
    try {
      for (;;) {
        given += 1;
        yield Buffer.alloc(64 * 1024);
      }
    } finally {
      hasEnded = true;
    }
  }
  await against(
    ({ url }, response) => void (url?.startsWith("/images/load") && answer(response, 403, '{"message":"no"}')),
    async (engine) => {
      // Nobody reads: what was given is what buffers hold, and the time-out ends it.
      await expect(engine.streams.upload("abc", "/", endless())).rejects.toMatchObject({ name: "EngineTimeoutError" });
      await expect.poll(() => hasEnded).toBe(true);
      expect(given).toBeLessThan(1_000);
      hasEnded = false;
      await expect(engine.transfers.load(endless())).rejects.toMatchObject({ status: 403 });
      await expect.poll(() => hasEnded).toBe(true);
    },
  );
});

it("a caller that leaves ends the engine's side of each kind of stream", async () => {
  await against(
    (_request, response) => void response.writeHead(200).write('{"a":1}\n'),
    async (engine, server) => {
      const logs = await engine.streams.logs("abc");
      for await (const _ of logs) break;
      for await (const _ of await engine.streams.stats("abc")) break;
      (await engine.system.events()).close();
      const leave = new AbortController();
      const unread = await engine.streams.logs("abc", {}, { signal: leave.signal });
      leave.abort();
      expect(unread.destroyed).toBe(true);
      await expect.poll(() => server.sockets.size).toBe(0);
    },
  );
});
