/** Node's HTTP messages as the interface's requests and answers, with nothing in between: what every request pays for is here. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline, Readable } from "node:stream";
import { type ApiRequest, type ApiResponse, isPushed, type PushedBody, type Sink } from "../../shared/http/exchange.ts";

/** undefined: the request line names no path. */
export function requestOf(incoming: IncomingMessage): ApiRequest | undefined {
  const { method = "GET", headers } = incoming;
  const url = pathAndQuery(incoming.url ?? "");
  if (url === undefined) return undefined;
  return {
    method,
    url,
    header: (name) => {
      const value = headers[name];
      return typeof value === "string" ? value : value?.join(", ");
    },
    read: (bytesMax) => read(incoming, bytesMax),
  };
}

/** RFC 9112 section 3.2: proxies' clients send the whole URL. undefined: it is none. */
export function pathAndQuery(target: string): string | undefined {
  if (target.startsWith("/")) return target;
  const url = URL.parse(target);
  return url?.protocol === "http:" || url?.protocol === "https:" ? url.pathname + url.search : undefined;
}

function read(incoming: IncomingMessage, bytesMax: number): Promise<Uint8Array | undefined> {
  if (Number(incoming.headers["content-length"] ?? 0) > bytesMax) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      // What comes after is read and thrown away, so that the refusal can be read.
      if (bytes > bytesMax) resolve(undefined);
      else chunks.push(chunk);
    });
    incoming.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    // Also where the client goes before the end.
    incoming.on("error", reject);
  });
}

/** Sends `answer`. `failed` hears of a body that could not be made to its end; the connection is cut then, so that the client sees it. */
export function send({ status, headers, body }: ApiResponse, response: ServerResponse, failed: (error: unknown) => void): void {
  if (isPushed(body)) {
    response.writeHead(status, headers);
    response.flushHeaders();
    push(body, response);
    return;
  }
  if (body instanceof ReadableStream) {
    response.writeHead(status, headers);
    pipeline(Readable.fromWeb(body), response, (error) => {
      if (error && error.code !== "ERR_STREAM_PREMATURE_CLOSE") failed(error);
    });
    return;
  }
  if (body === null) {
    response.writeHead(status, headers).end();
    return;
  }
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  response.writeHead(status, { ...headers, "content-length": length }).end(body);
}

function push(body: PushedBody, response: ServerResponse): void {
  if (response.destroyed) body.left();
  else body.begin(new ResponseSink(body, response));
}

/** One for each open watch: what it holds, thousands hold. */
class ResponseSink implements Sink {
  readonly #body: PushedBody;
  readonly #response: ServerResponse;
  #isOver = false;

  constructor(body: PushedBody, response: ServerResponse) {
    this.#body = body;
    this.#response = response;
    const { socket } = response;
    const drained = (): void => this.#drained();
    response.on("drain", drained);
    socket?.on("drain", drained);
    response.on("close", () => {
      socket?.off("drain", drained);
      this.#closed();
    });
  }

  /** Past the response object where that is possible: it would frame the same bytes anew for each of a thousand watchers. */
  write(bytes: Uint8Array): boolean {
    const response = this.#response;
    const { socket } = response;
    return socket !== null && response.chunkedEncoding && response.writableLength === socket.writableLength
      ? socket.write(chunkOf(bytes))
      : response.write(bytes);
  }

  end(): void {
    this.#isOver = true;
    this.#response.end();
  }

  #drained(): void {
    if (!this.#isOver) this.#body.drained();
  }

  #closed(): void {
    if (!this.#isOver) this.#body.left();
    this.#isOver = true;
  }
}

/** RFC 9112 section 7.1. */
function chunkOf(bytes: Uint8Array): Buffer {
  let chunk = chunks.get(bytes);
  if (chunk === undefined) {
    chunk = Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, lineEnd]);
    chunks.set(bytes, chunk);
  }
  return chunk;
}

const lineEnd = Buffer.from("\r\n");
/** As long as the bytes live. */
const chunks = new WeakMap<Uint8Array, Buffer>();
