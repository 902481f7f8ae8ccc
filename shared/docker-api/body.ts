/** JSON bodies of requests: read whole, and so bounded. */
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { badParameter, DockerError } from "./errors.ts";
import { type DockerRequest, jsonType } from "./exchange.ts";

/** A create with a thousand labels has 100 KB. */
export const jsonBytesMax = 3 * 1024 * 1024;

/** @throws DockerError 400, 413 */
export async function jsonBody(request: DockerRequest): Promise<JsonObject> {
  const bytes = await wholeBody(request, jsonBytesMax);
  const type = request.header("content-type");
  if (bytes.length === 0) return {};
  if (type !== undefined && type.split(";", 1)[0]?.trim().toLowerCase() !== jsonType) {
    throw badParameter(`unsupported Content-Type header (${type.slice(0, 100)}): must be '${jsonType}'`);
  }
  const value = parsed(Buffer.from(bytes).toString());
  if (value === null) return {};
  if (!isJsonObject(value)) throw badParameter("invalid JSON: the body must be an object");
  return value;
}

/** @throws DockerError 413 */
async function wholeBody({ body, header }: DockerRequest, bytesMax: number): Promise<Uint8Array> {
  if (Number(header("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (bytesMax: number): DockerError => new DockerError(413, `request body too large: at most ${bytesMax} bytes`);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badParameter(`invalid JSON: ${error instanceof Error ? error.message.slice(0, 200) : ""}`);
  }
}
