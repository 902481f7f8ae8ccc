/**
 * A request of the Docker Engine API and its answer, and nothing of the host that carries them. Unlike shared/http's, both bodies may be
 * streams that never end, so whoever carries them says when its client leaves, and reads at its client's pace. node-host.ts carries them
 * over node:http.
 */
import type { Duplex, Readable } from "node:stream";

/** Names in lower case. */
export type Headers = Readonly<Record<string, string | readonly string[]>>;

export type DockerRequest = {
  /** In upper case. */
  readonly method: string;
  /** Path and query as they were sent; begins with `/clusters/`. */
  readonly url: string;
  /** `name` in lower case. Several of one name are joined by commas. */
  header(name: string): string | undefined;
  readonly headers: Headers;
  /** Read at most once, at its reader's pace. Ends in the middle with an error where the client leaves. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
};

export type DockerAnswer = {
  readonly status: number;
  readonly headers: Headers;
  /** A stream must be read to its end or destroyed. */
  readonly body: string | Uint8Array | Readable | null;
};

export type DockerUpgrade =
  /** The client is to be told `status` and `headers`; then bytes go both ways, and each side may end its own half first. */
  | { readonly kind: "upgraded"; readonly status: number; readonly headers: Headers; readonly connection: Duplex }
  /** No switch: this is an answer like others. */
  | { readonly kind: "answered"; readonly answer: DockerAnswer };

export const jsonType = "application/json";

/** An answer with `value` as JSON. */
export const json = (
  value: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Headers } = {},
): DockerAnswer => ({
  status,
  headers: { "content-type": jsonType, ...headers },
  // Go's encoder, and so Docker, ends it with a line.
  body: `${JSON.stringify(value)}\n`,
});

/** An answer that says nothing. */
export const nothing = (status = 204): DockerAnswer => ({ status, headers: {}, body: null });
