/**
 * A request as it goes on to a node's engine: in a version that the engine takes, without what is ours or the connection's, and its answer
 * as it comes back. Bodies pass untouched, at their reader's pace.
 */

import type { StreamCall } from "../fleet/engine/call.ts";
import type { RawAnswer, RawHeaders, RawRequest } from "../fleet/engine/raw.ts";
import type { Engine } from "../fleet/engine.ts";
import { NodeError } from "../fleet/fleet/errors.ts";
import type { Node } from "../kinds/node.ts";
import type { Call } from "./call.ts";
import { DockerError } from "./errors.ts";
import type { DockerAnswer, Headers } from "./exchange.ts";

/** Where a request goes. */
export type Target = { readonly node: Node; readonly engine: Engine };

export type Sent = {
  /** Absent: the request's. */
  readonly method?: string;
  /** Without the version, its parts escaped. */
  readonly path: string;
  /** Absent: the request's. */
  readonly query?: URLSearchParams;
  /** Given in place of the request's own; null: none. */
  readonly body?: RawRequest["body"] | null;
  /** Milliseconds until the answer begins; absent: the engine's own. */
  readonly timeoutMs?: number;
  /** Milliseconds that the answer may be silent; absent: for ever. */
  readonly idleMs?: number;
};

/** What an engine takes longest to begin to answer: committing or importing gigabytes, a stop with a long grace time. */
export const longMs = 15 * 60_000;

/** Of a request's headers those that engines look at; the token is for us alone. */
const passedHeaders = [
  "accept",
  "content-type",
  "content-encoding",
  "content-length",
  "if-none-match",
  "range",
  "x-registry-auth",
  "x-registry-config",
  // BuildKit's session: what the client offers to its builder.
  "x-docker-expose-session-uuid",
  "x-docker-expose-session-name",
  "x-docker-expose-session-sharedkey",
];
/** Its methods: a list of lines, which come joined. */
const sessionMethods = "x-docker-expose-session-grpc-method";
/** Of an answer's headers those that speak of the node's engine and not of this one. */
const ownHeaders: ReadonlySet<string> = new Set([
  "api-version",
  "docker-experimental",
  "ostype",
  "server",
  "swarm",
  "builder-version",
]);

/** The engine's answer, refusals too. @throws NodeError where there is none. */
export async function forward(call: Call, target: Target, sent: Sent): Promise<RawAnswer> {
  const { engine, node } = target;
  try {
    const answer = await engine.raw.forward(await rawRequest(call, target, sent), streamCall(call, sent));
    // It may be that it does not take this version any more.
    if (answer.status === 400) call.front.versions.forget(engine);
    return answer;
  } catch (error) {
    throw failed(call, node, error);
  }
}

/** The answer as the client gets it. */
export async function pass(call: Call, target: Target, sent: Sent): Promise<DockerAnswer> {
  return answerOf(await forward(call, target, sent));
}

export function answerOf({ status, headers, body }: RawAnswer): DockerAnswer {
  const isEmpty = status === 204 || status === 304;
  if (isEmpty) body.resume();
  return { status, headers: passedBack(headers), body: isEmpty ? null : body };
}

export async function rawRequest(call: Call, { engine }: Target, sent: Sent): Promise<RawRequest> {
  const { request, version, front } = call;
  const { path, query = call.query, method = request.method, body } = sent;
  const accepted = await front.versions.for(engine, version, call.signal);
  const text = query.toString();
  const given = body === undefined ? requestBody(call) : body;
  return {
    method,
    path: `/v${accepted}${path}${text === "" ? "" : `?${text}`}`,
    headers: sentHeaders(call, body === undefined),
    ...(given != null && { body: given }),
  };
}

export const streamCall = (call: Call, { timeoutMs, idleMs }: Pick<Sent, "timeoutMs" | "idleMs">): StreamCall => ({
  signal: call.signal,
  ...(timeoutMs !== undefined && { timeoutMs }),
  ...(idleMs !== undefined && { idleMs }),
});

export const passedBack = (headers: RawHeaders): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !ownHeaders.has(name)));

/** An id or a name as one segment of a path. @throws DockerError 400 */
export function segment(name: string): string {
  if (name === "" || name === "." || name === ".." || name.includes("/"))
    throw new DockerError(400, `invalid name: ${JSON.stringify(name)}`);
  return encodeURIComponent(name);
}

/** What went wrong with a node, by its name; who has left hears nothing. */
export function failed(call: Call, node: Node, error: unknown): unknown {
  if (call.signal.aborted || error instanceof NodeError || error instanceof DockerError) return error;
  return new NodeError(node.metadata.name, `${call.request.method} ${call.place.path}`, error);
}

function requestBody({ request }: Call): RawRequest["body"] | undefined {
  const hasBody = Number(request.header("content-length") ?? 0) > 0 || request.header("transfer-encoding") !== undefined;
  return hasBody ? request.body : undefined;
}

function sentHeaders({ request }: Call, isOwnBody: boolean): RawHeaders {
  const kept: Record<string, string | readonly string[]> = {};
  const methods = request.header(sessionMethods);
  if (methods !== undefined) kept[sessionMethods] = methods.split(/, */);
  for (const name of passedHeaders) {
    const value = request.header(name);
    if (value !== undefined && (isOwnBody || name !== "content-length")) kept[name] = value;
  }
  return kept;
}
