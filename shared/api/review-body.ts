/**
 * The body of a review: JSON, or Kubernetes' protobuf, in which kubectl sends kinds that it was built with (k8s.io/api and apimachinery,
 * generated.proto: the field numbers here are theirs). Answers are JSON, which every such client reads, too.
 */

import protobuf from "protobufjs/light.js";
import type { Json } from "../base/json.ts";
import type { ApiRequest } from "../http/exchange.ts";
import { contentType, jsonTypes, lazyBody, readBytes, requiredBody } from "./body.ts";
import { badRequest } from "./errors.ts";

const protobufType = "application/vnd.kubernetes.protobuf";
/** Reviews are small: names and a namespace. */
const protobufBytesMax = 64 * 1024;
/** "k8s" and a zero byte stand before the message. */
const magic = Buffer.from("k8s\0");

const text = (id: number) => ({ type: "string", id });
const root = protobuf.Root.fromJSON({
  nested: {
    TypeMeta: { fields: { apiVersion: text(1), kind: text(2) } },
    Unknown: { fields: { typeMeta: { type: "TypeMeta", id: 1 }, raw: { type: "bytes", id: 2 } } },
    ResourceAttributes: {
      fields: {
        namespace: text(1),
        verb: text(2),
        group: text(3),
        version: text(4),
        resource: text(5),
        subresource: text(6),
        name: text(7),
      },
    },
    NonResourceAttributes: { fields: { path: text(1), verb: text(2) } },
    AccessSpec: {
      fields: {
        resourceAttributes: { type: "ResourceAttributes", id: 1 },
        nonResourceAttributes: { type: "NonResourceAttributes", id: 2 },
      },
    },
    RulesSpec: { fields: { namespace: text(1) } },
    SelfSubjectAccessReview: { fields: { spec: { type: "AccessSpec", id: 2 } } },
    SelfSubjectRulesReview: { fields: { spec: { type: "RulesSpec", id: 2 } } },
    SelfSubjectReview: { fields: {} },
  },
});

/** @throws RefusedError: not a body of these types, or none. */
export async function reviewBody(request: ApiRequest, kind: string): Promise<Json> {
  if (contentType(request.header("content-type")) !== protobufType) {
    return requiredBody(lazyBody(request, [...jsonTypes, protobufType]));
  }
  const bytes = await readBytes(request);
  if (bytes.length > protobufBytesMax) throw badRequest(`the body has ${bytes.length} bytes; at most ${protobufBytesMax}`);
  try {
    return decode(bytes, kind);
  } catch (cause) {
    throw badRequest(`the body is not a ${kind} in protobuf: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function decode(bytes: Uint8Array, kind: string): Json {
  if (!magic.equals(bytes.subarray(0, magic.length))) throw new Error("it does not begin with k8s");
  const unknown = plain("Unknown", bytes.subarray(magic.length));
  const { typeMeta = {}, raw = new Uint8Array() } = unknown as { readonly typeMeta?: Json; readonly raw?: Uint8Array };
  return { ...(typeMeta as object), ...(plain(kind, raw) as object) };
}

function plain(name: string, bytes: Uint8Array): Json {
  const type = root.lookupType(name);
  return type.toObject(type.decode(bytes)) as Json;
}
