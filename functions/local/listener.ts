/**
 * One TCP port for TLS and, from this machine only, plain HTTP: the first byte tells them apart (first-byte.ts). kubectl sends
 * no token over plain HTTP; curl and docker are simpler with it. Behind both stands one HTTP/1.1 server, which hands requests
 * to the interface and upgraded connections to a hook. Every wait on a client has a time-out, and connections have a bound.
 */
import { once } from "node:events";
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, createServer, isIP, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import type { Logger } from "../../shared/base/logger.ts";
import type { ApiResponse, Handle } from "../../shared/http/exchange.ts";
import type { StreamedFront } from "./docker-front.ts";
import { StartError } from "./errors.ts";
import { FirstByte } from "./first-byte.ts";
import { pathAndQuery, requestOf, send } from "./node-exchange.ts";
import { Stalls } from "./stalls.ts";
import { type Refusal, refusalResponse, refuseConnection } from "./status.ts";
import type { UpgradeHook } from "./upgrade.ts";

/** RFC 8446 section 5.1: the content type of a handshake record. No HTTP method begins with it. */
const tlsHandshake = 0x16;

/** Times in milliseconds. Tests take shorter ones. */
const listenerLimits = {
  /** Open connections; one more is closed at once. A watch holds one: 10,000 of them, and room for others. Over TLS each costs some 70 KB. */
  connectionsMax: 12_000,
  /** Connections that have not sent a byte yet, of the above. */
  silentMax: 256,
  silentMs: 10_000,
  handshakeMs: 10_000,
  /** From a request's first byte (or the connection's start) to the end of its headers. */
  headersMs: 20_000,
  /**
   * To the end of its body; an answer may take as long as it likes, so watches are not cut. The longest honest body is an image
   * that docker loads: 4.5 GB at 5 MB/s. Without a limit a client that sends a byte a minute would hold its connection for
   * ever.
   */
  requestMs: 15 * 60_000,
  /**
   * Longer than load balancers keep idle connections (AWS's 60 s, nginx's 60 to 75), so that they close first and lose no
   * request.
   */
  keepAliveMs: 80_000,
  /** A client that takes nothing of what waits for it so long is cut off: what it asked for is held in memory meanwhile. */
  stallMs: 60_000,
  /** How often headersMs, requestMs and stallMs are looked at: so much later they may fall. */
  checkMs: 5_000,
  /** What is under way when the listener closes may end by itself for so long. */
  closeMs: 5_000,
  /** A peer that vanished without a word (a watch's, too) is noticed after this silence and nine probes. */
  probeAfterMs: 30_000,
} as const;
export type ListenerLimits = { readonly [Name in keyof typeof listenerLimits]: number };

export type ServerKeys = { readonly cert: string; readonly key: string };

export type ListenerOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM. */
  readonly keys: ServerKeys;
  readonly handle: Handle;
  /** Answers its requests in place of `handle`, at their clients' pace. */
  readonly streamed?: StreamedFront | undefined;
  readonly upgrade: UpgradeHook;
  readonly logger: Logger;
  readonly limits?: Partial<ListenerLimits>;
  /** Who may speak plain HTTP, by the peer's address; isLoopback unless given. */
  readonly acceptsPlain?: (address: string) => boolean;
};

