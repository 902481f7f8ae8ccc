/** The part of the Engine port that passes requests of the Docker API through as they are, for the front. */
import type { Duplex, Readable } from "node:stream";
import type { ByteSource, StreamCall } from "./call.ts";

/** Names in lower case. Those that belong to one connection (connection, keep-alive, transfer-encoding, …) are left out both ways. */
export type RawHeaders = Readonly<Record<string, string | readonly string[]>>;

export type RawRequest = {
  readonly method: string;
  /** From the slash on, with the version the engine is to take and the query: /v1.41/containers/json?all=1 */
  readonly path: string;
  readonly headers: RawHeaders;
  readonly body?: Uint8Array | ByteSource;
};

/** Whatever the engine said, refusals too. Read the body or destroy it. */
export type RawAnswer = { readonly status: number; readonly headers: RawHeaders; readonly body: Readable };

export type RawUpgrade =
  /** Both ways from here on; `status` and `headers` are for the client. */
  | { readonly kind: "upgraded"; readonly status: number; readonly headers: RawHeaders; readonly connection: Duplex }
  /** The engine did not switch: an error, or an answer without a stream. */
  | { readonly kind: "answered"; readonly answer: RawAnswer };

export interface EngineRaw {
  /** Throws only where there is no answer. */
  forward(request: RawRequest, call?: StreamCall): Promise<RawAnswer>;
  /** For attach and exec start. The connection's header `upgrade` is taken from the request; default tcp. */
  upgrade(request: RawRequest, call?: StreamCall): Promise<RawUpgrade>;
}
