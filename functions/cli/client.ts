/**
 * The server as the commands see it: JSON in and out, and streams, over Node's own HTTP, which takes a kubeconfig's authority and
 * server name. A failure is one line: the server's own words where it answered.
 */
import { type ClientRequest, type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import type { JsonObject } from "../../shared/base/json.ts";
import { CommandError, ServerError } from "./errors.ts";
import type { Connection } from "./kubeconfig.ts";

/** Without a byte for so long, a server is gone. */
const silentMs = 60_000;
/** Of an answer that is read whole; exports are not. */
const answerBytesMax = 64 * 1024 * 1024;
/** The path of a kubeconfig's server that names a cluster. */
const clusterPath = /^(.*)\/clusters\/([^/]+)\/?$/;

export type Sent = { readonly body?: object; readonly type?: string };

export class Client {
  readonly connection: Connection;
  /** The cluster that the kubeconfig's server names; undefined: none. */
  readonly cluster: string | undefined;
  readonly #origin: string;
  readonly #prefix: string;

  /** @throws CommandError when the server's address is none. */
  constructor(connection: Connection) {
    this.connection = connection;
    const url = URL.canParse(connection.server) ? new URL(connection.server) : undefined;
    if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
      throw new CommandError(`the kubeconfig's server ${JSON.stringify(connection.server)} is not an http or https URL`);
    }
    const [, prefix, cluster] = clusterPath.exec(url.pathname) ?? [];
    this.cluster = cluster === undefined ? undefined : decodeURIComponent(cluster);
    this.#origin = url.origin;
    this.#prefix = prefix ?? url.pathname.replace(/\/$/, "");
  }

  /** The path of a cluster's part of the tree; undefined: the root's. */
  base(cluster: string | undefined): string {
    return cluster === undefined ? "" : `/clusters/${encodeURIComponent(cluster)}`;
  }

  /** The address of a cluster, for a kubeconfig. */
  serverOf(cluster: string | undefined): string {
    return this.#origin + this.#prefix + this.base(cluster);
  }

  get<T = JsonObject>(path: string): Promise<T> {
    return this.send<T>("GET", path);
  }

  /** @throws ServerError when it was refused, CommandError when there was no clear answer. */
  async send<T = JsonObject>(method: string, path: string, sent: Sent = {}): Promise<T> {
    const answer = await this.open(method, path, sent);
    return parseAnswer(await readWhole(answer)) as T;
  }

  /** The answer with its body unread; it was not refused. */
  async open(method: string, path: string, { body, type = "application/json" }: Sent = {}): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const length = text === undefined ? 0 : Buffer.byteLength(text);
      const sent = this.#request(
        method,
        path,
        text === undefined ? {} : { "content-type": type, "content-length": String(length) },
      );
      sent.once("response", resolve);
      sent.once("error", (error) => reject(unreachable(this.#origin, error)));
      sent.once("timeout", () => sent.destroy(new Error(`no answer for ${silentMs / 1_000} s`)));
      sent.end(text);
    });
    const code = answer.statusCode ?? 0;
    if (code < 200 || code > 299) throw await refusal(code, answer);
    return answer;
  }

  #request(method: string, path: string, more: Readonly<Record<string, string>>): ClientRequest {
    const { ca, serverName, isInsecure, token, certificate, key } = this.connection;
    const url = new URL(this.#origin + this.#prefix + path);
    const headers = { accept: "application/json", ...(token !== undefined && { authorization: `Bearer ${token}` }), ...more };
    const common = { method, headers, timeout: silentMs };
    if (url.protocol === "http:") return plainRequest(url, common);
    return tlsRequest(url, {
      ...common,
      rejectUnauthorized: !isInsecure,
      // What the kubeconfig names is to be trusted, also where it is not a root itself: as kubectl does.
      ...(ca !== undefined && { ca, allowPartialTrustChain: true }),
      ...(serverName !== undefined && { servername: serverName }),
      ...(certificate !== undefined && { cert: certificate }),
      ...(key !== undefined && { key }),
    });
  }
}

async function readWhole(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new CommandError(`the answer has more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError("the answer is not JSON: is this a Windlass server?", { cause });
  }
}

async function refusal(code: number, answer: IncomingMessage): Promise<ServerError> {
  const text = await readWhole(answer);
  const said = messageIn(text) ?? `${answer.statusMessage ?? "no reason"}`;
  return new ServerError(
    code,
    code === 401 ? "the server does not know this token: is it right, and not expired or revoked?" : said,
  );
}

function messageIn(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === "string" ? message : undefined;
  } catch {
    // Not a Status: a proxy's page. Its status line says enough.
    return undefined;
  }
}

function unreachable(origin: string, cause: Error): CommandError {
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  return new CommandError(`${origin} can't be reached: ${cause.message || code || "no reason given"}`, { cause });
}
