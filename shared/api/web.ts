/** The interface on the web's Request and Response, for hosts and tests that speak those. */
import { type ApiRequest, type ApiResponse, type Body, isPushed, type PushedBody } from "./exchange.ts";

export type Handle = (request: ApiRequest) => Promise<ApiResponse>;

export const fetchOf =
  (handle: Handle) =>
  async (request: Request): Promise<Response> =>
    toWeb(await handle(fromWeb(request)));

function fromWeb(request: Request): ApiRequest {
  const { pathname, search } = new URL(request.url);
  return {
    method: request.method,
    url: pathname + search,
    header: (name) => request.headers.get(name) ?? undefined,
    read: (bytesMax) => readWeb(request, bytesMax),
  };
}

async function readWeb({ body, headers }: Request, bytesMax: number): Promise<Uint8Array | undefined> {
  if (body === null) return new Uint8Array();
  if (Number(headers.get("content-length") ?? 0) > bytesMax) return undefined;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function toWeb({ status, headers, body }: ApiResponse): Response {
  return new Response(webBody(body), { status, headers });
}

function webBody(body: Body): string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null {
  if (isPushed(body)) return pulled(body);
  return body instanceof Uint8Array ? new Uint8Array(body) : body;
}

/** A pushed body as a stream that holds one write at a time. */
export function pulled(body: PushedBody): ReadableStream<Uint8Array> {
  let isFull = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        body.begin({
          write(bytes) {
            controller.enqueue(bytes);
            isFull = (controller.desiredSize ?? 0) <= 0;
            return !isFull;
          },
          end: () => controller.close(),
        });
      },
      pull() {
        if (!isFull) return;
        isFull = false;
        body.drained();
      },
      cancel: () => body.left(),
    },
    { highWaterMark: 1 },
  );
}
