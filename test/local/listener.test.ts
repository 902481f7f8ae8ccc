/** One port for TLS and plain HTTP, tried with Node's own clients and with sockets that behave badly. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Certificates, ensureCertificates } from "../../functions/local/certificates.ts";
import { StartError } from "../../functions/local/errors.ts";
import { isLoopback, Listener, type ListenerOptions } from "../../functions/local/listener.ts";
import { refuseUpgrades } from "../../functions/local/upgrade.ts";
import { silentLogger } from "../../shared/base/logger.ts";
import type { ApiResponse, Body, Handle, PushedBody, Sink } from "../../shared/http/exchange.ts";

const host = "127.0.0.1";
const schemes = ["http", "https"] as const;
type Scheme = (typeof schemes)[number];

let folder = "";
let keys: Certificates = { ca: "", cert: "", key: "" };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "windlass-test-"));
  keys = await ensureCertificates({ folder, hosts: [], now: Date.now() });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const known = refuseUpgrades({
  authenticate: async (authorization) =>
    authorization === "Bearer good" ? { name: "someone", role: "viewer", clusterUid: "root" } : undefined,
});

const answer = (body: Body): ApiResponse => ({ status: 200, headers: {}, body });

/** Says who was asked for what. */
const echo: Handle = async ({ method, url, read }) =>
  answer(JSON.stringify({ method, url, body: Buffer.from((await read(10_000_000)) ?? []).toString() }));

type Started = { readonly listener: Listener; readonly port: number; readonly lines: string[] };

async function start(options: Partial<ListenerOptions> = {}): Promise<Started> {
  const lines: string[] = [];
  const logger = { log: (_level: string, message: string) => void lines.push(message) };
  const listener = new Listener({ host, port: 0, keys, handle: echo, upgrade: known, logger, ...options });
  onTestFinished(() => listener.close());
  const { port } = await listener.listen();
  return { listener, port, lines };
}

type Sent = {
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly agent?: http.Agent;
};
type Answer = { readonly status: number; readonly headers: http.IncomingHttpHeaders; readonly text: string };

function request(
  scheme: Scheme,
  port: number,
  { path = "/", method = "GET", body, headers = {}, agent }: Sent = {},
): http.ClientRequest {
  const options = { host, port, path, method, headers, ca: keys.ca, servername: "localhost", ...(agent && { agent }) };
  const sent = scheme === "https" ? https.request(options) : http.request(options);
  sent.end(body);
  return sent;
}

