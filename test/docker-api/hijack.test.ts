/** Connections that leave HTTP: attach and exec both ways, halves that end apart, clients that go, engines that refuse. */

import { once } from "node:events";
import { type ClientRequest, createServer, request as httpRequest, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { duplexPair } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { dockerFront } from "../../functions/local/docker-front.ts";
import type { Measured } from "../../shared/api/metrics.ts";
import { systemClock } from "../../shared/base/clock.ts";
import { pieces } from "../../shared/fleet/engine/frames.ts";
import { idle } from "./containers.ts";
import { type Front, openFront, openSimulatedFront } from "./front-host.ts";
import { rawAnswer, scriptedEngine } from "./scripted-engine.ts";

const opened: Front[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((front) => front.close()));
});

type Switched = { readonly kind: "switched"; readonly response: IncomingMessage; readonly socket: Socket; readonly head: Buffer };
type Answered = { readonly kind: "answered"; readonly status: number; readonly text: string };

type UpgradeOptions = {
  readonly json?: object;
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string | string[]>>;
};

/** An engine that switches whatever it is asked for. */
const switching = () =>
  scriptedEngine({
    upgrade: async () => {
      const [connection, far] = duplexPair();
      far.resume();
      return { kind: "upgraded", status: 101, headers: { connection: "Upgrade", upgrade: "h2c" }, connection };
    },
  });

