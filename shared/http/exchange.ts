/**
 * A request and its answer as the verbs see them, and nothing of the host that carries them: plain values, because the web's Request
 * and Response cost more than all else that a hot request does. Each host makes them from its own and back.
 */
export type ApiRequest = {
  /** As it was sent, in upper case. */
  readonly method: string;
  /** Path and query as they were sent, percent signs and all; begins with a slash. */
  readonly url: string;
  /** `name` in lower case. Several of one name are joined by commas. */
  header(name: string): string | undefined;
  /** The whole body; empty where there is none, undefined where it has more than `bytesMax`. Once. Rejects when it breaks off. */
  read(bytesMax: number): Promise<Uint8Array | undefined>;
};

export type ApiResponse = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
};

/** The interface, for a host. It answers its own errors: what it rejects with is a bug. */
export type Handle = (request: ApiRequest) => Promise<ApiResponse>;

/** null: there is none. A stream is read at its reader's pace. */
export type Body = string | Uint8Array | null | ReadableStream<Uint8Array> | PushedBody;

/** Where a pushed body goes to. */
export interface Sink {
  /** Takes `bytes`; false: nothing more until `PushedBody.drained`. The same bytes may be given to many sinks: they stay as they are. */
  write(bytes: Uint8Array): boolean;
  /** The body is whole. Nothing is written after it. */
  end(): void;
}

/** A body that comes when something happens, as a watch's: it writes by itself, at its reader's pace. */
export interface PushedBody {
  /** Called once, before the others. */
  begin(sink: Sink): void;
  /** The sink takes more, after it had refused. */
  drained(): void;
  /** The reader has left: nothing is written any more. */
  left(): void;
}

export const isPushed = (body: Body): body is PushedBody => body !== null && typeof body === "object" && "begin" in body;

/** An answer with a body of text or bytes, or none. */
export function respond(
  body: Exclude<Body, PushedBody>,
  { status, headers = {} }: { readonly status: number; readonly headers?: Readonly<Record<string, string>> },
): ApiResponse {
  return { status, headers, body };
}
