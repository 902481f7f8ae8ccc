/** A document as it is sent: its text, or bytes, and an ETag that changes with them and with nothing else. */
import { createHash } from "node:crypto";

/** `etag` has its quotes. */
export type JsonDocument = { readonly text: string; readonly etag: string };

export function jsonDocument(value: object): JsonDocument {
  const text = JSON.stringify(value);
  return { text, etag: etagOf(text) };
}

export const etagOf = (content: string | Uint8Array): string =>
  `"${createHash("sha256").update(content).digest("hex").toUpperCase()}"`;
