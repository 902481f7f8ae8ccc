/**
 * Lambda's runtime for streamed answers, as far as a handler sees it: the first write sends status and headers as JSON and eight zero
 * bytes before itself (AWS: "Response streaming for Lambda functions"). And its other end, which makes a Response of that.
 */
import { PassThrough, Readable, Transform, type Writable } from "node:stream";
import type { StreamingHandler, StreamingRuntime } from "../../functions/api/streamed.ts";

type Head = { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> };

export const runtime: StreamingRuntime = {
  streamifyResponse: (handler) => handler,
  HttpResponseStream: {
    from(to: Writable, head: Head): Writable {
      let isFirst = true;
      const stream = new Transform({
        transform(chunk, _encoding, done) {
          if (isFirst) this.push(Buffer.concat([Buffer.from(JSON.stringify(head)), Buffer.alloc(8)]));
          isFirst = false;
          if (chunk.length > 0) this.push(chunk);
          done();
        },
      });
      stream.pipe(to);
      // The client has gone.
      to.on("close", () => stream.destroy());
      return stream;
    },
  },
};

/** Resolves with the head; the body follows. `signal` is the client's going away. Rejects when no head comes. */
export async function callStreaming(
  handler: StreamingHandler,
  {
    event,
    context,
    signal,
  }: { readonly event: unknown; readonly context: Parameters<StreamingHandler>[2]; readonly signal?: AbortSignal | null },
): Promise<Response> {
  const stream = new PassThrough();
  signal?.addEventListener("abort", () => stream.destroy(), { once: true });
  const ended = handler(event, stream, context);
  ended.catch((error: Error) => stream.destroy(error));
  let before = Buffer.alloc(0);
  const body = stream[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await body.next();
    if (done) throw new Error("the answer ended before its head");
    before = Buffer.concat([before, value]);
    const end = before.indexOf(Buffer.alloc(8));
    if (end === -1) continue;
    const { statusCode: status, headers } = JSON.parse(before.subarray(0, end).toString()) as Head;
    return new Response(hasNoBody(status) ? null : restOf(before.subarray(end + 8), body), { status, headers });
  }
}

export const hasNoBody = (status: number): boolean => status === 204 || status === 304;

/** As fetch gives it: uncompressed. */
export function asFetched(response: Response): Response {
  if (response.headers.get("content-encoding") !== "gzip") return response;
  const { status, headers } = response;
  return new Response(response.body?.pipeThrough(new DecompressionStream("gzip")) ?? null, { status, headers });
}

function restOf(first: Buffer, rest: AsyncIterator<Buffer>): ReadableStream<Uint8Array> {
  const chunks = async function* () {
    if (first.length > 0) yield first;
    yield* { [Symbol.asyncIterator]: () => rest };
  };
  return Readable.toWeb(Readable.from(chunks())) as ReadableStream<Uint8Array>;
}