export class Listener {
  readonly #options: ListenerOptions;
  readonly #limits: ListenerLimits;
  readonly #server: Server;
  readonly #tls: TlsServer;
  readonly #http: HttpServer;
  readonly #firstByte: FirstByte;
  readonly #sockets = new Set<Socket>();
  readonly #stalls: Stalls;
  #isFull = false;
  #closed: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#limits = { ...listenerLimits, ...options.limits };
    this.#firstByte = new FirstByte({ timeoutMs: this.#limits.silentMs, waitingMax: this.#limits.silentMax });
    this.#stalls = new Stalls(this.#limits);
    this.#http = this.#createHttp();
    this.#tls = this.#createTls();
    this.#server = this.#createTcp();
  }

  /**
   * Begins to listen.
   * @throws StartError when host and port can't be had; the message says which, and the flag that changes it.
   */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    this.#server.listen({ host, port });
    try {
      await once(this.#server, "listening");
    } catch (cause) {
      throw listenError(host, port, cause);
    }
    this.#server.on("error", (error) => this.#log("error", "a connection can't be accepted", error));
    // The HTTP server never listens itself; without this event it would not look at its time-outs.
    this.#http.emit("listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has an address and a port");
    return address;
  }

  /** Serves new connections with these keys; those that are open stay as they are. */
  useKeys({ cert, key }: ServerKeys): void {
    this.#tls.setSecureContext({ cert, key, minVersion: "TLSv1.2" });
  }

  /** Takes no more connections, lets requests under way end for closeMs, then ends them all. May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#http.close();
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#firstByte.close();
    this.#stalls.close();
    const closeIdle = (): void => this.#http.closeIdleConnections();
    closeIdle();
    // A connection whose request ends while we close becomes idle then.
    const idleTimer = setInterval(closeIdle, 50);
    const endTimer = setTimeout(() => this.#destroyAll(), this.#limits.closeMs);
    await closed;
    clearInterval(idleTimer);
    clearTimeout(endTimer);
  }

  #destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #createTcp(): Server {
    const { connectionsMax, probeAfterMs } = this.#limits;
    // Half-open: docker ends its side of an upgraded connection when its input ends, and the output is yet to come.
    const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: probeAfterMs };
    const server = createServer(options, (socket) => this.#accept(socket));
    server.maxConnections = connectionsMax;
    return server.on("drop", () => this.#drop());
  }

  #createTls(): TlsServer {
    const { keys } = this.#options;
    const handshakeTimeout = this.#limits.handshakeMs;
    const tls = createTlsServer({ ...keys, handshakeTimeout, minVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] }, (socket) => {
      socket.allowHalfOpen = true;
      this.#http.emit("connection", socket);
    });
    // A client that does not trust us, or is no TLS client: its own log says why.
    return tls.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  #createHttp(): HttpServer {
    const { headersMs, requestMs, keepAliveMs, checkMs } = this.#limits;
    const options = {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: checkMs,
      shouldUpgradeCallback: (request: IncomingMessage) => !offersHttp2(request),
    };
    const http = createHttpServer(options, (request, response) => void this.#answer(request, response));
    http.on("connection", (socket: Socket) => this.#stalls.watch(socket));
    return http.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
  }

  #accept(socket: Socket): void {
    this.#isFull = false;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    // Resets by the peer: `close` follows, and whoever serves the socket hears that.
    socket.on("error", ignore);
    this.#firstByte.wait(socket, (byte) => this.#serve(socket, byte));
  }

  #serve(socket: Socket, byte: number): void {
    if (byte === tlsHandshake) {
      // A client that goes in the middle of a handshake has no answer to wait for.
      socket.allowHalfOpen = false;
      this.#tls.emit("connection", socket);
      return;
    }
    const { acceptsPlain = isLoopback } = this.#options;
    if (acceptsPlain(socket.remoteAddress ?? "")) {
      this.#http.emit("connection", socket);
      return;
    }
    refuseConnection(socket, {
      code: 400,
      reason: "BadRequest",
      message: "this port takes plain HTTP from its own machine only; use https",
    });
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Whoever takes it over knows how long its reader may pause.
    this.#stalls.forget(socket);
    // The HTTP server has taken its listeners away: without one, a reset would end the process.
    socket.on("error", ignore);
    const url = pathAndQuery(request.url ?? "");
    if (url === undefined) return refuseConnection(socket, unclearUrl);
    request.url = url;
    try {
      await this.#options.upgrade(request, socket, head);
    } catch (error) {
      this.#log("error", "an upgraded connection failed", error);
      socket.destroy();
    }
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { streamed } = this.#options;
    const url = pathAndQuery(incoming.url ?? "");
    if (streamed !== undefined && url !== undefined && streamed.takes(url)) {
      incoming.url = url;
      return this.#answerStreamed(streamed, incoming, response);
    }
    const request = requestOf(incoming);
    const answer =
      request === undefined
        ? refusalResponse(unclearUrl)
        : await this.#options.handle(request).catch((error) => this.#failed(error));
    send(answer, response, (error) => this.#log("error", "an answer could not be made to its end", error));
  }

  /** docker's reader may pause (`logs -f`, `events`): what waits for it stays with the engine. */
  async #answerStreamed(streamed: StreamedFront, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = incoming;
    this.#stalls.forget(socket);
    response.once("close", () => this.#stalls.resume(socket));
    try {
      await streamed.answer(incoming, response);
    } catch (error) {
      const answer = this.#failed(error);
      if (response.headersSent) response.destroy();
      else send(answer, response, () => undefined);
    }
  }

  #failed(error: unknown): ApiResponse {
    this.#log("error", "a request failed", error);
    return refusalResponse({ code: 500, reason: "InternalError", message: "internal error" });
  }

  #drop(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#options.logger.log("warn", "there are too many connections", { connectionsMax: this.#limits.connectionsMax });
  }

  #log(level: "error", message: string, error: unknown): void {
    this.#options.logger.log(level, message, { error });
  }
}

const unclearUrl: Refusal = { code: 400, reason: "BadRequest", message: "the URL is not valid" };

/** Whether `address` is one that only this machine has: 127.0.0.0/8 and ::1, also as IPv4 in IPv6. */
export function isLoopback(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
  return plain === "::1" || (isIP(plain) === 4 && plain.startsWith("127."));
}

/**
 * RFC 7540 section 3.2: an offer to go on in HTTP/2, which Java's client and curl make with every request. It may be ignored,
 * and the request is served. Docker's build sessions ask for h2c without settings: that is an upgrade.
 */
function offersHttp2({ headers }: IncomingMessage): boolean {
  return headers["http2-settings"] !== undefined && headers.upgrade?.toLowerCase() === "h2c";
}

function listenError(host: string, port: number, cause: unknown): StartError {
  const at = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return new StartError(`${at} is taken by another program; choose another port with --port`, { cause });
    case "EACCES":
      return new StartError(`${at} may not be listened on by this user; choose another port with --port`, { cause });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new StartError(`${host} is not an address of this machine; choose another with --host`, { cause });
    default:
      return new StartError(`${at} can't be listened on (${String(code)}); choose others with --host and --port`, { cause });
  }
}

const ignore = (): void => undefined;
