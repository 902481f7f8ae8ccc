/**
 * Answers that reach the client as they are written, by Lambda's response streaming: first their status and headers, then the body, at
 * the client's pace. A watch ends in order before the function's time does.
 */
import type { Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { type ApiResponse, isPushed, type PushedBody } from "../../shared/http/exchange.ts";
import type { LambdaContext } from "../aws/invocation.ts";
import { chunksOf } from "./chunks.ts";

/** What Lambda's runtime puts beside the handler (AWS: "Response streaming for Lambda functions"). */
export type StreamingRuntime = {
  streamifyResponse(handler: StreamingHandler): unknown;
  readonly HttpResponseStream: {
    from(stream: Writable, head: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> }): Writable;
  };
};
export type StreamingHandler = (event: unknown, stream: Writable, context: LambdaContext) => Promise<void>;

/** Resolves when the body is sent, or its reader has left; rejects when it can't be made to its end. */
export async function sendStreamed(
  { status, headers, body }: ApiResponse,
  { runtime, to, leave }: { readonly runtime: StreamingRuntime; readonly to: Writable; readonly leave: AbortSignal },
): Promise<void> {
  const stream = runtime.HttpResponseStream.from(to, { statusCode: status, headers });
  // Status and headers go with the first write: a client must not wait for a watch's first event to learn that it watches.
  stream.write("");
  if (body instanceof ReadableStream) return pipeline(chunksOf(body, leave), stream);
  if (body !== null && isPushed(body)) return push(body, stream, leave);
  if (body !== null && body.length > 0) stream.write(body);
  stream.end();
  await finished(stream);
}

async function push(body: PushedBody, stream: Writable, leave: AbortSignal): Promise<void> {
  const closed = new Promise<void>((resolve) => stream.once("close", resolve));
  const cutOff = (): void => {
    body.left();
    if (!stream.destroyed) stream.end();
  };
  stream.on("drain", () => body.drained());
  // A client that went away is no failure: the watch is closed then, and the stream by itself.
  stream.on("error", () => body.left());
  leave.addEventListener("abort", cutOff, { once: true });
  body.begin({ write: (bytes) => stream.write(bytes), end: () => void stream.end() });
  if (leave.aborted) cutOff();
  await closed;
  body.left();
  leave.removeEventListener("abort", cutOff);
}
