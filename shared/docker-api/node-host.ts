/**
 * The Docker API over node:http, for whoever has a server: requests with their streams as they come, answers at the client's pace, and
 * connections that leave HTTP. A client that leaves in the middle ends what was done for it.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { type Duplex, pipeline } from "node:stream";
import { jsonBytesMax } from "./body.ts";
import type { DockerApi } from "./docker-api.ts";
import { DockerError } from "./errors.ts";
import type { DockerAnswer, DockerRequest, Headers } from "./exchange.ts";

/** Answers `incoming`. Resolves when the answer has begun; never rejects. */
export async function serveDocker(api: DockerApi, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const left = new AbortController();
  response.once("close", () => left.abort(new Error("the client has left")));
  const answer = await api.handle(requestOf(incoming, bodyOf(incoming), left.signal));
  const isHead = incoming.method === "HEAD";
  send(answer, response, isHead);
}

/**
 * Answers `incoming`, which asks to leave HTTP on `socket`. Resolves when the connection has been switched or answered, with the status of
 * that; never rejects.
 */
export async function upgradeDocker(
  api: DockerApi,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
): Promise<number> {
  const left = new AbortController();
  socket.once("close", () => left.abort(new Error("the client has left")));
  socket.on("error", () => undefined); // its close is heard
  if (head.length > 0) socket.unshift(head);
  const bytes = Number(incoming.headers["content-length"] ?? 0);
  const isTaken = incoming.headers["transfer-encoding"] === undefined && bytes <= jsonBytesMax;
  const body = isTaken ? takenFrom(socket, bytes) : refusedBody();
  const upgrade = await api.upgrade(requestOf(incoming, body, left.signal));
  if (upgrade.kind === "answered") {
    answerOn(socket, upgrade.answer);
    return upgrade.answer.status;
  }
  const { status, headers, connection } = upgrade;
  const protocol = typeof headers["upgrade"] === "string" ? headers["upgrade"] : (incoming.headers.upgrade ?? "tcp");
  socket.write(headOf(status, { ...headers, connection: "Upgrade", upgrade: protocol }, status === 101 ? "UPGRADED" : undefined));
  join(socket, connection);
  return status;
}

function requestOf(incoming: IncomingMessage, body: AsyncIterable<Uint8Array>, signal: AbortSignal): DockerRequest {
  const { method = "GET", url = "/", headers } = incoming;
  const kept: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) kept[name] = value;
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === "string" ? value : value?.join(", ");
  };
  return { method, url, header, headers: kept, body, signal };
}

function send({ status, headers, body }: DockerAnswer, response: ServerResponse, isHead: boolean): void {
  if (response.destroyed) {
    leave(body);
    return;
  }
  response.writeHead(status, plain(headers));
  if (body === null || isHead) {
    leave(body);
    response.end();
    return;
  }
  if (typeof body === "string" || body instanceof Uint8Array) {
    response.end(body);
    return;
  }
  response.flushHeaders();
  // A body that breaks off breaks the connection off, so that the client sees it; a client that leaves ends the body.
  pipeline(body, response, () => undefined);
}

function leave(body: DockerAnswer["body"]): void {
  if (body !== null && typeof body === "object" && "destroy" in body) body.destroy();
}

/** Both ways; each side may end its half first. */
function join(socket: Duplex, connection: Duplex): void {
  const cut = (): void => {
    socket.destroy();
    connection.destroy();
  };
  connection.on("error", cut);
  socket.on("error", cut);
  socket.once("close", () => connection.destroy());
  connection.once("close", () => {
    if (!connection.readableEnded) return cut();
    // The engine takes no more: what the client still sends is thrown away, what it is still to get is sent.
    socket.unpipe(connection);
    socket.resume();
    socket.end(() => socket.destroy());
  });
  socket.pipe(connection);
  connection.pipe(socket);
}

/** Answers and ends the connection; what else arrives on it is thrown away: unread, it would have the answer lost with a reset. */
function answerOn(socket: Duplex, { status, headers, body }: DockerAnswer): void {
  const isWhole = body === null || typeof body === "string" || body instanceof Uint8Array;
  const length = isWhole ? { "content-length": String(body === null ? 0 : Buffer.byteLength(body)) } : {};
  const { "content-length": _, ...kept } = headers;
  socket.resume();
  socket.once("finish", () => socket.destroy());
  socket.write(headOf(status, { ...kept, ...length, connection: "close" }));
  if (isWhole) socket.end(body ?? "");
  else pipeline(body, socket, () => undefined);
}

function headOf(status: number, headers: Headers, reason = STATUS_CODES[status] ?? ""): string {
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`));
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.map((line) => `${line.replaceAll(/[\r\n]/g, " ")}\r\n`).join("")}\r\n`;
}

/** What node:http takes: it refuses a list that can't be changed. */
const plain = (headers: Headers): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === "string" ? value : [...value]]));

/** Whoever reads no further leaves the rest to be read and thrown away, so that the client comes to read the answer. */
const bodyOf = (incoming: IncomingMessage): AsyncIterable<Uint8Array> => ({
  async *[Symbol.asyncIterator]() {
    try {
      yield* incoming.iterator({ destroyOnReturn: false });
    } catch (error) {
      throw new DockerError(400, `the body broke off: ${error instanceof Error ? error.message : ""}`);
    } finally {
      incoming.resume();
    }
  },
});

/** The first `bytes` that come; what follows stays for whoever reads on. */
async function* takenFrom(socket: Duplex, bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = bytes;
  while (left > 0) {
    const chunk = (socket.read(Math.min(left, Math.max(1, socket.readableLength))) ?? undefined) as Buffer | undefined;
    if (chunk === undefined) {
      if (socket.readableEnded || socket.destroyed) throw new DockerError(400, "the body broke off: it ended in the middle");
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          for (const event of ["readable", "end", "close"]) socket.off(event, wake);
          resolve();
        };
        for (const event of ["readable", "end", "close"]) socket.once(event, wake);
      });
      continue;
    }
    left -= chunk.length;
    yield chunk;
  }
}

/** A body that can't be told from what follows it. */
const refusedBody = (): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => ({
    next: () =>
      Promise.reject(new DockerError(413, `a request that leaves HTTP says how long its body is: at most ${jsonBytesMax} bytes`)),
  }),
});
