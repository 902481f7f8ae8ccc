/** EngineRaw on the wire: requests and answers pass as they are. */
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { StreamCall } from "../engine/call.ts";
import type { EngineRaw, RawAnswer, RawHeaders, RawRequest } from "../engine/raw.ts";
import { EngineError } from "../engine-errors.ts";
import { Incoming } from "./incoming.ts";
import type { Wire, WireAnswer, WireRequest } from "./wire.ts";

/** RFC 9110, 7.6.1: they speak of one connection. `host` and `expect` are this hop's, too. */
const hopHeaders = new Set([
  "connection",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export function dockerRaw(wire: Wire): EngineRaw {
  return {
    forward: async (request, call = {}) => answerOf(wire, request, await wire.send(sentOf(request), call), call),
    upgrade: async (request, call = {}) => {
      const protocol = request.headers["upgrade"];
      const answer = await wire.send({ ...sentOf(request), upgrade: typeof protocol === "string" ? protocol : "tcp" }, call);
      const { response, connection } = answer;
      if (connection === undefined) return { kind: "answered", answer: answerOf(wire, request, answer, call) };
      return { kind: "upgraded", status: response.statusCode ?? 101, headers: passed(response), connection };
    },
  };
}

function sentOf({ method, path, headers, body }: RawRequest): WireRequest {
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw new EngineError(400, "a path begins with a slash and has no spaces");
  return { method, path, headers: withoutHops(headers), ...(body !== undefined && { body }) };
}

const answerOf = (wire: Wire, { method, path }: RawRequest, answer: WireAnswer, call: StreamCall): RawAnswer => ({
  status: answer.response.statusCode ?? 502,
  headers: passed(answer.response),
  body: new Incoming(wire, `${method} ${path.split("?", 1)[0]}`, answer, call),
});

function withoutHops(headers: RawHeaders): OutgoingHttpHeaders {
  const kept: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!hopHeaders.has(name.toLowerCase())) kept[name.toLowerCase()] = typeof value === "string" ? value : [...value];
  }
  return kept;
}

function passed({ headers }: IncomingMessage): RawHeaders {
  const kept: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !hopHeaders.has(name)) kept[name] = value;
  }
  return kept;
}