function upgrade(front: Pick<Front, "url">, path: string, { json, token = "admin", headers = {} }: UpgradeOptions = {}) {
  const body = json === undefined ? "" : JSON.stringify(json);
  return new Promise<Switched | Answered>((resolve, reject) => {
    const request: ClientRequest = httpRequest(`${front.url}${path}`, {
      method: "POST",
      agent: false,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        connection: "Upgrade",
        upgrade: "tcp",
        ...(json !== undefined && { "content-type": "application/json", "content-length": String(body.length) }),
        ...headers,
      },
    });
    request.on("upgrade", (response, socket, head) => resolve({ kind: "switched", response, socket: socket as Socket, head }));
    request.on("response", async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
      resolve({ kind: "answered", status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function switched(front: Front, path: string, options?: { readonly json?: object }): Promise<Switched> {
  const outcome = await upgrade(front, path, options);
  if (outcome.kind !== "switched") throw new Error(`it answered ${outcome.status}: ${outcome.text}`);
  if (outcome.head.length > 0) outcome.socket.unshift(outcome.head);
  return outcome;
}

async function simulated(body: object): Promise<Front> {
  const front = await openSimulatedFront(2);
  opened.push(front);
  await front.ask("POST", "/v1.41/containers/create?name=web", { json: { Image: "busybox", ...body } });
  return front;
}

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const { bytes } of pieces(socket)) text += Buffer.from(bytes).toString();
  return text;
}

describe("connections that leave HTTP", () => {
  it("attach: what is written comes back, and the end of the input comes before the end of the output", async () => {
    const front = await simulated({ Cmd: ["cat"], OpenStdin: true, StdinOnce: true, AttachStdin: true });
    const { socket, response } = await switched(front, "/v1.41/containers/web/attach?stream=1&stdin=1&stdout=1&stderr=1");
    expect([response.statusCode, response.statusMessage]).toEqual([101, "UPGRADED"]);
    expect(response.headers).toMatchObject({ connection: "Upgrade", upgrade: "tcp" });
    expect((await front.ask("POST", "/v1.41/containers/web/start")).status).toBe(204);
    socket.end("one\ntwo\n");
    expect(await textOf(socket)).toBe("one\ntwo\n");
  });

  it("exec: its body is read from the same connection, and what follows is its input", async () => {
    const front = await simulated({ Cmd: idle });
    await front.ask("POST", "/v1.41/containers/web/start");
    const made = await front.ask("POST", "/v1.41/containers/web/exec", {
      json: { Cmd: ["cat"], AttachStdin: true, AttachStdout: true },
    });
    const { Id } = made.json() as { readonly Id: string };
    const { socket } = await switched(front, `/v1.41/exec/${Id}/start`, { json: { Detach: false, Tty: false } });
    socket.end("piped\n");
    expect(await textOf(socket)).toBe("piped\n");
    const details = (await front.ask("GET", `/v1.41/exec/${Id}/json`)).json();
    expect(details).toMatchObject({ Running: false, ExitCode: 0 });
  });

  it("a refusal is an answer, in the engine's words; so is who may not, and what is not there", async () => {
    const front = await simulated({ Cmd: idle });
    const none = await upgrade(front, "/v1.41/containers/nobody/attach?stream=1");
    expect(none).toEqual({ kind: "answered", status: 404, text: '{"message":"No such container: nobody"}\n' });
    const noExec = await upgrade(front, `/v1.41/exec/${"0".repeat(64)}/start`, { json: {} });
    expect(noExec).toMatchObject({ kind: "answered", status: 404 });
    expect(await upgrade(front, "/v1.41/containers/web/attach", { token: null })).toMatchObject({ status: 401 });
    expect(await upgrade(front, "/v1.41/containers/web/attach", { token: "viewer" })).toMatchObject({ status: 403 });
    expect(await upgrade(front, "/v1.41/nothing")).toMatchObject({ status: 404, text: '{"message":"page not found"}\n' });
  });

  it("BuildKit's connections of one caller go to one node, with all that they offer, also without the path that its clients leave out", async () => {
    const engines = new Map(["a", "b", "c"].map((name) => [`tcp://10.0.0.${name.charCodeAt(0)}:2375`, switching()]));
    const nodes = Object.fromEntries([...engines.keys()].map((address, index) => [`node-${"abc"[index]}`, address]));
    const front = await openFront({
      nodes,
      open: async (request) => (engines.get(request.address) ?? switching()).open(request),
    });
    opened.push(front);
    const methods = "x-docker-expose-session-grpc-method";
    const headers = { upgrade: "h2c", "x-docker-expose-session-uuid": "one", [methods]: ["/a/B", "/c/D"] };
    const { origin } = new URL(front.url);
    for (const [base, path] of [
      [front.url, "/v1.41/session"],
      [front.url, "/v1.41/grpc"],
      [origin, "/session"],
      [origin, "/grpc"],
    ] as const) {
      const outcome = await upgrade({ url: base }, path, { headers });
      expect([path, outcome.kind]).toEqual([path, "switched"]);
      if (outcome.kind === "switched") outcome.socket.destroy();
    }
    const asked = [...engines.values()].flatMap((engine) => [engine.asked]).filter((requests) => requests.length > 0);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.map(({ path }) => path)).toEqual(["/v1.41/session", "/v1.41/grpc", "/v1.41/session", "/v1.41/grpc"]);
    for (const request of asked[0] ?? []) expect(request.headers).toMatchObject({ ...headers, [methods]: ["/a/B", "/c/D"] });
    expect(await upgrade({ url: origin }, "/grpc", { token: "viewer" })).toMatchObject({ status: 403 });
    const elsewhere = await upgrade({ url: origin }, "/grpc", { headers: { "windlass-cluster": "other" } });
    expect(elsewhere).toMatchObject({ kind: "answered", status: 403 });
    const plain = await front.ask("POST", "/v1.41/grpc");
    expect([plain.status, plain.json()]).toEqual([400, { message: expect.stringContaining("Upgrade: h2c") }]);
  });

  it("a body without its length can't be told from what follows: refused", async () => {
    const front = await simulated({ Cmd: idle });
    const request = httpRequest(`${front.url}/v1.41/exec/${"0".repeat(64)}/start`, {
      method: "POST",
      agent: false,
      headers: {
        authorization: "Bearer admin",
        connection: "Upgrade",
        upgrade: "tcp",
        "content-length": String(4 * 1024 * 1024),
      },
    });
    request.on("error", () => undefined);
    request.write("{");
    const [response] = (await once(request, "response")) as [IncomingMessage];
    expect([404, 413]).toContain(response.statusCode);
    request.destroy();
  });

  it("a body that ends before its length is the client's fault, not ours", async () => {
    const faults: string[] = [];
    const logger = { log: (level: string, message: string) => void (level === "error" && faults.push(message)) };
    const front = await openSimulatedFront(1, { logger });
    opened.push(front);
    await front.ask("POST", "/v1.41/containers/create?name=web", { json: { Image: "busybox", Cmd: idle } });
    await front.ask("POST", "/v1.41/containers/web/start");
    const made = await front.ask("POST", "/v1.41/containers/web/exec", { json: { Cmd: ["cat"], AttachStdout: true } });
    const { Id } = made.json() as { readonly Id: string };
    const { port, pathname } = new URL(`${front.url}/v1.41/exec/${Id}/start`);
    const socket = connect({ host: "127.0.0.1", port: Number(port), allowHalfOpen: true });
    const head = ["authorization: Bearer admin", "connection: Upgrade", "upgrade: tcp", "content-length: 10", "host: x"];
    socket.end(`POST ${pathname} HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n{`);
    const answer = (await buffer(socket)).toString();
    expect(answer.split("\r\n")[0]).toBe("HTTP/1.1 400 Bad Request");
    expect(answer).toContain('{"message":"the body broke off: it ended in the middle"}');
    expect(faults).toEqual([]);
  });

  describe("with an engine whose side is the test's", () => {
    async function scripted() {
      const [engineSide, ours] = duplexPair();
      const signals: AbortSignal[] = [];
      const engine = scriptedEngine({
        upgrade: async (_request, { signal }) => {
          if (signal !== undefined) {
            signals.push(signal);
            signal.addEventListener("abort", () => ours.destroy());
          }
          return {
            kind: "upgraded",
            status: 101,
            headers: { "content-type": "application/vnd.docker.raw-stream" },
            connection: ours,
          };
        },
      });
      const front = await openFront({ nodes: { "node-a": engine.simulated.open().address }, open: engine.open });
      opened.push(front);
      await front.ask("POST", "/v1.41/containers/create?name=web", { json: { Image: "busybox" } });
      const { socket, response } = await switched(front, "/v1.41/containers/web/attach?stream=1&stdin=1&stdout=1");
      return { front, engine, engineSide, ours, socket, response, signals };
    }

    it("the engine's headers come with the switch", async () => {
      const { response, engine, socket } = await scripted();
      expect(response.headers["content-type"]).toBe("application/vnd.docker.raw-stream");
      expect(engine.asked.at(-1)?.headers["upgrade"]).toBe("tcp");
      socket.destroy();
    });

    it("bytes pass both ways as they are, and each side may end first", async () => {
      const { engineSide, socket } = await scripted();
      socket.end(Buffer.from([0, 1, 255, 13, 10]));
      expect(await buffer(engineSide)).toEqual(Buffer.from([0, 1, 255, 13, 10]));
      engineSide.end(Buffer.from([2, 0, 0, 254]));
      expect(await buffer(socket)).toEqual(Buffer.from([2, 0, 0, 254]));
    });

    it("a client that goes takes the engine's side with it", async () => {
      const { engineSide, ours, socket, signals } = await scripted();
      const closed = once(ours, "close");
      engineSide.on("error", () => undefined);
      engineSide.resume();
      socket.destroy();
      // Until something is written to it, one that has gone looks like one whose input has ended.
      const output = setInterval(() => engineSide.write("output\n"), 5);
      await closed;
      clearInterval(output);
      await Promise.all(signals.map((signal) => signal.aborted || once(signal, "abort")));
    });

    it("an engine that breaks off takes the client's side with it", async () => {
      const { engineSide, socket } = await scripted();
      engineSide.on("error", () => undefined);
      socket.on("error", () => undefined);
      socket.resume();
      const closed = once(socket, "close");
      engineSide.destroy(new Error("reset"));
      await closed;
    });

    it("a client that reads nothing is not sent more than the buffers hold", async () => {
      const { engineSide, socket } = await scripted();
      socket.pause();
      const chunk = Buffer.alloc(64 * 1024);
      let taken = 0;
      while (taken < 64 * 1024 * 1024 && engineSide.write(chunk)) {
        taken += chunk.length;
        await new Promise(setImmediate);
      }
      // What the two sockets, the kernel between them and the pair take.
      expect(taken).toBeLessThan(32 * 1024 * 1024);
      socket.destroy();
    });
  });

  it("an answer in place of a switch is passed on", async () => {
    const engine = scriptedEngine({
      upgrade: async () => ({ kind: "answered", answer: rawAnswer(409, { message: "not running" }) }),
    });
    const front = await openFront({ nodes: { "node-a": engine.simulated.open().address }, open: engine.open });
    opened.push(front);
    await front.ask("POST", "/v1.41/containers/create?name=web", { json: { Image: "busybox" } });
    const outcome = await upgrade(front, "/v1.41/containers/web/attach?stream=1");
    expect(outcome).toEqual({ kind: "answered", status: 409, text: '{"message":"not running"}' });
  });
});

describe("a host that measures", () => {
  it("counts an upgrade by what was answered: switched, refused, not known", async () => {
    const front = await simulated({ Cmd: idle });
    const ended: string[] = [];
    const metrics = {
      begun: () => undefined,
      ended: ({ verb, kind }: Measured, code: number) => void ended.push(`${verb} ${kind} ${code}`),
    };
    const measured = dockerFront(async () => front.api, { metrics, clock: systemClock });
    const server = createServer().on("upgrade", (incoming, socket, head) => void measured.upgrade(incoming, socket, head));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/clusters/default/docker`;
    try {
      await upgrade({ url }, "/v1.41/containers/none/attach?stream=1");
      await upgrade({ url }, "/v1.41/containers/web/attach?stream=1", { token: null });
      const { kind } = await upgrade({ url }, "/v1.41/containers/web/attach?stream=1&stdout=1");
      await expect.poll(() => ended.length).toBe(3);
      expect([kind, ended]).toEqual(["switched", ["connect docker 404", "connect docker 401", "connect docker 101"]]);
    } finally {
      server.close();
    }
  });
});
