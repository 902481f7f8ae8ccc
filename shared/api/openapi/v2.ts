/**
 * OpenAPI v2 (Swagger 2.0) as Kubernetes serves it at `/openapi/v2`: as JSON, and as the protobuf that kubectl asks for (gnostic.ts).
 * kubectl apply validates by it where v3 is not known (up to 1.26), and asks it which calls take dryRun.
 */
import type { Registry } from "../../kinds/registry.ts";
import { kindsAt, type Place } from "../discovery.ts";
import { etagOf, type JsonDocument, jsonDocument } from "./document.ts";
import { encodeDocument } from "./gnostic.ts";
import { documentV2 } from "./swagger.ts";

/** What clients ask for: gnostic's openapi.v2.Document. The second form is the one that is a media type (RFC 6838 has no `@`). */
export const openApiV2ProtobufAccepts: readonly string[] = [
  "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
  "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
];
/** What is answered, as Kubernetes does: Go's clients refuse an answer whose type has an `@`. */
export const openApiV2ProtobufType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** `/openapi/v2` as JSON. Deterministic; keep the result. */
export const openApiV2 = (registry: Registry, place: Place): JsonDocument => jsonDocument(documentV2(kindsAt(registry, place)));

/** `/openapi/v2` as protobuf. Deterministic; keep the result. */
export function openApiV2Protobuf(registry: Registry, place: Place): { readonly bytes: Uint8Array; readonly etag: string } {
  const bytes = encodeDocument(documentV2(kindsAt(registry, place)));
  return { bytes, etag: etagOf(bytes) };
}
