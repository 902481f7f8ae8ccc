/** Request bodies: bounded, UTF-8, of a type that was asked for, and JSON that means the same to every reader. */

import type { Json } from "../base/json.ts";
import type { ApiRequest } from "../http/exchange.ts";
import { bodyDepthMax } from "../kinds/body.ts";
import { badRequest, RefusedError } from "./errors.ts";
import { scanJson } from "./json-scan.ts";

/** Kubernetes' limit of a request's body. Objects have a lower one (objectBytesMax), which names itself. */
export const bodyBytesMax = 3 * 1024 * 1024;

export const jsonTypes = ["application/json"] as const;
export const jsonPatchType = "application/json-patch+json";
export const mergePatchType = "application/merge-patch+json";
export const applyPatchType = "application/apply-patch+yaml";

/**
 * Reads the body when it is first asked for, and gives the same again: a call may run twice. undefined: there is none.
 * `types` are the content types taken; without one a body counts as the first. `parse` reads its text.
 */
export function lazyBody(request: ApiRequest, types: readonly string[], parse = parseBody): () => Promise<Json | undefined> {
  let body: Promise<Json | undefined> | undefined;
  return () => {
    body ??= readBody(request, types, parse);
    return body;
  };
}

/** @throws RefusedError (400) when there is no body. */
export async function requiredBody(body: () => Promise<Json | undefined>): Promise<Json> {
  const value = await body();
  if (value === undefined) throw badRequest("the request has no body");
  return value;
}

async function readBody(request: ApiRequest, types: readonly string[], parse: (text: string) => Json): Promise<Json | undefined> {
  const bytes = await readWhole(request);
  if (bytes === undefined) throw tooLarge();
  // A client may well name a type for nothing.
  if (bytes.length === 0) return undefined;
  checkType(request.header("content-type"), types);
  return parse(decodeText(bytes));
}

function readWhole(request: ApiRequest): Promise<Uint8Array | undefined> {
  return request.read(bodyBytesMax).catch(() => {
    // The client went away, or sent less than it announced: nobody hears this.
    throw badRequest("the body could not be read to its end");
  });
}

/** Without its parameters, in lower case; "" where none is given. */
export const contentType = (header: string | undefined): string => header?.split(";", 1)[0]?.trim().toLowerCase() ?? "";

function checkType(header: string | undefined, types: readonly string[]): void {
  const type = contentType(header);
  if (type !== "" && !types.includes(type)) throw new RefusedError({ kind: "unsupportedMediaType", supported: types });
}

export async function readBytes(request: ApiRequest): Promise<Uint8Array> {
  const bytes = await request.read(bodyBytesMax);
  if (bytes === undefined) throw tooLarge();
  return bytes;
}

const tooLarge = (): RefusedError => new RefusedError({ kind: "bodyTooLarge", bytesMax: bodyBytesMax });

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw badRequest("the body is not valid UTF-8");
  }
}

/** @throws RefusedError (400) when it is not JSON, names a key twice, or nests too deep. */
export function parseBody(text: string): Json {
  let body: Json;
  try {
    body = JSON.parse(text) as Json;
  } catch (error) {
    throw badRequest(`the body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const problem = scanJson(text, body, bodyDepthMax);
  if (problem !== undefined) throw badRequest(`the body can't be read: ${problem}`);
  return body;
}