async function send(scheme: Scheme, port: number, sent: Sent = {}): Promise<Answer> {
  const [response] = (await once(request(scheme, port, sent), "response")) as [http.IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, text: await textOf(response) };
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A bare connection of `scheme`, ready to be written to. */
async function open(scheme: Scheme, port: number): Promise<Socket> {
  const socket = scheme === "https" ? tls.connect({ host, port, ca: keys.ca }) : connect({ host, port });
  onTestFinished(() => void socket.destroy());
  await once(socket, scheme === "https" ? "secureConnect" : "connect");
  return socket;
}

/** Resolves when the peer has closed, whether with an end or a reset, with what it said before. */
async function untilClosed(socket: Duplex): Promise<string> {
  if (socket.closed) return "";
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", () => undefined);
  await once(socket, "close");
  return Buffer.concat(chunks).toString();
}

describe.each(schemes)("over %s", (scheme) => {
  test("a request reaches the interface with its method, path, query and body", async () => {
    const { port } = await start();
    const body = "x".repeat(1_000_000);
    const { status, text } = await send(scheme, port, { path: "/a/b?c=d", method: "POST", body });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ method: "POST", url: "/a/b?c=d", body });
  });

  test("one connection carries many requests", async () => {
    const { port } = await start();
    const agent = new (scheme === "https" ? https : http).Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const sockets = new Set<Socket>();
    for (let count = 0; count < 20; count++) {
      const sent = request(scheme, port, { agent });
      const [response] = (await once(sent, "response")) as [http.IncomingMessage];
      sockets.add(response.socket);
      expect(await textOf(response)).toContain('"url":"/"');
    }
    expect(sockets.size).toBe(1);
  });

  test("requests that are sent before the answers come are answered in order", async () => {
    const { port } = await start();
    const socket = await open(scheme, port);
    const paths = Array.from({ length: 10 }, (_, place) => `/p${place}`);
    socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(""));
    socket.write("GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const said = await untilClosed(socket);
    expect([...said.matchAll(/"url":"([^"]+)"/g)].map(([, path]) => path)).toEqual([...paths, "/last"]);
  });

  test("a request that arrives byte by byte is understood", async () => {
    const { port } = await start();
    const socket = await open(scheme, port);
    socket.setNoDelay(true);
    for (const byte of "GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") {
      await new Promise<void>((written) => socket.write(byte, () => written()));
    }
    expect(await untilClosed(socket)).toContain('"url":"/slow"');
  });

  test("an answer may go on after the request's time-outs, and ends for the app when the client goes", async () => {
    const gone = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<Sink>();
    const pushed = { begin: begun.resolve, drained: () => undefined, left: gone.resolve };
    const { port } = await start({
      handle: async () => answer(pushed),
      limits: { headersMs: 40, requestMs: 60, checkMs: 10 },
    });
    const sent = request(scheme, port);
    const sink = await begun.promise;
    sink.write(Buffer.from("one"));
    const [response] = (await once(sent, "response")) as [http.IncomingMessage];
    expect(String(await once(response, "data"))).toBe("one");
    // Another connection that does time out shows that the time has passed.
    const slow = await open("http", port);
    slow.write("GET / HT");
    await untilClosed(slow);
    sink.write(Buffer.from("two"));
    expect(String(await once(response, "data"))).toBe("two");
    sent.on("error", () => undefined).destroy();
    await gone.promise;
  });

  test("a client that takes nothing of its answer is cut off in time", async () => {
    const gone = Promise.withResolvers<void>();
    const chunk = Buffer.alloc(64 * 1024);
    const endless = (): PushedBody => {
      let fill = (): void => undefined;
      const begin = (sink: Sink): void => {
        fill = () => {
          while (sink.write(chunk));
        };
        fill();
      };
      return { begin, drained: () => fill(), left: gone.resolve };
    };
    const { port } = await start({ handle: async () => answer(endless()), limits: { stallMs: 40, checkMs: 10 } });
    const stuck = await open(scheme, port);
    stuck.pause();
    stuck.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await gone.promise;
  });

  test("headers that don't end are answered 408, or closed, in time", async () => {
    const { port } = await start({ limits: { headersMs: 40, requestMs: 60, checkMs: 10 } });
    const socket = await open(scheme, port);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
    expect(await untilClosed(socket)).toContain("408 Request Timeout");
  });

  test.each([
    ["its client goes", (socket: Socket) => void socket.destroy()],
    ["its client ends too early", (socket: Socket) => void socket.end()],
    ["its time is over", () => undefined],
  ])("a body that breaks off is told to who reads it: %s", async (_how, leave) => {
    const [begun, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const handle: Handle = async ({ read }) => {
      begun.resolve();
      await read(100).catch(() => told.resolve());
      return answer(null);
    };
    const { port } = await start({ handle, limits: { headersMs: 40, requestMs: 60, checkMs: 10 } });
    const socket = await open(scheme, port);
    socket.on("error", () => undefined);
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    await begun.promise;
    leave(socket);
    await told.promise;
  });

  test("a body that does not end is answered 408, or closed, in time", async () => {
    const { port } = await start({ limits: { headersMs: 40, requestMs: 60, checkMs: 10 } });
    const socket = await open(scheme, port);
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    expect(await untilClosed(socket)).toMatch(/^$|408/);
  });

  test("an interface that fails is a 500 Status that says nothing of why, and is logged", async () => {
    const { port, lines } = await start({ handle: () => Promise.reject(new Error("secret")) });
    const answer = await send(scheme, port);
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([500, { kind: "Status", status: "Failure", code: 500 }]);
    expect(answer.text).not.toContain("secret");
    expect(lines).toEqual(["a request failed"]);
  });

  test("a request line that names no path is a 400 Status; a whole URL names one", async () => {
    const { port } = await start();
    expect(await send(scheme, port, { path: "*", method: "OPTIONS" })).toMatchObject({ status: 400 });
    expect((await send(scheme, port, { path: "http://elsewhere:1/a%2Fb?c" })).text).toContain('"url":"/a%2Fb?c"');
  });

  test("an upgrade goes to the hook, with what came behind its headers; it may answer after the client's end", async () => {
    const { port } = await start({
      upgrade: async (_request, socket, head) => {
        socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        socket.unshift(head);
        const sent = await textOf(socket);
        // As docker does when its input is a pipe: the output comes after the end of the input.
        setImmediate(() => socket.end(`got ${sent}`));
      },
    });
    const socket = await open(scheme, port);
    socket.allowHalfOpen = true;
    socket.write("POST /attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly, ");
    await once(socket, "data");
    socket.end("late");
    expect(await untilClosed(socket)).toBe("got early, late");
  });

  test.each([
    [undefined, 401],
    ["Bearer bad", 401],
    ["Bearer good", 501],
  ])("an upgrade that nobody serves, with %j: %i and a Status", async (authorization, status) => {
    const { port } = await start();
    const headers = { connection: "Upgrade", upgrade: "tcp", ...(authorization && { authorization }) };
    const answer = await send(scheme, port, { headers });
    expect(answer.status).toBe(status);
    expect(answer.headers["www-authenticate"] !== undefined).toBe(status === 401);
    expect(JSON.parse(answer.text)).toMatchObject({ kind: "Status", status: "Failure", code: status });
  });

  test("a hook that fails, at once or later, ends its connection and is logged", async () => {
    const failures = [
      () => {
        throw new Error("at once");
      },
      () => Promise.reject(new Error("later")),
    ];
    for (const upgrade of failures) {
      const { port, lines } = await start({ upgrade });
      const socket = await open(scheme, port);
      socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
      expect(await untilClosed(socket)).toBe("");
      expect(lines).toEqual(["an upgraded connection failed"]);
    }
  });

  test("an upgrade by a whole URL is one of its path; by none it is refused", async () => {
    const seen: (string | undefined)[] = [];
    const { port } = await start({
      upgrade: ({ url }, socket) => {
        seen.push(url);
        socket.end("HTTP/1.1 204 No Content\r\n\r\n");
      },
    });
    const answerTo = async (target: string): Promise<string> => {
      const socket = await open(scheme, port);
      socket.write(`POST ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`);
      const said = untilClosed(socket);
      socket.end();
      return (await said).slice(0, 12);
    };
    expect(await answerTo("http://x/clusters/a/docker?b=c")).toBe("HTTP/1.1 204");
    expect(await answerTo("ftp://x/clusters/a/docker")).toBe("HTTP/1.1 400");
    expect(seen).toEqual(["/clusters/a/docker?b=c"]);
  });

  test("a client that resets an upgraded connection harms nobody", async () => {
    const closed = Promise.withResolvers<void>();
    const { port } = await start({
      upgrade: (_request, socket) => {
        socket.write("HTTP/1.1 101 UPGRADED\r\n\r\n");
        socket.on("close", () => closed.resolve()).resume();
      },
    });
    const socket = connect({ host, port }).on("error", () => undefined);
    const secure = scheme === "https" ? tls.connect({ socket, ca: keys.ca, host }).on("error", () => undefined) : socket;
    secure.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    await once(secure, "data");
    socket.resetAndDestroy();
    await closed.promise;
    expect((await send(scheme, port)).status).toBe(200);
  });

  test("an offer of HTTP/2 over an upgrade is no upgrade: the request is served", async () => {
    const { port } = await start();
    const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABkAAQAoAAAAAIAAAAA" };
    expect((await send(scheme, port, { headers, path: "/served" })).text).toContain('"/served"');
    expect((await send(scheme, port, { headers: { connection: "Upgrade", upgrade: "h2c" } })).status).toBe(401);
  });

  test("close: an idle connection ends at once, a request under way gets its answer", async () => {
    const arrived = Promise.withResolvers<void>();
    const last = Promise.withResolvers<ApiResponse>();
    const { listener, port } = await start({
      handle: async ({ url }) => {
        if (url !== "/wait") return answer("ok");
        arrived.resolve();
        return last.promise;
      },
    });
    const idle = await open(scheme, port);
    idle.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(idle, "data");
    const agent = new (scheme === "https" ? https : http).Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const waiting = send(scheme, port, { path: "/wait", agent });
    await arrived.promise;
    const closing = listener.close();
    await untilClosed(idle);
    last.resolve(answer("at last"));
    expect((await waiting).text).toBe("at last");
    await closing;
  });

  test("close: what does not end by itself is ended after closeMs, streams and upgraded connections, too", async () => {
    const upgraded = Promise.withResolvers<void>();
    const { listener, port } = await start({
      handle: async () => answer(new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from("one")) })),
      upgrade: () => upgraded.resolve(),
      limits: { closeMs: 50 },
    });
    const streaming = await open(scheme, port);
    streaming.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(streaming, "data");
    const attached = await open(scheme, port);
    attached.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    await upgraded.promise;
    await Promise.all([listener.close(), untilClosed(streaming), untilClosed(attached)]);
  });
});

