/**
 * The answers that the listener gives itself, below the router: a Kubernetes Status, as every other error is, as an answer or,
 * on a connection that no router will see, as raw HTTP that closes it.
 */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ApiResponse } from "../../shared/http/exchange.ts";

export type Refusal = { readonly code: number; readonly reason: string; readonly message: string };

const contentType = "application/json";

export function refusalResponse(refusal: Refusal): ApiResponse {
  return { status: refusal.code, headers: { "content-type": contentType }, body: statusText(refusal) };
}

/** Answers and ends the connection; what else arrives on it is thrown away. */
export function refuseConnection(socket: Duplex, refusal: Refusal): void {
  const body = statusText(refusal);
  const head = [
    `HTTP/1.1 ${refusal.code} ${STATUS_CODES[refusal.code]}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(refusal.code === 401 ? ['WWW-Authenticate: Bearer realm="windlass"'] : []),
    "Connection: close",
  ];
  // Unread input would make the kernel reset the connection, and the answer could be lost with it.
  socket.resume();
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}

function statusText({ code, reason, message }: Refusal): string {
  return JSON.stringify({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code });
}
