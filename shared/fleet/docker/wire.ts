/**
 * HTTP to one engine, on node:http: what both dockerode's calls (modem.ts) and raw ones (raw.ts) go through, so that all have the
 * same agent, TLS, time-outs and errors. Material is asked for at each request: a rotated secret holds from the next one on.
 */
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { type Duplex, pipeline, Readable } from "node:stream";
import type { Clock } from "../../base/clock.ts";
import type { ByteSource, StreamCall } from "../engine/call.ts";
import { inTime } from "../engine/in-time.ts";
import type { TlsMaterial } from "../engine/tls.ts";
import { Watchdog } from "../engine/watchdog.ts";
import { EngineAnswerError, EngineTimeoutError, EngineUnreachableError } from "../engine-errors.ts";
import { agentOf, type Endpoint, endpointOf, retire } from "./endpoint.ts";

export type WireOptions = {
  readonly address: string;
  readonly clock: Clock;
  /** Asked at each request, so it should answer from memory mostly. Absent: no TLS unless the address says https. */
  readonly tls?: () => Promise<TlsMaterial>;
  /** Milliseconds until there is its material, and then a connection. Default: 10 s. */
  readonly connectMs?: number;
  /** Milliseconds until there is an answer, where the call says nothing. Default: 60 s. */
  readonly timeoutMs?: number;
  /** Finds the addresses of names, and may refuse them. Default: the system's. */
  readonly lookup?: LookupFunction;
};

export type WireRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array | ByteSource;
  /** The protocol to switch to. */
  readonly upgrade?: string;
};

export type WireAnswer = {
  readonly response: IncomingMessage;
  /** Given: the engine switched. */
  readonly connection?: Duplex;
  /** Milliseconds that were given for the answer: those that read it whole hold to them, too. */
  readonly timeoutMs: number;
};

type Connection = { readonly endpoint: Endpoint; readonly agent: ReturnType<typeof agentOf>; readonly tls: string };

export class Wire {
  readonly address: string;
  readonly clock: Clock;
  readonly #tls: (() => Promise<TlsMaterial>) | undefined;
  readonly #connectMs: number;
  readonly #lookup: LookupFunction | undefined;
  /** Of calls that say nothing. */
  readonly timeoutMs: number;
  #connection: Connection | undefined;

  constructor({ address, clock, tls, connectMs = 10_000, timeoutMs = 60_000, lookup }: WireOptions) {
    this.address = address;
    this.clock = clock;
    this.#tls = tls;
    this.#connectMs = connectMs;
    this.#lookup = lookup;
    this.timeoutMs = timeoutMs;
    endpointOf(address, undefined);
  }

