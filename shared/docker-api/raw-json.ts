/** Answers of engines that are changed on their way: read whole, and so bounded. */
import { isJsonObject, type Json, type JsonObject, objectOf } from "../base/json.ts";
import type { RawAnswer } from "../fleet/engine/raw.ts";
import { DockerError } from "./errors.ts";

/** A `docker system df -v` of a node with thousands of images. */
const bytesMax = 64 * 1024 * 1024;

/** @throws DockerError 502 when it is no JSON, or too large. */
export async function rawJson({ body }: RawAnswer): Promise<Json> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > bytesMax) throw new DockerError(502, `the engine's answer has over ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString() || "null") as Json;
  } catch {
    throw new DockerError(502, "the engine's answer is no JSON");
  }
}

/** As rawJson, of an answer that must be an object. */
export async function rawObject(answer: RawAnswer): Promise<JsonObject> {
  const value = await rawJson(answer);
  if (!isJsonObject(value)) throw new DockerError(502, "the engine's answer is no object");
  return value;
}

/** A field's list; empty where there is none. */
export function listOf(value: Json, field: string): readonly Json[] {
  const list = objectOf(value)[field];
  return Array.isArray(list) ? list : [];
}

/** The message of a refusal. */
export async function rawMessage(answer: RawAnswer): Promise<string> {
  const { message } = await rawObject(answer).catch((): JsonObject => ({}));
  return typeof message === "string" ? message : `status ${answer.status}`;
}