describe("the port", () => {
  test("300 clients of both kinds at once are all answered", async () => {
    const { port } = await start();
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, place) => send(place % 2 === 0 ? "http" : "https", port, { path: `/${place}` })),
    );
    expect(answers.map(({ text }) => JSON.parse(text).url)).toEqual(answers.map((_, place) => `/${place}`));
  });

  test("http/1.1 is agreed on with a client that would like HTTP/2; one that insists is refused", async () => {
    const { port } = await start();
    const both = tls.connect({ host, port, ca: keys.ca, ALPNProtocols: ["h2", "http/1.1"] });
    await once(both, "secureConnect");
    expect(both.alpnProtocol).toBe("http/1.1");
    both.destroy();
    const insisting = tls.connect({ host, port, ca: keys.ca, ALPNProtocols: ["h2"] });
    await expect(once(insisting, "secureConnect")).rejects.toThrow(/alert/);
  });

  test("TLS 1.1 is refused", async () => {
    const { port } = await start();
    const old = tls.connect({
      host,
      port,
      ca: keys.ca,
      maxVersion: "TLSv1.1",
      minVersion: "TLSv1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    await expect(once(old, "secureConnect")).rejects.toThrow();
  });

  test.each(["\0\0\0\0", "\x15\x03\x01\x00\x02", "\x80\x2e\x01", "\xff\xfe", "SSH-2.0-x\r\n", "\r\n\r\n\r\nx"])(
    "%j is answered 400 and closed, and others are served on",
    async (garbage) => {
      const { port } = await start();
      const socket = await open("http", port);
      socket.write(Buffer.from(garbage, "latin1"));
      expect(await untilClosed(socket)).toContain("400 Bad Request");
      expect((await send("https", port)).status).toBe(200);
    },
  );

  test("a TLS handshake that turns out to be none is closed", async () => {
    const { port } = await start();
    const socket = await open("http", port);
    socket.write(Buffer.from("\x16GET / HTTP/1.1\r\nHost: x\r\n\r\n", "latin1"));
    await untilClosed(socket);
    expect((await send("http", port)).status).toBe(200);
  });

  test("a client that says nothing is closed in time, and so is one that stops in its handshake", async () => {
    const { port } = await start({ limits: { silentMs: 30, handshakeMs: 30 } });
    const silent = await open("http", port);
    const stopped = await open("http", port);
    stopped.write(Buffer.of(0x16, 3, 1));
    expect(await Promise.all([untilClosed(silent), untilClosed(stopped)])).toEqual(["", ""]);
  });

  test("a client that goes without a word, or resets, harms nobody", async () => {
    const { port } = await start();
    await untilClosed((await open("http", port)).end());
    await untilClosed((await open("http", port)).end(Buffer.of(0x16, 3, 1)));
    await untilClosed((await open("https", port)).end());
    (await open("http", port)).resetAndDestroy();
    const half = await open("http", port);
    half.write(Buffer.of(0x16));
    half.resetAndDestroy();
    expect((await send("https", port)).status).toBe(200);
  });

  test("silentMax silent clients may wait; one more, and the oldest goes", async () => {
    const { port } = await start({ limits: { silentMax: 3 } });
    const oldest = await open("http", port);
    const others = [await open("http", port), await open("http", port)];
    expect((await send("http", port)).status).toBe(200);
    await untilClosed(oldest);
    for (const socket of others) {
      socket.write("GET /kept HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      expect(await untilClosed(socket)).toContain("/kept");
    }
  });

  test("connectionsMax connections may be open; one more is closed, and it is logged once", async () => {
    const { port, lines } = await start({ limits: { connectionsMax: 2 } });
    const sockets = [await open("https", port), await open("https", port)];
    for (let more = 0; more < 3; more++) await untilClosed(await open("http", port));
    expect(lines).toEqual(["there are too many connections"]);
    for (const socket of sockets) await once(socket.end(), "close");
    await expect.poll(() => send("http", port).then(({ status }) => status, String)).toBe(200);
  });

  test("plain HTTP from another machine is answered 400 with the way to go; TLS is served", async () => {
    const { port } = await start({ acceptsPlain: () => false });
    const answer = await send("http", port, { method: "POST", body: "x".repeat(100_000) });
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      400,
      { kind: "Status", message: expect.stringContaining("use https") },
    ]);
    expect((await send("https", port)).status).toBe(200);
  });

  test.each([
    ["127.0.0.1", true],
    ["127.255.0.9", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["::FFFF:127.1.2.3", true],
    ["::ffff:10.0.0.1", false],
    ["128.0.0.1", false],
    ["10.127.0.1", false],
    ["127.example.com", false],
    ["::", false],
    ["0.0.0.0", false],
    ["fe80::1", false],
    ["", false],
  ])("isLoopback(%j) is %j", (address, wanted) => expect(isLoopback(address)).toBe(wanted));

  test("a port that is taken is refused by host, port and flag", async () => {
    const { port } = await start();
    const second = new Listener({ host, port, keys, handle: echo, upgrade: known, logger: silentLogger });
    const refusal = second.listen();
    await expect(refusal).rejects.toBeInstanceOf(StartError);
    await expect(refusal).rejects.toThrow(`127.0.0.1:${port} is taken by another program; choose another port with --port`);
    await second.close();
  });

  test("an address that is not this machine's is refused by the flag", async () => {
    const elsewhere = new Listener({ host: "203.0.113.7", port: 0, keys, handle: echo, upgrade: known, logger: silentLogger });
    await expect(elsewhere.listen()).rejects.toThrow("203.0.113.7 is not an address of this machine; choose another with --host");
  });

  test("useKeys: new connections see the new certificate, open ones go on", async () => {
    const { listener, port } = await start();
    const before = tls.connect({ host, port, ca: keys.ca });
    await once(before, "secureConnect");
    const other = await ensureCertificates({ folder, hosts: ["renewed.example.com"], now: Date.now() });
    listener.useKeys(other);
    const after = tls.connect({ host, port, ca: keys.ca });
    await once(after, "secureConnect");
    expect(after.getPeerCertificate().subjectaltname).toContain("renewed.example.com");
    after.destroy();
    before.write("GET /still HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(await untilClosed(before)).toContain("/still");
  });

  test("close: may be called again and before listen; the port is free then", async () => {
    const { listener, port } = await start();
    await Promise.all([listener.close(), listener.close()]);
    await listener.close();
    await start({ port });
    const never = new Listener({ host, port: 0, keys, handle: echo, upgrade: known, logger: silentLogger });
    await never.close();
  });
});