  /** Ends idle connections; those in use end with their calls. */
  close(): void {
    if (this.#connection !== undefined) retire(this.#connection.agent);
  }

  /** Resolves when the answer's head is there. @throws EngineUnreachableError, EngineTimeoutError, EngineAnswerError; the signal's reason. */
  async send(sent: WireRequest, call: StreamCall = {}): Promise<WireAnswer> {
    const { signal, timeoutMs = this.timeoutMs } = call;
    signal?.throwIfAborted();
    const startedMs = this.clock.monotonic();
    const { endpoint, agent } = await this.#connect(Math.min(this.#connectMs, timeoutMs), signal);
    // It may have aborted since the material is there, and tells nobody again.
    signal?.throwIfAborted();
    const { isTls, pathPrefix, ...place } = endpoint;
    const request = (isTls ? httpsRequest : httpRequest)({
      ...place,
      agent,
      method: sent.method,
      path: pathPrefix + sent.path,
      headers: headersOf(sent),
    });
    const what = `${sent.method} ${sent.path.split("?", 1)[0]}`;
    const leave = () => request.destroy(errorOf(signal?.reason));
    signal?.addEventListener("abort", leave, { once: true });
    request.once("close", () => signal?.removeEventListener("abort", leave));
    const late = () => request.destroy(new EngineTimeoutError(this.address, what, timeoutMs));
    // The wait for the material counts: who asks has set a deadline by the call's time.
    using watchdog = new Watchdog(this.clock, timeoutMs, late, startedMs);
    const progress = this.#watchConnecting(request, isTls);
    const answer = new Promise<WireAnswer>((resolve, reject) => {
      request.once("response", (response) => resolve({ response, timeoutMs }));
      request.once("upgrade", (response, connection, head) => {
        if (sent.upgrade === undefined) {
          connection.destroy();
          reject(new EngineAnswerError(this.address, what, "it is a connection that nobody asked for"));
          return;
        }
        if (head.length > 0) connection.unshift(head);
        connection.on("error", () => undefined); // its user sees it end; a cut connection must not fail the process
        holdTo(signal, connection);
        resolve({ response, connection, timeoutMs });
      });
      request.on("error", (error) => reject(this.#translate(error, signal, progress.isConnected)));
    });
    sendBody(request, sent.body, watchdog);
    return await answer;
  }

  /** @throws EngineUnreachableError when its certificate can't be had in `ms`, or is none: there is no way to it then; the signal's reason. */
  async #connect(ms: number, signal: AbortSignal | undefined): Promise<Connection> {
    if (this.#tls === undefined) return this.#connectionWith(undefined);
    const late = () => new Error(`its certificate could not be had in ${ms} ms`);
    try {
      return this.#connectionWith(await inTime(this.#tls(), { clock: this.clock, ms, signal, late }));
    } catch (cause) {
      signal?.throwIfAborted();
      throw new EngineUnreachableError(this.address, { cause, mayHaveHappened: false });
    }
  }

  #connectionWith(material: TlsMaterial | undefined): Connection {
    const tls = JSON.stringify(material ?? null);
    if (this.#connection?.tls === tls) return this.#connection;
    const endpoint = endpointOf(this.address, material);
    const connection: Connection = { endpoint, agent: agentOf(endpoint, material, this.#lookup), tls };
    this.close();
    this.#connection = connection;
    return connection;
  }

  #watchConnecting(request: ClientRequest, isTls: boolean): { isConnected: boolean } {
    const progress = { isConnected: false };
    const what = "connecting";
    const connecting = new Watchdog(this.clock, this.#connectMs, () =>
      request.destroy(new EngineTimeoutError(this.address, what, this.#connectMs)),
    );
    const connected = () => {
      progress.isConnected = true;
      connecting.stop();
    };
    request.once("socket", (socket) => {
      if (socket.connecting) socket.once(isTls ? "secureConnect" : "connect", connected);
      else connected();
    });
    request.once("close", () => connecting.stop());
    return progress;
  }

  #translate(error: Error, signal: AbortSignal | undefined, mayHaveHappened: boolean): unknown {
    if (signal?.aborted === true) return signal.reason;
    if (error instanceof EngineTimeoutError) return error;
    return new EngineUnreachableError(this.address, { cause: error, mayHaveHappened });
  }
}

function headersOf({ headers, body, upgrade }: WireRequest): OutgoingHttpHeaders {
  const isWhole = typeof body === "string" || body instanceof Uint8Array;
  return {
    ...headers,
    ...(isWhole && { "content-length": Buffer.byteLength(body) }),
    ...(upgrade !== undefined && { connection: "Upgrade", upgrade }),
  };
}

/** A body that streams keeps the watchdog quiet while the engine takes it. */
function sendBody(request: ClientRequest, body: WireRequest["body"], watchdog: Watchdog): void {
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
    request.end(body);
    return;
  }
  const source = Readable.from(touching(body, watchdog), { objectMode: false });
  // An engine that has refused may stop reading: its answer tells, and the source is left.
  request.once("response", (response) => response.once("close", () => source.destroy()));
  pipeline(source, request, (error) => error && request.destroy(error));
}

async function* touching(body: ByteSource, watchdog: Watchdog): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    yield chunk;
    watchdog.touch();
  }
}

/** A connection ends with its caller's signal. */
export function holdTo(signal: AbortSignal | undefined, stream: Duplex | Readable): void {
  if (signal === undefined) return;
  const leave = () => stream.destroy(errorOf(signal.reason));
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  stream.once("close", () => signal.removeEventListener("abort", leave));
}

/** Streams end with errors only; a signal's reason may be anything. */
const errorOf = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
