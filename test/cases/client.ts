/**
 * What the HTTP cases talk through: any host, told by a base URL (with any path prefix) and an admin's token. Requests are written as
 * clients write them, so that a case says what goes over the wire.
 */
import type { Json } from "../../shared/base/json.ts";
import { polledWatch } from "./polled-watch.ts";

export type Target = {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** Of an admin of the root. */
  readonly token: string;
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
  /** buffer: a watch is a long poll. Absent: stream. */
  readonly transport?: "stream" | "buffer";
};

/** JSON as a test reads it: every part may be there, and its leaves are compared as they are. */
export interface Body {
  readonly [key: string]: Body | undefined;
  [Symbol.iterator](): Iterator<Body>;
}

export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string; readonly body: Body };

export type RequestOptions = {
  readonly body?: Json | Uint8Array | string;
  readonly type?: string;
  readonly accept?: string;
  /** null: none. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

export const group = "/apis/windlass.dev/v1";
const mergePatch = "application/merge-patch+json";

export class Client {
  readonly #target: () => Target;

  constructor(target: () => Target) {
    this.#target = target;
  }

  async send(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const response = await this.open(method, path, options);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parsed(text) };
  }

  get(path: string, options?: RequestOptions): Promise<Answer> {
    return this.send("GET", path, options);
  }
  post(path: string, body: Json, options?: RequestOptions): Promise<Answer> {
    return this.send("POST", path, { ...options, body });
  }
  put(path: string, body: Json, options?: RequestOptions): Promise<Answer> {
    return this.send("PUT", path, { ...options, body });
  }
  patch(path: string, body: Json, options?: RequestOptions): Promise<Answer> {
    return this.send("PATCH", path, { type: mergePatch, ...options, body });
  }
  delete(path: string, options?: RequestOptions): Promise<Answer> {
    return this.send("DELETE", path, options);
  }

  get transport(): "stream" | "buffer" {
    return this.#target().transport ?? "stream";
  }

  /** The answer with its body unread. */
  open(
    method: string,
    path: string,
    { body, type = "application/json", accept, token, signal, ...options }: RequestOptions = {},
  ): Promise<Response> {
    const target = this.#target();
    const headers: Record<string, string> = { ...options.headers };
    if (token !== null) headers["authorization"] = `Bearer ${token ?? target.token}`;
    if (accept !== undefined) headers["accept"] = accept;
    if (body !== undefined && type !== "") headers["content-type"] = type;
    const raw = body instanceof Uint8Array || typeof body === "string" ? body : JSON.stringify(body);
    return target.fetch(target.baseUrl + path, {
      method,
      headers,
      ...(body !== undefined && { body: raw as string }),
      ...(signal !== undefined && { signal }),
    });
  }

  /** Opens a watch; close it. */
  async watch(path: string, options: RequestOptions = {}): Promise<WatchReader> {
    const abort = new AbortController();
    const open = (from: string): Promise<Response> => this.open("GET", from, { ...options, signal: abort.signal });
    const response = await (this.transport === "buffer" ? polledWatch(open, path) : open(path));
    return new WatchReader(response, abort);
  }
}

export type Event = { readonly type: string; readonly object: Body };

/** Reads a watch's events as they come. */
export class WatchReader {
  readonly status: number;
  readonly headers: Headers;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #abort: AbortController;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(response: Response, abort: AbortController) {
    if (response.body === null) throw new Error("the answer has no body");
    this.status = response.status;
    this.headers = response.headers;
    this.#reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    this.#abort = abort;
  }

  /** The next event; undefined at the end. */
  async next(): Promise<Event | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end !== -1) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return JSON.parse(line) as Event;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** The next `count` events as `TYPE name`. */
  async names(count: number): Promise<string[]> {
    const names: string[] = [];
    while (names.length < count) {
      const event = await this.next();
      if (event === undefined) break;
      names.push(`${event.type} ${event.object["metadata"]?.["name"] ?? ""}`);
    }
    return names;
  }

  /** All events up to the end. */
  async rest(): Promise<Event[]> {
    const events: Event[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) events.push(event);
    return events;
  }

  close(): void {
    this.#abort.abort();
  }
}

let count = 0;
const run = Math.random().toString(36).slice(2, 8);

/** A name that no other case uses, also in a state that outlives the run. */
export function unique(base: string): string {
  count += 1;
  return `${base}-${run}-${count}`;
}

/** A node that only its case selects, by the label `case`. */
export const node = (name: string, labels: Record<string, string> = {}, spec: Record<string, Json> = {}): Json => ({
  apiVersion: "windlass.dev/v1",
  kind: "Node",
  metadata: { name, labels },
  spec: { address: "tcp://127.0.0.1:2375", ...spec },
});

export const service = (name: string, namespace: string, spec: Record<string, Json> = {}): Json => ({
  apiVersion: "windlass.dev/v1",
  kind: "Service",
  metadata: { name, namespace },
  spec: { replicas: 2, template: { spec: { image: "busybox:latest" } }, ...spec },
});

function parsed(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return text as unknown as Body;
  }
}
