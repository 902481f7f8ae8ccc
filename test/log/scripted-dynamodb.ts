/** A stand-in that answers DynamoDB requests by a script, for what the real one does not do on demand: failing, hanging, throttling, reading unevenly. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

export type ScriptedReply =
  | { readonly status: number; readonly body: object }
  /** The connection is reset after the request came in whole. */
  | "reset"
  /** No answer ever. */
  | "hang";

export type ScriptedRequest = { readonly operation: string; readonly input: Readonly<Record<string, unknown>> };

export type ScriptedDynamo = AsyncDisposable & {
  readonly endpoint: string;
  /** What came in, in order. */
  readonly requests: readonly ScriptedRequest[];
};

/** `{ __type: "ThrottlingException" }` and the like, as DynamoDB answers. */
export const failure = (status: number, type: string, more: object = {}): ScriptedReply => ({
  status,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: type, ...more },
});

export const success = (body: object = {}): ScriptedReply => ({ status: 200, body });

/** Answers the requests with `replies` in their order; more requests than replies are a 500 with a name of its own. */
export async function scriptedDynamo(replies: readonly ScriptedReply[]): Promise<ScriptedDynamo> {
  const requests: ScriptedRequest[] = [];
  const server = createServer(async (request, response) => {
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    requests.push({ operation, input: (await json(request)) as Record<string, unknown> });
    send(replies[requests.length - 1] ?? failure(500, "ScriptIsOver"), request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(reply: ScriptedReply, request: IncomingMessage, response: ServerResponse): void {
  if (reply === "hang") return;
  if (reply === "reset") {
    request.socket.resetAndDestroy();
    return;
  }
  response.writeHead(reply.status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(reply.body));
}
