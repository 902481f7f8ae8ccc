/**
 * Answers as one JSON value, for gateways that hand them on whole. Lambda takes 6 MB of it, so what is larger is refused with the advice
 * to ask for less at once.
 */
import { RefusedError } from "../../shared/api/errors.ts";
import { failureOf, failureResponse } from "../../shared/api/status.ts";
import { type ApiRequest, type ApiResponse, type Body, isPushed, type PushedBody } from "../../shared/http/exchange.ts";
import { chunksOf } from "./chunks.ts";

export type ProxyResult = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
};

/** Of a body as the client gets it. Lambda: 6 MB with the JSON around it and, of bytes, base64's third on top. */
const bodyBytesMax = 5 * 1024 * 1024;
const resultBytesMax = 6 * 1024 * 1024 - 16 * 1024;

/**
 * The request as it may be answered through such a gateway. It makes bytes of base64 only where the first type of the client's Accept
 * header is one that it was told of, and LocalStack passes over the one that stands for all: who takes anything is
 * answered with text.
 */
export function forBuffering(request: ApiRequest): ApiRequest {
  const [first = ""] = (request.header("accept") ?? "").split(/[,;]/);
  if (first.trim() !== "" && first.trim() !== "*/*") return request;
  return { ...request, header: (name) => (name.toLowerCase() === "accept-encoding" ? undefined : request.header(name)) };
}

/** Never rejects for an answer that is too large. */
export async function bufferedResult(response: ApiResponse, leave: AbortSignal): Promise<ProxyResult> {
  const bytes = await bytesOf(response.body, leave);
  if (bytes !== undefined) {
    const result = resultOf(response, bytes);
    if (isSmall(result)) return result;
  }
  const refusal = failureResponse(failureOf(new RefusedError({ kind: "tooLarge", message: tooLargeMessage })));
  return resultOf(refusal, (await bytesOf(refusal.body, leave)) ?? Buffer.alloc(0));
}

const tooLargeMessage = `the answer has more than ${bodyBytesMax} bytes, which this deployment can't send at once: use limit, and continue`;

/** Text as it is; what may be none (compressed, protobuf) as base64. */
function resultOf({ status, headers }: ApiResponse, bytes: Buffer): ProxyResult {
  const isText = headers["content-encoding"] === undefined && /^text\/|json|^$/.test(headers["content-type"] ?? "");
  return { statusCode: status, headers, body: bytes.toString(isText ? "utf8" : "base64"), isBase64Encoded: !isText };
}

function isSmall({ body, isBase64Encoded }: ProxyResult): boolean {
  const bytes = isBase64Encoded ? body.length : Buffer.byteLength(JSON.stringify(body));
  return bytes <= resultBytesMax;
}

/** undefined: there are too many; the rest is not read. */
async function bytesOf(body: Body, leave: AbortSignal): Promise<Buffer | undefined> {
  if (body === null) return Buffer.alloc(0);
  if (isPushed(body)) return pushedBytes(body, leave);
  if (!(body instanceof ReadableStream)) {
    const bytes = Buffer.from(body as Uint8Array);
    return bytes.length > bodyBytesMax ? undefined : bytes;
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunksOf(body, leave)) {
    length += chunk.length;
    // Leaving the loop cancels the stream.
    if (length > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Until it ends, or the time is over: a watch that is cut off goes on from the last event that was told. */
function pushedBytes(body: PushedBody, leave: AbortSignal): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  return new Promise((resolve) => {
    const finish = (): void => {
      leave.removeEventListener("abort", cutOff);
      resolve(length > bodyBytesMax ? undefined : Buffer.concat(chunks));
    };
    const cutOff = (): void => {
      body.left();
      finish();
    };
    leave.addEventListener("abort", cutOff, { once: true });
    body.begin({
      write(bytes) {
        chunks.push(bytes);
        length += bytes.length;
        if (length > bodyBytesMax) cutOff();
        return true;
      },
      end: finish,
    });
    if (leave.aborted) cutOff();
  });
}
